import fc from 'fast-check';
import type { Json, JsonObject } from '../../base/json.ts';
import { PARTITIONS } from './harness.ts';

/**
 * A command says relatively what it wants ("the head and one more", "the second claim from the end"), so that most
 * of a random script means something. The sets of names are small: collisions are what is being looked for.
 */
export type Command =
  | { readonly type: 'append'; readonly commits: readonly { log: number; off: number; events: readonly { key: string; data: JsonObject }[] }[] }
  | { readonly type: 'read'; readonly log: number; readonly back: number }
  | { readonly type: 'trim'; readonly log: number; readonly back: number }
  | { readonly type: 'heads' }
  | { readonly type: 'apply'; readonly consumer: string; readonly moves: readonly { log: number; off: number; by: number }[]; readonly states: readonly { key: number; body: string | null; dueMs: number | null }[]; readonly rows: readonly ViewRow[]; readonly deletes: readonly { column: 'place' | 'units'; values: readonly (string | number)[] }[] }
  | { readonly type: 'loadStates'; readonly log: number }
  | { readonly type: 'dueStates'; readonly after: { dueMs: number; key: number }; readonly untilMs: number; readonly limit: number }
  | { readonly type: 'dropDueStates'; readonly prefix: string; readonly beforeMs: number }
  | { readonly type: 'rows'; readonly atLeast: number }
  | { readonly type: 'put'; readonly messages: readonly { id: string; queue: string; lane: string; body: Json; batched: boolean }[]; readonly claim: { queue: string; limit: number; leaseMs: number } | undefined }
  | { readonly type: 'claim'; readonly queue: string; readonly limit: number; readonly leaseMs: number }
  | { readonly type: 'finish'; readonly claims: readonly { back: number; off: number; result: Json }[] }
  | { readonly type: 'retry'; readonly back: number; readonly off: number; readonly delayMs: number }
  | { readonly type: 'bury'; readonly back: number; readonly off: number }
  | { readonly type: 'revive'; readonly id: string }
  | { readonly type: 'reports'; readonly queue: string; readonly after: string; readonly limit: number }
  | { readonly type: 'purge'; readonly agoMs: number }
  | { readonly type: 'acquire'; readonly name: string; readonly holder: string; readonly ttlMs: number }
  | { readonly type: 'release'; readonly back: number }
  | { readonly type: 'swap'; readonly name: string; readonly expects: 'what is there' | { readonly value: Json | undefined }; readonly value: Json | undefined }
  | { readonly type: 'settings'; readonly prefix: string }
  | { readonly type: 'wait'; readonly ms: number };

export interface ViewRow {
  readonly place: string;
  readonly units: number | null;
  readonly label: string | null;
}

/** Keys whose order, case and wildcards matter; a key's place in the list says which log it is of. */
export const KEYS = ['r/1', 'r/10', 'r/2', 'R/1', 'i/%', 'i/_', 'i/é'];
export const IDS = ['a', 'b', 'B', 'c', 'd', 'e'];
export const QUEUES = ['q', 'Q'];
export const BATCH = 'load';

const log = fc.nat(PARTITIONS - 1);
/** Mostly right, now and then off by one. */
const off = fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constantFrom(-1, 1) });
const back = fc.oneof({ weight: 4, arbitrary: fc.nat(1) }, { weight: 1, arbitrary: fc.nat(6) });
const instant = fc.nat(12).map((n) => n * 10);
const leaseMs = fc.constantFrom(10, 30);
const limit = fc.constantFrom(1, 2, 3, 100);
const text = fc.constantFrom('', 'x', "it's", '"', '\\', '%', 'é😀', '\u2028');
const json: fc.Arbitrary<Json> = fc.oneof(fc.constantFrom<Json>(null, true, 0, -1.5, { ok: false }, { ok: true, b: 1, a: [] }, { b: 1, a: [], ok: true }), text);
const data: fc.Arbitrary<JsonObject> = fc.dictionary(fc.constantFrom('a', 'b', '__proto__', ' '), json, { maxKeys: 2, noNullPrototype: true });
const name = fc.constantFrom('n/a', 'n/b', 'n%', 'N/a');
const id = fc.constantFrom(...IDS);
const queue = fc.oneof({ weight: 5, arbitrary: fc.constant('q') }, { weight: 1, arbitrary: fc.constant('Q') });

function unique<T>(item: fc.Arbitrary<T>, by: (value: T) => unknown, range: { minLength?: number; maxLength: number }): fc.Arbitrary<T[]> {
  return fc.uniqueArray(item, { selector: by, ...range });
}

const append = fc.record({
  type: fc.constant('append' as const),
  commits: unique(fc.record({ log, off, events: fc.array(fc.record({ key: fc.constantFrom(...KEYS), data }), { minLength: 1, maxLength: 3 }) }), (commit) => commit.log, { minLength: 1, maxLength: PARTITIONS }),
});

const apply = fc.record({
  type: fc.constant('apply' as const),
  consumer: fc.constantFrom('states', 'views'),
  moves: unique(fc.record({ log, off, by: fc.nat(2) }), (move) => move.log, { maxLength: PARTITIONS }),
  states: unique(fc.record({ key: fc.nat(KEYS.length - 1), body: fc.option(text), dueMs: fc.option(instant) }), (state) => state.key, { maxLength: 4 }),
  rows: unique(fc.record({ place: text, units: fc.option(fc.constantFrom(-1, 0, 1, 2, Number.MAX_SAFE_INTEGER)), label: fc.option(text) }), (row) => row.place, { maxLength: 3 }),
  deletes: fc.array(
    fc.oneof(
      fc.record({ column: fc.constant('place' as const), values: fc.array(text, { maxLength: 2 }) }),
      fc.record({ column: fc.constant('units' as const), values: fc.array(fc.nat(2), { maxLength: 2 }) }),
    ),
    { maxLength: 1 },
  ),
});

const message = fc.record({ id, queue, lane: fc.constantFrom('l', 'm', 'L'), body: json, batched: fc.boolean() });
const finish = fc.record({ type: fc.constant('finish' as const), claims: unique(fc.record({ back, off, result: json }), (claim) => claim.back, { maxLength: 3 }) });

export const commands: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: append },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('read' as const), log, back: fc.nat(5) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('trim' as const), log, back: fc.integer({ min: -1, max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('heads' as const) }) },
  { weight: 5, arbitrary: apply },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('loadStates' as const), log }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('dueStates' as const), after: fc.record({ dueMs: instant, key: fc.nat(KEYS.length - 1) }), untilMs: instant, limit }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('dropDueStates' as const), prefix: fc.constantFrom('r/', 'i/_', 'i/%', 'R', ''), beforeMs: instant }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('rows' as const), atLeast: fc.integer({ min: -1, max: 2 }) }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('put' as const), messages: fc.array(message, { maxLength: 4 }), claim: fc.option(fc.record({ queue, limit, leaseMs }), { nil: undefined }) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('claim' as const), queue, limit, leaseMs }) },
  { weight: 4, arbitrary: finish },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('retry' as const), back, off, delayMs: fc.constantFrom(0, 10, 20) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('bury' as const), back, off }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('revive' as const), id }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('reports' as const), queue, after: fc.constantFrom('', 'B', 'b'), limit }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('purge' as const), agoMs: fc.constantFrom(-1, 0, 10, 20) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('acquire' as const), name, holder: fc.constantFrom('x', 'y'), ttlMs: fc.constantFrom(10, 30) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('release' as const), back }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('swap' as const), name, expects: fc.oneof(fc.constant('what is there' as const), fc.record({ value: fc.option(json, { nil: undefined }) })), value: fc.option(json, { nil: undefined }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('settings' as const), prefix: fc.constantFrom('', 'n/', 'n%', 'N') }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(10, 20) }) },
);
