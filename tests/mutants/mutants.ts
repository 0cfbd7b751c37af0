/**
 * Bugs that this product might have, each a small change of its source. They are made while a test run reads the source,
 * and never in a file: see `vitest.config.ts` beside this. A test that cannot find them would not find the real ones.
 */
export const FINDERS = {
  simulation: 'tests/simulation/simulation.test.ts',
  model: 'src/rooms/inventory/model.test.ts',
  prices: 'src/rooms/pricing/properties.test.ts',
  lowest: 'src/rooms/pricing/lowest.test.ts',
} as const;
type Finder = keyof typeof FINDERS;

export interface Mutant {
  /** What is wrong, in a few words. */
  readonly bug: string;
  readonly file: string;
  /** Which test has to find it. */
  readonly by: Finder;
  /** This text, which is in the file once, becomes that. */
  readonly from: string;
  readonly to: string;
}

export const MUTANTS = {
  'expiry-late': {
    bug: 'a hold counts one millisecond too long',
    file: 'src/rooms/inventory/lapses.ts',
    by: 'model',
    from: 'lapse && lapse.at <= now;',
    to: 'lapse && lapse.at < now;',
  },
  'demand-by-line': {
    bug: 'demand is not summed per item: each line is looked at alone',
    file: 'src/rooms/inventory/plan.ts',
    by: 'model',
    from: 'demand.requested += units;',
    to: 'demand.requested = units;',
  },
  'early-answer': {
    bug: 'an answer is given before its append is durable',
    file: 'src/runtime/engine.ts',
    by: 'simulation',
    from: 'if (durable) ',
    to: 'if (durable || decision.ok) ',
  },
  'forgotten-answer': {
    bug: 'a remembered answer is forgotten after a second',
    file: 'src/runtime/answers.ts',
    by: 'simulation',
    from: 'now >= remembered.at + ANSWER_RETENTION_MS',
    to: 'now >= remembered.at + 1_000',
  },
  'expiry-not-priced': {
    bug: 'an item is not priced again when a hold on it runs out',
    file: 'src/processes/pricing/effects.ts',
    by: 'simulation',
    from: 'MOVES_STOCK.map(',
    to: "MOVES_STOCK.filter((type) => type !== 'inventory.reservation.expired').map(",
  },
  'own-hold-counts': {
    bug: "a cart's own hold stands in its way",
    file: 'src/rooms/inventory/plan.ts',
    by: 'model',
    from: '{ channel: request.channel, own: shares }',
    to: '{ channel: request.channel }',
  },
  'safety-stock-skipped': {
    bug: 'the safety stock is ignored where a hold is decided, and not where it is shown',
    file: 'src/rooms/inventory/availability.ts',
    by: 'simulation',
    from: '(definition?.safetyStock ?? 0)',
    to: '(asking.own === undefined ? (definition?.safetyStock ?? 0) : 0)',
  },
  'backorder-one-more': {
    bug: 'one unit more than the backorder limit may be promised',
    file: 'src/rooms/inventory/availability.ts',
    by: 'simulation',
    from: 'Math.min(net + limit, most',
    to: 'Math.min(net + limit + (limit > 0 ? 1 : 0), most',
  },
  'conflict-dropped': {
    bug: 'who lost a race is not decided again',
    file: 'src/runtime/engine.ts',
    by: 'simulation',
    from: "else if (verdict !== 'refused') again.push(...lost);",
    to: "else if (verdict !== 'refused' && !isFault(error, 'conflict')) again.push(...lost);",
  },
  'tail-not-folded': {
    bug: 'the first commit after the saved states is not folded when memory is made again',
    file: 'src/runtime/memory.ts',
    by: 'simulation',
    from: 'if (commit.position > loaded.upTo) this.#fold(',
    to: 'if (commit.position > loaded.upTo + 1) this.#fold(',
  },
  'timer-of-extended-hold': {
    bug: 'the timer of a hold that was extended ends it',
    file: 'src/rooms/inventory/holds.ts',
    by: 'simulation',
    from: "record?.status !== 'held' || record.expiresAt > now",
    to: "record?.status !== 'held'",
  },
  'release-one-more': {
    bug: 'one unit more than is held may be released',
    file: 'src/rooms/inventory/units.ts',
    by: 'model',
    from: 'if (requested > available)',
    to: 'if (requested > available + 1)',
  },
  'message-twice': {
    bug: 'a message that is handed out again has its effect again',
    file: 'src/runtime/queue-worker.ts',
    by: 'simulation',
    from: 'key: `k/${message.id}`',
    to: 'key: `k/${message.id}/${message.attempt}`',
  },
  'clock-jumps': {
    bug: 'a clock that was set wrong is believed at once',
    file: 'src/base/clock.ts',
    by: 'simulation',
    from: 'Math.abs(drift) <= 50 ? 50 : elapsed * SLEW',
    to: 'Number.POSITIVE_INFINITY',
  },
  'lost-race-remembered': {
    bug: 'what was decided and did not become durable stays in memory',
    file: 'src/runtime/memory.ts',
    by: 'simulation',
    from: 'for (const { key } of touched) this.#residents.drop(key);',
    to: 'for (const { key } of touched) void key;',
  },
  'lane-overtaken': {
    bug: 'a command goes before one of its lane that waits for states',
    file: 'src/runtime/inbox.ts',
    by: 'simulation',
    from: "return this.#parkedLanes.has(lane) ? 'parked' : 'free';",
    to: "return 'free';",
  },
  'folded-twice': {
    bug: 'the projector folds facts into states that another has saved further',
    file: 'src/runtime/projector.ts',
    by: 'simulation',
    from: 'if (upTo !== (this.#checkpoints[log] ?? 0)) throw',
    to: 'if (upTo < (this.#checkpoints[log] ?? 0)) throw',
  },
  'customer-limit-per-hold': {
    bug: "a customer's limit forgets the other holds of the customer",
    file: 'src/rooms/inventory/plan.ts',
    by: 'model',
    from: 'had + requested > perCustomer',
    to: '(customer?.promised ?? 0) + requested > perCustomer',
  },
  'fulfilled-keeps-promise': {
    bug: 'goods that leave stay promised',
    file: 'src/rooms/inventory/evolve.ts',
    by: 'model',
    from: 'for (const place of freed) levelAt(item, place.location).allocated -= place.quantity;',
    to: 'for (const place of freed.slice(1)) levelAt(item, place.location).allocated -= place.quantity;',
  },
  'bundle-counts-once': {
    bug: 'a bundle asks for one unit of each component, however many it takes',
    file: 'src/rooms/inventory/plan.ts',
    by: 'model',
    from: 'line.quantity * part.quantity, demands',
    to: 'line.quantity, demands',
  },
  'presale-a-moment-longer': {
    bug: "a preorder's limit holds at the instant of its date too",
    file: 'src/rooms/inventory/availability.ts',
    by: 'model',
    from: 'now < Date.parse(preorder.availableFrom)',
    to: 'now <= Date.parse(preorder.availableFrom)',
  },
  'presale-forgets-orders': {
    bug: 'preorders that were confirmed no longer count against their channel',
    file: 'src/rooms/inventory/evolve.ts',
    by: 'simulation',
    from: 'if (share.preorderChannel !== undefined) addPreordered(item, share.preorderChannel, share.quantity);',
    to: '',
  },
  'receipts-added-up': {
    bug: 'what a transfer is said to have received so far is taken for what has just come in',
    file: 'src/rooms/inventory/transfers.ts',
    by: 'simulation',
    from: 'const quantity = received - line.received;',
    to: 'const quantity = received;',
  },
  'newest-served-first': {
    bug: 'units that come in go to the newest promise that waits',
    file: 'src/rooms/inventory/backorders.ts',
    by: 'model',
    from: 'return sorted ? found :',
    to: 'return sorted ? found.reverse() :',
  },
  'state-not-read': {
    bug: 'a fact folds into a state that its decision did not read, and so may not be in memory',
    file: 'src/rooms/inventory/aftermath.ts',
    by: 'simulation',
    from: '    findWaiting(world, key.slice(2)); // the fact folds into it\n',
    to: '',
  },
  'step-below-floor': {
    bug: 'the largest step keeps a price below its floor',
    file: 'src/rooms/pricing/guardrails.ts',
    by: 'prices',
    from: 'const allowed = clamp(wanted, this.#bounds);',
    to: 'const allowed = wanted;',
  },
  'step-of-last-price': {
    bug: 'the largest step is from the last price, not from all of the window',
    file: 'src/rooms/pricing/track.ts',
    by: 'prices',
    from: 'low = Math.min(low, one.low);',
    to: 'low = Math.max(low, one.low);',
  },
  'window-too-short': {
    bug: 'prices of one part of a window are forgotten with the first of them',
    file: 'src/rooms/pricing/track.ts',
    by: 'prices',
    from: 'until: at, low: Math.min(last.low, amount)',
    to: 'until: last.until, low: Math.min(last.low, amount)',
  },
  'ending-out-of-bounds': {
    bug: 'the ending of a price is chosen without its bounds',
    file: 'src/rooms/pricing/ending.ts',
    by: 'prices',
    from: 'one >= low && one <= high && one >= 0',
    to: 'one >= 0',
  },
  'no-cooldown': {
    bug: 'a change begins no cooldown',
    file: 'src/rooms/pricing/track.ts',
    by: 'prices',
    from: '{ price, past, changedAt: at };',
    to: '{ price, past };',
  },
  'older-stock-wins': {
    bug: 'a price of older stock replaces one of newer',
    file: 'src/rooms/pricing/publish.ts',
    by: 'prices',
    from: 'state && candidate.stockVersion < state.stockVersion',
    to: 'state && candidate.stockVersion < state.stockVersion - 1',
  },
  'reduction-outlives-rise': {
    bug: 'a reduction goes on although the price rose meanwhile',
    file: 'src/rooms/pricing/lowest.ts',
    by: 'lowest',
    from: ' || after.amount > before.amount) return { lows };',
    to: ') return { lows };',
  },
  'prior-of-all-time': {
    bug: 'prices that ended more than 30 days ago count',
    file: 'src/rooms/pricing/lowest.ts',
    by: 'lowest',
    from: 'const PRIOR_MS = PRIOR_DAYS',
    to: 'const PRIOR_MS = 1.1 * PRIOR_DAYS',
  },
  'low-forgotten': {
    bug: 'a lower price is forgotten for a higher one that ended later',
    file: 'src/rooms/pricing/lowest.ts',
    by: 'lowest',
    from: 'low.amount < price.amount ||',
    to: 'low.amount > price.amount ||',
  },
} as const satisfies Readonly<Record<string, Mutant>>;

/** The source with the bug in it. Throws where the source has changed so that the bug is not in it once. */
export function mutated(name: string, { file, from, to }: Pick<Mutant, 'file' | 'from' | 'to'>, source: string): string {
  const times = source.split(from).length - 1;
  if (times !== 1) throw new Error(`mutant ${name}: ${file} has ${times} times what it changes, "${from}". Say in tests/mutants/mutants.ts how the source is to be changed now.`);
  return source.replace(from, () => to);
}
