import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeEvents, encodeEvents, type EventRecord } from '../../store/store.ts';
import { readFacts, type Fact } from './facts.ts';

const AT = { log: 3, position: 7 };

/** Texts with whatever could be taken for something else. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('"', '\\', '.recorded","', ']],[["', '["inventory.order.recorded","o/a",1,{"order":{"orderId":"a"}}]', 'inventory.order.recorded', '0', 'é😀'),
);
const integer = fc.oneof(fc.nat(), fc.constantFrom(-1, 1.5, 1e21, Number.MAX_SAFE_INTEGER, -0));
const member = fc.oneof({ weight: 3, arbitrary: fc.stringMatching(/^[a-zA-Z]{1,6}$/) }, { weight: 1, arbitrary: fc.constantFrom('0', 'x y', '"', 'é', 'orderId', 'id') });
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ maxDepth: 4, depthSize: 'small' }, integer, text, fc.constantFrom(true, false, null), fc.array(tie('value'), { maxLength: 4 }), fc.dictionary(member, tie('value'), { maxKeys: 4 })),
}));
const id = fc.oneof({ weight: 4, arbitrary: fc.stringMatching(/^[a-z0-9_]{1,8}$/) }, { weight: 1, arbitrary: text });

/** Records that name themselves as their key does, and some that do not. */
const record = fc
  .record({ kind: fc.constantFrom('reservation', 'order'), id, own: fc.nat(9), members: fc.dictionary(member, value, { maxKeys: 4 }), more: fc.nat(19), time: fc.nat() })
  .map(({ kind, id: name, own, members, more, time }): EventRecord => {
    const [field, letter] = kind === 'order' ? ['orderId', 'o'] : ['id', 'r'];
    const { [field]: _, ...others } = members;
    const data = { [kind]: { [field]: own === 0 ? `${name}x` : name, ...others }, ...(more === 0 ? { actor: 'key' } : {}) };
    return { type: `inventory.${kind}.recorded`, key: `${letter}/${name}`, time, data };
  });
const units = fc.oneof({ weight: 6, arbitrary: fc.nat() }, { weight: 1, arbitrary: integer });
const place = fc.record({ location: id, quantity: units });
const places = fc.oneof({ weight: 4, arbitrary: fc.tuple(place) }, { weight: 1, arbitrary: fc.array(place, { maxLength: 3 }) });
const more = fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: fc.record({ orderId: id }) }, { weight: 1, arbitrary: fc.dictionary(member, value, { maxKeys: 2 }) });
/** Facts of holds and of orders as the room writes them, and nearly so. */
const held = fc
  .record({ type: fc.constantFrom('held', 'confirmed', 'released', 'expired', 'extended'), key: id, time: units, reservationId: id, quantity: units, backordered: units, allocations: places, expiresAt: units, more })
  .map(({ type, key, time, more: also, ...data }): EventRecord => ({ type: `inventory.reservation.${type}`, key: `i/${key}`, time, data: { ...data, ...(also as object) } }));
const fulfilled = fc
  .record({ key: id, time: units, orderId: id, location: id, quantity: units, onHand: units, freed: places, backordered: units, more })
  .map(({ key, time, more: also, ...data }): EventRecord => ({ type: 'inventory.allocation.fulfilled', key: `i/${key}`, time, data: { ...data, ...(also as object) } }));
const other = fc.record({ type: fc.oneof(text, fc.constantFrom('inventory.reservation.held', 'inventory.transfer.recorded')), key: text, time: integer, data: fc.dictionary(member, value, { maxKeys: 4 }) }) as fc.Arbitrary<EventRecord>;
const commit = fc.array(fc.oneof(record, held, fulfilled, other), { minLength: 1, maxLength: 6 }).map(encodeEvents);

/** The same as `decodeEvents` gives, in which a record is an object. */
function inFull({ type, key, time, data, record: kept }: Fact): EventRecord {
  return { type, key, time, data: kept === undefined ? data : { [key.startsWith('o/') ? 'order' : 'reservation']: JSON.parse(kept) } };
}

function outcome(read: () => EventRecord[]): unknown {
  try {
    return read();
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

function expectSame(body: string): void {
  expect(outcome(() => readFacts(body, AT).map(inFull))).toEqual(outcome(() => decodeEvents(body, AT)));
}

/** A record that is kept as text is under its own name, and is the text that is saved. */
function expectSavable(body: string): void {
  for (const { key, record: kept } of readFacts(body, AT)) {
    if (kept === undefined) continue;
    const state = JSON.parse(kept);
    expect([JSON.stringify(state), key.startsWith('o/') ? state.orderId : state.id]).toEqual([kept, key.slice(2)]);
  }
}

describe('facts read from the text of a commit', () => {
  test('are what parsing all of it gives', () => {
    fc.assert(
      fc.property(commit, (body) => {
        expectSame(body);
        expectSavable(body);
      }),
      { numRuns: 2_000 },
    );
  });

  test('are refused where parsing all of it fails, wherever the text was spoiled', () => {
    const spoiled = fc.tuple(commit, fc.nat(), fc.nat(3), fc.constantFrom('', '"', '}', ']', ',', '0', '{', '\\', '-')).map(([body, at, length, put]) => {
      const from = at % body.length;
      // A store is in UTF-8, which has no half of a character.
      return (body.slice(0, from) + put + body.slice(from + length)).toWellFormed();
    });
    fc.assert(fc.property(spoiled, expectSame), { numRuns: 5_000 });
  });

  test('are read by pattern where the room wrote them, and make the same objects', () => {
    const share = { reservationId: 'res_1m8c4gtmq01wyk2ct6gekx9', quantity: 2, backordered: 0, allocations: [{ location: 'a place with a long name', quantity: 2 }], expiresAt: 9 };
    const facts: EventRecord[] = [
      { type: 'inventory.reservation.held', key: 'i/lamp', time: 5, data: share },
      { type: 'inventory.reservation.confirmed', key: 'i/lamp', time: 6, data: { ...share, orderId: 'a' } },
      { type: 'inventory.allocation.fulfilled', key: 'i/lamp', time: 7, data: { orderId: 'a', location: 'main', quantity: 2, onHand: -1, freed: [{ location: 'main', quantity: 2 }], backordered: 0 } },
    ];
    expect(readFacts(encodeEvents(facts), AT)).toEqual(facts.map((fact) => ({ ...fact, record: undefined })));
  });

  test('take the text of a plain record as it stands', () => {
    const order = { orderId: 'a', version: 1, lines: [{ sku: 'lamp', quantity: 2, allocations: [{ sku: 'lamp', location: 'main', quantity: 2 }], components: [{ sku: 'bulb', quantity: 1, backordered: 0 }] }] };
    const body = encodeEvents([{ type: 'inventory.order.recorded', key: 'o/a', time: 5, data: { order } }]);
    expect(readFacts(body, AT)).toEqual([{ type: 'inventory.order.recorded', key: 'o/a', time: 5, data: {}, record: JSON.stringify(order) }]);
  });
});
