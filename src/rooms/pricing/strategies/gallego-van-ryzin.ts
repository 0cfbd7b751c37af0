/**
 * The price that earns most from a stock that cannot be refilled before the season ends, while demand comes by chance:
 * Gallego and van Ryzin, "Optimal dynamic pricing of inventories with stochastic demand over finite horizons",
 * Management Science 40(8), 1994, pp. 999–1020, doi 10.1287/mnsc.40.8.999, for demand λ(p) = a·e^(−αp).
 *
 * With margins over a salvage value s, λ* = a·e^(−αs)/e and x = λ*·t:
 * S_n = Σ_{i=0..n} xⁱ/i!,  J(n, t) = ln S_n / α,  p(n, t) = s + 1/α + J(n, t) − J(n − 1, t).
 * The price rises when stock falls and falls as time runs out.
 */

export interface SeasonalDemand {
  /** a: units a day that would sell at price 0. */
  readonly demandPerDay: number;
  /** α: how quickly demand falls with the price, per currency unit. */
  readonly alpha: number;
  /** s: what a unit brings that is left when the season ends, in currency units. */
  readonly salvage?: number;
}

/** p(n, t) in currency units, unrounded. `units` ≥ 1, `days` ≥ 0; from the end of the season on it is s + 1/α. */
export function gallegoVanRyzinPrice(demand: SeasonalDemand, units: number, days: number): number {
  return (demand.salvage ?? 0) + (1 + lastUnitAdds(expectedBuyers(demand, days), units)) / demand.alpha;
}

/** J(n, t), in currency units: what the stock is expected to earn beyond its salvage value under the best prices. */
export function gallegoVanRyzinRevenue(demand: SeasonalDemand, units: number, days: number): number {
  return logOfPartialSum(expectedBuyers(demand, days), units) / demand.alpha;
}

/** x = λ*·t: the units that would sell at the price s + 1/α, were there enough of them. */
function expectedBuyers({ demandPerDay, alpha, salvage = 0 }: SeasonalDemand, days: number): number {
  return Math.max(0, days) * demandPerDay * Math.exp(-alpha * salvage - 1);
}

/** Terms below this share of their sum change no price by a minor unit. */
const NEGLIGIBLE = 1e-14;

/**
 * ln S_n − ln S_{n−1} = ln(1 + 1/q) with q = S_{n−1} / (xⁿ/n!) = Σ_{k=1..n} Π_{j=0..k−1} (n − j)/x: the sum of
 * exponentials taken relative to its last term. Nothing overflows but q itself, where the difference is 0, and nothing is
 * lost to subtraction. Of a stock in the millions only about √x terms count.
 */
function lastUnitAdds(x: number, n: number): number {
  if (x <= 0) return 0;
  let term = 1;
  let q = 0;
  for (let left = n; left > 0; left--) {
    term *= left / x;
    q += term;
    if (q > 1 / NEGLIGIBLE || (left < x && term < q * NEGLIGIBLE)) break;
  }
  return Math.log1p(1 / q);
}

/** ln Σ_{i=0..n} xⁱ/i!, as log-sum-exp: the largest term is taken out, so that x in the thousands does not overflow. */
function logOfPartialSum(x: number, n: number): number {
  if (x <= 0) return 0;
  const largest = Math.min(n, Math.floor(x));
  const logOfLargest = largest * Math.log(x) - logFactorial(largest);
  let sum = 1;
  for (let i = largest, term = 1; i > 0 && term > NEGLIGIBLE; i--) sum += term *= i / x;
  for (let i = largest + 1, term = 1; i <= n && term > NEGLIGIBLE; i++) sum += term *= x / i;
  return logOfLargest + Math.log(sum);
}

/** ln n!: summed while short, then Stirling's series, which is exact to rounding from there on. */
function logFactorial(n: number): number {
  if (n >= 64) return n * Math.log(n) - n + Math.log(2 * Math.PI * n) / 2 + 1 / (12 * n) - 1 / (360 * n ** 3);
  let sum = 0;
  for (let i = 2; i <= n; i++) sum += Math.log(i);
  return sum;
}
