import { compileStrategy, priceKey, pricing as room, type Candidate, type Money, type PolicyDefinition, type Price, type Published, type Rule, type Signals } from '../../src/rooms/pricing/pricing.ts';
import { ids } from '../../src/base/ids.ts';
import { seededRandom } from '../../src/base/random.ts';
import { atLeast, type Line } from '../report.ts';
import { inRounds, type Sample } from '../rounds.ts';
import type { Settings, Suite } from './suite.ts';

/**
 * From signals to facts: a policy of twenty rules with every guardrail, a thousand items a command, and the facts folded
 * into the prices. By the processor time of the thread that does it.
 */
export const pricing: Suite = { name: 'pricing', about: 'prices computed, judged and folded', run };

const ITEMS = 10_000;
const ITEMS_PER_COMMAND = 1_000;

async function run({ seconds, rounds, warmUpSeconds }: Settings): Promise<Line[]> {
  const shop = new Shop();
  for (const pass of [shop.moving, shop.resting]) repeated(pass, warmUpSeconds);
  const measured = await inRounds<'moving' | 'resting'>(rounds, {
    moving: async () => repeated(shop.moving, seconds),
    resting: async () => repeated(shop.resting, seconds),
  });
  return [
    { name: 'items repriced, 20 rules, most prices change', figure: measured.perSecond('moving'), unit: '/s', ...atLeast(measured.perSecond('moving'), 100_000) },
    { name: 'items repriced, 20 rules, no price changes', figure: measured.perSecond('resting'), unit: '/s', ...atLeast(measured.perSecond('resting'), 100_000) },
  ];
}

function repeated(pass: () => number, seconds: number): Sample {
  const start = process.threadCpuUsage();
  let count = 0;
  for (;;) {
    count += pass();
    const { user, system } = process.threadCpuUsage(start);
    const spent = (user + system) / 1e6;
    if (spent >= seconds) return { perSecond: count / spent };
  }
}

const eur = (amount: number): Money => ({ amount, currency: 'EUR' });

/** One in four rules asks for stock, the others for what sells, for the time and for attributes. */
function ruleOf(i: number): Rule {
  const whens = [
    { available: [{ numeric: ['<', 40 - i] }] },
    { daysOfCover: [{ numeric: ['>', 30 + i] }], sellThrough: [{ numeric: ['<', 0.5] }] },
    { velocityHour: [{ numeric: ['>', 5 + i] }] },
    { attributes: { category: [`category-${i}`] }, hour: [{ numeric: ['>=', 18] }] },
  ];
  return { name: `rule ${i}`, when: whens[i % 4] ?? {}, change: { percent: i % 2 === 0 ? 3 : -2 } };
}

export const POLICY: PolicyDefinition = {
  priority: 1,
  match: {},
  mode: 'live',
  strategy: { kind: 'rules', rules: Array.from({ length: 20 }, (_, i) => ruleOf(i)) },
  guardrails: { floor: { margin: 0.05 }, ceiling: { factor: 2 }, maxStepPercent: 25, stepWindowSeconds: 3_600, maxChanges: 100, cooldownSeconds: 1, hysteresisPercent: 0.1, ending: 99, staleAfterSeconds: 600 },
};

/** An item as its description has it. */
interface Item {
  readonly sku: string;
  readonly key: string;
  readonly basePrice: Money;
  readonly cost: Money;
}

function itemOf(i: number): Item {
  const amount = 1_000 + (i % 500) * 37;
  return { sku: `SKU-${i}`, key: priceKey(`SKU-${i}`), basePrice: eur(amount), cost: eur(Math.floor(amount * 0.6)) };
}

type Facts = Extract<ReturnType<typeof room.decide>, { ok: true }>['events'];

/** Ten thousand items, their prices and what moves them. */
export class Shop {
  readonly #items: readonly Item[] = Array.from({ length: ITEMS }, (_, i) => itemOf(i));
  readonly #states = new Map<string, unknown>();
  readonly #ids = ids(seededRandom(1));
  readonly #model = compileStrategy(POLICY.strategy as Parameters<typeof compileStrategy>[0]); // rules, as said above
  #now = Date.UTC(2027, 0, 1);
  #stockVersion = 0;
  /** What moves: a pass takes units from the shelves until they are filled up again. */
  #season = 0;

  readonly #world = { partitions: 16, get: (key: string): unknown => this.#states.get(key) };
  readonly #near = { get: (key: string): unknown => this.#states.get(key), set: (key: string, state: unknown): void => void this.#states.set(key, state) };

  readonly moving = (): number => {
    this.#season++;
    return this.#pass();
  };

  readonly resting = (): number => this.#pass();

  #pass(): number {
    let priced = 0;
    for (const { count } of this.#commands()) priced += count;
    return priced;
  }

  /** A pass in which most prices change, a thousand items at a time: the facts about them. */
  *facts(): Generator<Facts> {
    this.#season++;
    for (const { events } of this.#commands()) yield events;
  }

  *#commands(): Generator<{ readonly count: number; readonly events: Facts }> {
    this.#now += 600_000;
    this.#stockVersion++;
    for (let first = 0; first < ITEMS; first += ITEMS_PER_COMMAND) {
      const items = Array.from({ length: ITEMS_PER_COMMAND }, (_, i) => this.#candidate(first + i));
      const decision = room.decide({ type: 'PublishPrices', revision: 0, items }, this.#world, { now: this.#now, ids: this.#ids });
      if (!decision.ok) throw new Error(decision.refusal.detail);
      for (const event of decision.events) room.evolve(event, this.#near);
      yield { count: (decision.answer as unknown as Published).outcomes.length, events: decision.events };
    }
  }

  #candidate(i: number): Candidate {
    const { sku, basePrice, cost, key } = this.#items[i] ?? itemOf(i);
    const price = this.#states.get(key) as Price | undefined; // under `p/` keys there are prices only
    const signals = signalsOf(i, this.#season, price?.price ?? basePrice, basePrice, cost);
    const priced = this.#model({ basePrice, cost, signals, now: this.#now });
    return { sku, basePrice, cost, stockVersion: this.#stockVersion, signalsAt: this.#now, policy: { id: 'all', version: 1, mode: 'live', guardrails: POLICY.guardrails }, priced, frozen: false };
  }
}

function signalsOf(i: number, season: number, price: Money, basePrice: Money, cost: Money): Signals {
  const available = (i * 13 + season * 11) % 120;
  const velocityDay = 1 + ((i + season) % 9);
  return {
    available,
    onHand: available + 3,
    reserved: 3,
    daysOfCover: available / velocityDay,
    velocityHour: (i + season * 3) % 30,
    velocityDay,
    sellThrough: ((i + season) % 100) / 100,
    ageDays: i % 400,
    price,
    basePrice,
    cost,
    hour: 19,
    weekday: 3,
    attributes: { category: `category-${i % 40}`, brand: 'acme' },
  };
}
