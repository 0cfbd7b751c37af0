/** One run of one contender. */
export interface Sample {
  /** Holds, or whatever the contender does, a second. */
  readonly perSecond: number;
  /** Milliseconds; absent where nobody waits. */
  readonly p99?: number;
}

export type Contenders<Name extends string> = Readonly<Record<Name, () => Promise<Sample>>>;

export interface Rounds<Name extends string> {
  /** Medians over the rounds. */
  perSecond(name: Name): number;
  p99(name: Name): number;
  /** The median of the rounds' own ratios: what slows a machine for a minute slows both sides of a round. */
  ratio(of: Name, to: Name): number;
}

/** Runs every contender once a round, one after the other, so that none has the quiet minutes to itself. */
export async function inRounds<Name extends string>(rounds: number, contenders: Contenders<Name>): Promise<Rounds<Name>> {
  const names = Object.keys(contenders) as Name[]; // keys of a Record<Name, …>
  const samples = new Map<Name, Sample[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) {
      const sample = await contenders[name]();
      samples.get(name)?.push(sample);
      console.error(`  ${name}: ${Math.round(sample.perSecond).toLocaleString('en')}/s${sample.p99 === undefined ? '' : `, p99 ${sample.p99.toFixed(1)} ms`}`);
    }
  }
  const each = (name: Name, of: (sample: Sample) => number): number[] => (samples.get(name) ?? []).map(of);
  return {
    perSecond: (name) => median(each(name, (sample) => sample.perSecond)),
    p99: (name) => median(each(name, (sample) => sample.p99 ?? 0)),
    ratio: (of, to) => {
      const others = each(to, (sample) => sample.perSecond);
      return median(each(of, (sample) => sample.perSecond).map((rate, round) => rate / (others[round] ?? Number.NaN)));
    },
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = sorted.length % 2 === 0 ? [sorted[middle - 1], sorted[middle]] : [sorted[middle], sorted[middle]];
  return (low + high) / 2;
}
