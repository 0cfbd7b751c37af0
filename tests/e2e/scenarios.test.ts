import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isProblem, type Adjustment, type Availability, type Fact, type HoldfastClient, type HoldfastProblem, type ItemInput, type Reservation } from '../../src/client/client.ts';
import { sqlitePlace, type Place } from '../proof/places.ts';
import { ServerProcess } from '../proof/server-process.ts';

let place: Place;
let server: ServerProcess;
let client: HoldfastClient;
const skus: string[] = [];

beforeAll(async () => {
  place = await sqlitePlace();
  await start();
}, 60_000);
afterAll(async () => {
  await server?.stop();
  await place?.[Symbol.asyncDispose]();
});

async function start(): Promise<void> {
  server = await ServerProcess.start(place);
  client = server.client();
}

/** An item of its own for a case, with some units at the one place. */
async function item(onHand: number, input: ItemInput = {}): Promise<string> {
  const sku = `S-${skus.length}`;
  skus.push(sku);
  await client.items.put(sku, input);
  if (onHand > 0) await adjust(sku, { change: onHand, reason: 'received' });
  return sku;
}

async function adjust(sku: string, adjustment: Adjustment): Promise<void> {
  expect(await client.items.adjust(sku, adjustment, { waitSeconds: 20 })).toMatchObject({ status: 'applied' });
}

const one = (sku: string, quantity: number): { lines: { sku: string; quantity: number }[] } => ({ lines: [{ sku, quantity }] });

async function refusal(call: Promise<unknown>): Promise<HoldfastProblem> {
  const outcome: unknown = await call.catch((error: unknown) => error);
  if (!isProblem(outcome)) throw new Error(`it was not refused: ${JSON.stringify(outcome)}`);
  return outcome;
}

async function expectLevel(sku: string, level: Partial<Availability>): Promise<void> {
  expect(await client.items.availability(sku)).toMatchObject(level);
}

async function expectRefused(call: Promise<unknown>, code: string, lines?: readonly object[]): Promise<void> {
  const problem = await refusal(call);
  expect(problem).toMatchObject({ status: 409, code });
  if (lines !== undefined) expect(problem.document['lines']).toEqual(lines);
}

/** The newest facts of an item, once the view has all that happened until now. */
async function historyOf(sku: string): Promise<readonly Fact[]> {
  const { cursor } = (await client.operation.system()) as { cursor: string }; // as the operation's page says
  return (await client.items.history(sku, { limit: 500 }, { after: cursor })).items;
}

const factsOf = async (sku: string): Promise<string[]> => (await historyOf(sku)).map(({ type }) => type);

/** Every case ends with it. */
async function expectBooksRight(...cases: string[]): Promise<void> {
  for (const sku of cases) {
    const check = await client.items.check(sku);
    expect(check).toMatchObject({ sku, ok: true });
    expect(check.levels.filter(({ difference }) => difference !== 0)).toEqual([]);
  }
}

describe('exact fit and one too many', () => {
  test.each([1, 2, 7, 1_000, 1_000_000_000])('with %i on hand', async (units) => {
    const fits = await item(units);
    expect(await client.reservations.create(one(fits, units))).toMatchObject({ status: 'held', lines: [{ sku: fits, quantity: units, backordered: 0 }] });
    await expectLevel(fits, { reserved: units, available: 0, sellable: 0 });
    await expectRefused(client.reservations.create(one(fits, 1)), 'insufficient-stock', [{ sku: fits, requested: 1, available: 0 }]);
    await expectBooksRight(fits);
  });

  test.each([0, 2, 41])('one more than %i is refused and nothing changed', async (units) => {
    const sku = await item(units);
    const before = await factsOf(sku);
    await expectRefused(client.reservations.create(one(sku, units + 1)), 'insufficient-stock', [{ sku, requested: units + 1, available: units }]);
    await expectLevel(sku, { reserved: 0, available: units });
    expect(await factsOf(sku)).toEqual(before);
    await expectBooksRight(sku);
  });
});

describe('a cart', () => {
  test.each([
    { onHand: 10, first: 3, later: [7, 2, 10] },
    { onHand: 100, first: 99, later: [1, 100, 50] },
  ])('grows and shrinks within its own stock of $onHand', async ({ onHand, first, later }) => {
    const sku = await item(onHand);
    const cartId = randomUUID();
    const { id } = await client.carts.put(cartId, one(sku, first));
    for (const quantity of later) {
      expect(await client.carts.put(cartId, one(sku, quantity))).toMatchObject({ id, lines: [{ sku, quantity }] });
      await expectLevel(sku, { reserved: quantity, available: onHand - quantity });
    }
    const last = later.at(-1) ?? first;
    await expectRefused(client.carts.put(cartId, one(sku, onHand + 1)), 'insufficient-stock', [{ sku, requested: onHand + 1, available: onHand }]);
    await expectLevel(sku, { reserved: last });
    expect(await client.carts.get(cartId)).toMatchObject({ id, status: 'held', lines: [{ sku, quantity: last }] });
    await expectBooksRight(sku);
  });

  test('that is put twice holds once', async () => {
    const sku = await item(10);
    for (let times = 0; times < 3; times++) await client.carts.put('twice', one(sku, 3));
    await expectLevel(sku, { reserved: 3, available: 7 });
    await Promise.all(Array.from({ length: 20 }, () => client.carts.put('twice', one(sku, 4))));
    await expectLevel(sku, { reserved: 4, available: 6 });
    await expectBooksRight(sku);
  });

  test('that was emptied holds nothing, and emptying it again is fine', async () => {
    const sku = await item(4);
    await client.carts.put('emptied', one(sku, 4));
    await client.carts.delete('emptied');
    await client.carts.delete('emptied');
    await expectLevel(sku, { reserved: 0, available: 4 });
    await expectBooksRight(sku);
  });

  test('sees what is there for itself', async () => {
    const sku = await item(6);
    await client.carts.put('asker', one(sku, 4));
    expect(await client.items.availability(sku, { cartId: 'asker' })).toMatchObject({ available: 6 });
    expect(await client.items.availability(sku, { cartId: 'another' })).toMatchObject({ available: 2 });
    await expectBooksRight(sku);
  });
});

describe('an expired hold', () => {
  const passed = async ({ expiresAt }: Reservation): Promise<void> => {
    while (Date.now() <= Date.parse(expiresAt ?? '') + 60) await new Promise((resolve) => setTimeout(resolve, 20));
  };

  test('does not count from the instant, beside a live one', async () => {
    const sku = await item(10);
    await client.reservations.create(one(sku, 4));
    const brief = await client.reservations.create({ ...one(sku, 6), ttlSeconds: 1 });
    await expectRefused(client.reservations.create(one(sku, 1)), 'insufficient-stock', [{ sku, requested: 1, available: 0 }]);
    await passed(brief);
    await expectLevel(sku, { reserved: 4, available: 6 });
    expect(await client.reservations.get(brief.id)).toMatchObject({ status: 'expired' });
    await client.reservations.create(one(sku, 6));
    await expectLevel(sku, { reserved: 10, available: 0 });
    await expect.poll(() => factsOf(sku), { timeout: 10_000 }).toContain('inventory.reservation.expired');
    await expectBooksRight(sku);
  });

  test('comes too late to the till: its unit is another buyer’s', async () => {
    const sku = await item(1);
    const late = await client.reservations.create({ ...one(sku, 1), ttlSeconds: 1 });
    await passed(late);
    const winner = await client.reservations.create(one(sku, 1));
    await expectRefused(client.reservations.confirm(late.id), 'reservation-expired');
    await expectRefused(client.reservations.extend(late.id, 60), 'reservation-expired');
    await expectRefused(client.reservations.release(late.id), 'reservation-expired');
    expect(await client.reservations.confirm(winner.id)).toMatchObject({ status: 'confirmed' });
    await expectLevel(sku, { reserved: 0, allocated: 1, available: 0 });
    await expectBooksRight(sku);
  });
});

describe('all or nothing', () => {
  test.each([
    { onHand: 5, quantities: [3, 3] },
    { onHand: 9, quantities: [4, 4, 2] },
  ])('lines $quantities of one item are summed before $onHand are given', async ({ onHand, quantities }) => {
    const sku = await item(onHand);
    const requested = quantities.reduce((sum, quantity) => sum + quantity, 0);
    await expectRefused(client.reservations.create({ lines: quantities.map((quantity) => ({ sku, quantity })) }), 'insufficient-stock', [{ sku, requested, available: onHand }]);
    await expectLevel(sku, { reserved: 0, available: onHand });
    await expectBooksRight(sku);
  });

  test('one line that does not fit leaves the other alone, and is named', async () => {
    const [a, b] = [await item(10), await item(1)];
    await expectRefused(client.reservations.create({ lines: [one(a, 2).lines[0]!, one(b, 2).lines[0]!] }), 'insufficient-stock', [{ sku: b, requested: 2, available: 1 }]);
    await expectLevel(a, { reserved: 0, available: 10 });
    await expectLevel(b, { reserved: 0, available: 1 });
    await expectBooksRight(a, b);
  });

  test('every line that does not fit is named', async () => {
    const cart = [await item(1), await item(100), await item(0), await item(2)];
    const problem = await refusal(client.reservations.create({ lines: cart.map((sku) => ({ sku, quantity: 3 })) }));
    expect(problem.document['lines']).toEqual([
      { sku: cart[0], requested: 3, available: 1 },
      { sku: cart[2], requested: 3, available: 0 },
      { sku: cart[3], requested: 3, available: 2 },
    ]);
    await expectBooksRight(...cart);
  });
});

describe('many at the same moment', () => {
  /** How the calls ended, counted by status. */
  const outcomes = async (calls: readonly Promise<unknown>[]): Promise<Record<string, number>> => {
    const statuses = (await Promise.allSettled(calls)).map((outcome) => (outcome.status === 'fulfilled' ? 'ok' : isProblem(outcome.reason) ? outcome.reason.code : 'no answer'));
    return Object.fromEntries([...Map.groupBy(statuses, (status) => status)].map(([status, list]) => [status, list.length]));
  };

  test('the last unit has one winner in each of 200 rounds', async () => {
    const sku = await item(200);
    for (let round = 199; round >= 0; round--) {
      if (round > 0) await client.carts.put('the rest', { ...one(sku, round), ttlSeconds: 86_400 });
      else await client.carts.delete('the rest');
      expect(await outcomes([client.reservations.create(one(sku, 1)), client.reservations.create(one(sku, 1))])).toEqual({ ok: 1, 'insufficient-stock': 1 });
    }
    await expectLevel(sku, { reserved: 200, available: 0 });
    await expectBooksRight(sku);
  });

  test.each([
    { limit: 5, buyers: 50 },
    { limit: 17, buyers: 60 },
  ])('a backorder limit of $limit lets as many of $buyers buyers in', async ({ limit, buyers }) => {
    const sku = await item(0, { backorderLimit: limit });
    expect(await outcomes(Array.from({ length: buyers }, () => client.reservations.create(one(sku, 1))))).toEqual({ ok: limit, 'insufficient-stock': buyers - limit });
    await expectLevel(sku, { backordered: limit, reserved: 0, sellable: 0, available: 0 });
    await expectBooksRight(sku);
  });

  test('a thousand ask for one unit', async () => {
    const sku = await item(1);
    expect(await outcomes(Array.from({ length: 1_000 }, () => client.reservations.create(one(sku, 1))))).toEqual({ ok: 1, 'insufficient-stock': 999 });
    await expectBooksRight(sku);
  });

  test('carts that ask for the same items in other orders do not lock each other out', async () => {
    const [a, b, c] = [await item(30), await item(30), await item(30)];
    const orders = [[a, b, c], [c, b, a], [b, c, a]];
    const calls = Array.from({ length: 60 }, (_, at) => client.reservations.create({ lines: (orders[at % 3] ?? []).map((sku) => ({ sku, quantity: 1 })) }));
    expect(await outcomes(calls)).toEqual({ ok: 30, 'insufficient-stock': 30 });
    for (const sku of [a, b, c]) await expectLevel(sku, { reserved: 30, available: 0 });
    await expectBooksRight(a, b, c);
  });

  test('simultaneous duplicates with one key are one hold and one answer', async () => {
    const sku = await item(50);
    const idempotencyKey = randomUUID();
    const made = await Promise.all(Array.from({ length: 20 }, () => client.reservations.create(one(sku, 2), { idempotencyKey })));
    expect(new Set(made.map((reservation) => JSON.stringify(reservation))).size).toBe(1);
    await expectLevel(sku, { reserved: 2 });
    await expectBooksRight(sku);
  });

  test('opposite adjustments add up', async () => {
    const sku = await item(10);
    await Promise.all([adjust(sku, { change: -4, reason: 'lost' }), adjust(sku, { change: -6, reason: 'damaged' })]);
    await expectLevel(sku, { onHand: 0 });
    await expectRefused(client.items.adjust(sku, { change: -1, reason: 'lost' }, { waitSeconds: 20 }), 'negative-stock');
    await expectBooksRight(sku);
  });
});

describe('over several places', () => {
  beforeAll(async () => {
    await client.locations.put('L1', { name: 'Far', rank: 2 });
    await client.locations.put('L2', { name: 'Near', rank: 1 });
  });

  const spread = async (l1: number, l2: number): Promise<string> => {
    const sku = await item(0);
    await adjust(sku, { location: 'L1', change: l1, reason: 'received' });
    await adjust(sku, { location: 'L2', change: l2, reason: 'received' });
    return sku;
  };

  test.each([
    { l1: 4, l2: 3, demand: 5, strategy: 'rank', taken: { L2: 3, L1: 2 } },
    { l1: 4, l2: 3, demand: 5, strategy: 'most-stock', taken: { L1: 4, L2: 1 } },
    { l1: 15, l2: 10, demand: 13, strategy: 'rank', taken: { L2: 10, L1: 3 } },
    { l1: 15, l2: 10, demand: 13, strategy: 'most-stock', taken: { L1: 13 } },
    { l1: 2, l2: 2, demand: 4, strategy: 'rank', taken: { L1: 2, L2: 2 } },
  ] as const)('$demand of $l1 + $l2 by $strategy', async ({ l1, l2, demand, strategy, taken }) => {
    const sku = await spread(l1, l2);
    const { lines } = await client.reservations.create({ ...one(sku, demand), strategy });
    expect(Object.fromEntries(lines.flatMap(({ allocations }) => allocations.map(({ location, quantity }) => [location, quantity])))).toEqual(taken);
    await expectRefused(client.reservations.create({ ...one(sku, l1 + l2 - demand + 1), strategy }), 'insufficient-stock');
    await expectBooksRight(sku);
  });

  test.each([
    { counted: 4, free: 6 },
    { counted: 0, free: 1 },
  ])('a place counted down to $counted below its promises does not mask $free free elsewhere', async ({ counted, free }) => {
    const sku = await spread(counted + 4, free);
    await client.reservations.create({ lines: [{ sku, quantity: counted + 4, location: 'L1' }] });
    await adjust(sku, { location: 'L1', count: counted, reason: 'counted' });
    await expectLevel(sku, { available: free, reserved: counted + 4, onHand: counted + free });
    await client.reservations.create(one(sku, free));
    await expectRefused(client.reservations.create(one(sku, 1)), 'insufficient-stock', [{ sku, requested: 1, available: 0 }]);
    await expectBooksRight(sku);
  });
});

describe('limits on what may be sold', () => {
  test.each([
    { onHand: 3, safetyStock: 2, available: 1 },
    { onHand: 2, safetyStock: 5, available: 0 },
  ])('safety stock of $safetyStock leaves $available of $onHand', async ({ onHand, safetyStock, available }) => {
    const sku = await item(onHand, { safetyStock });
    await expectLevel(sku, { available, sellable: available, net: onHand - safetyStock });
    await expectRefused(client.reservations.create(one(sku, available + 1)), 'insufficient-stock', [{ sku, requested: available + 1, available }]);
    await expectBooksRight(sku);
  });

  test('a backorder limit adds to what is there, and is used up', async () => {
    const sku = await item(3, { backorderLimit: 5 });
    await expectLevel(sku, { available: 3, sellable: 8 });
    expect(await client.reservations.create(one(sku, 8))).toMatchObject({ lines: [{ quantity: 8, backordered: 5 }] });
    await expectLevel(sku, { available: 0, sellable: 0, reserved: 3, backordered: 5 });
    await expectRefused(client.reservations.create(one(sku, 1)), 'insufficient-stock', [{ sku, requested: 1, available: 0 }]);
    await adjust(sku, { change: 2, reason: 'received' });
    await expectLevel(sku, { onHand: 5, available: 0, net: -3, sellable: 2 });
    await expectBooksRight(sku);
  });

  test('no limit sells whatever is asked for, and still says what is there', async () => {
    const sku = await item(1, { backorderLimit: null });
    await client.reservations.create(one(sku, 100));
    await expectLevel(sku, { sellable: null, available: 0, backordered: 99 });
    await expectBooksRight(sku);
  });
});

describe('counting is truth', () => {
  test.each([
    { onHand: 10, held: 9, count: 7, shortfall: 2 },
    { onHand: 4, held: 4, count: 0, shortfall: 4 },
  ])('$count counted of $onHand with $held held is $shortfall short, and no hold is lost', async ({ onHand, held, count, shortfall }) => {
    const sku = await item(onHand);
    const { id } = await client.reservations.create(one(sku, held));
    await adjust(sku, { count, expected: onHand, reason: 'counted' });
    await expectLevel(sku, { onHand: count, reserved: held, available: 0 });
    expect((await historyOf(sku)).find(({ type }) => type === 'inventory.shortfall.detected')?.data).toMatchObject({ shortfall, onHand: count, promised: held });
    expect(await client.reservations.get(id)).toMatchObject({ status: 'held', lines: [{ quantity: held }] });
    await expectBooksRight(sku);
  });

  test('a count of what is already there writes no fact', async () => {
    const sku = await item(6);
    const before = await factsOf(sku);
    await adjust(sku, { count: 6, reason: 'counted' });
    expect(await factsOf(sku)).toEqual(before);
    await expectBooksRight(sku);
  });

  test('a count that expected another number is refused', async () => {
    const sku = await item(6);
    await expectRefused(client.items.adjust(sku, { count: 5, expected: 7, reason: 'counted' }, { waitSeconds: 20 }), 'unexpected-count');
    await expectLevel(sku, { onHand: 6 });
    await expectBooksRight(sku);
  });
});

describe('the till', () => {
  test.each([
    { held: 10, bought: 7 },
    { held: 2, bought: 1 },
  ])('$bought of a hold of $held are confirmed and the rest is free at once', async ({ held, bought }) => {
    const sku = await item(held);
    const { id } = await client.reservations.create(one(sku, held));
    const idempotencyKey = randomUUID();
    const confirm = { orderId: `order-${randomUUID()}`, ...one(sku, bought) };
    const first = await client.reservations.confirm(id, confirm, { idempotencyKey });
    expect(first).toMatchObject({ status: 'confirmed' });
    await expectLevel(sku, { allocated: bought, reserved: 0, available: held - bought });
    await expectRefused(client.reservations.confirm(id, confirm), 'reservation-confirmed');
    let replayed = false;
    expect(await client.reservations.confirm(id, confirm, { idempotencyKey, onAnswer: (answer) => (replayed = answer.replayed) })).toEqual(first);
    expect(replayed).toBe(true);
    await expectLevel(sku, { allocated: bought });
    await expectBooksRight(sku);
  });

  test('more than is held is refused, never clamped', async () => {
    const sku = await item(10);
    const { id } = await client.reservations.create(one(sku, 3));
    await expectRefused(client.reservations.confirm(id, one(sku, 4)), 'exceeds-reserved');
    await expectRefused(client.reservations.release(id, one(sku, 4)), 'exceeds-reserved');
    await expectLevel(sku, { reserved: 3, allocated: 0 });
    await expectBooksRight(sku);
  });

  test('many at one till: one confirms, the others hear that it was done', async () => {
    const sku = await item(1);
    const { id } = await client.reservations.create(one(sku, 1));
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? client.reservations.confirm(id) : client.reservations.release(id))));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const { allocated, reserved } = await client.items.availability(sku);
    expect(reserved).toBe(0);
    expect(allocated).toBe((await client.reservations.get(id)).status === 'confirmed' ? 1 : 0);
    await expectBooksRight(sku);
  });
});

test('the history of a shop that has gone quiet shows what happened, also to those who do not wait for it', async () => {
  const sku = await item(3);
  await expect.poll(async () => (await client.items.history(sku)).items.length, { timeout: 10_000 }).toBe(1);
  await expectBooksRight(sku);
});

test('same key, other body: refused; the same body after a restart: the first answer', async () => {
  const sku = await item(9);
  const idempotencyKey = randomUUID();
  const first = await client.reservations.create(one(sku, 2), { idempotencyKey });
  expect(await refusal(client.reservations.create(one(sku, 3), { idempotencyKey }))).toMatchObject({ status: 422, code: 'idempotency-key-reused' });
  expect(await refusal(client.reservations.create(one(sku, 9), { idempotencyKey: `${idempotencyKey}-no` }))).toMatchObject({ code: 'insufficient-stock' });
  expect(await server.stop()).toBe(0);
  await start();
  let replayed = false;
  expect(await client.reservations.create(one(sku, 2), { idempotencyKey, onAnswer: (answer) => (replayed = answer.replayed) })).toEqual(first);
  expect(replayed).toBe(true);
  await client.reservations.release(first.id);
  // A refusal is remembered as well, although by now there would be enough.
  expect(await refusal(client.reservations.create(one(sku, 9), { idempotencyKey: `${idempotencyKey}-no` }))).toMatchObject({ code: 'insufficient-stock' });
  expect(await refusal(client.reservations.create(one(sku, 3), { idempotencyKey }))).toMatchObject({ code: 'idempotency-key-reused' });
  await expectLevel(sku, { reserved: 0 });
  await expectBooksRight(sku);
});

test('after all of it, and another restart, the books of every item balance', async () => {
  expect(await server.stop()).toBe(0);
  await start();
  await expectBooksRight(...skus);
});

describe('a transfer', () => {
  test.each([
    { onHand: 10, sent: 6, arrived: [2, 5, 6] },
    { onHand: 3, sent: 3, arrived: [0, 3] },
  ])('of $sent of $onHand, received as $arrived, sells nowhere on its way', async ({ onHand, sent, arrived }) => {
    const sku = await item(onHand);
    const to = `to-${sku}`;
    await client.locations.put(to, { name: to, rank: 500 });
    const { id } = await client.transfers.create({ from: 'main', to, lines: [{ sku, quantity: sent }] });
    expect(await client.transfers.ship(id)).toMatchObject({ status: 'in-transit' });
    await expectLevel(sku, { onHand: onHand - sent, available: onHand - sent });
    await expectRefused(client.reservations.create(one(sku, onHand - sent + 1)), 'insufficient-stock', [{ sku, requested: onHand - sent + 1, available: onHand - sent }]);
    for (const received of arrived) {
      expect(await client.transfers.receive(id, [{ sku, received }])).toMatchObject({ status: received === sent ? 'received' : received === 0 ? 'in-transit' : 'partially-received' });
      expect(await client.items.availability(sku)).toMatchObject({ available: onHand - sent + received, buckets: { inTransit: sent - received } });
    }
    await expectRefused(client.transfers.cancel(id, { disposition: 'restock' }), 'transfer-received');
    await expectBooksRight(sku);
  });

  test('cannot take what a hold has, and twenty at once share what is free', async () => {
    const sku = await item(10);
    await client.locations.put('away', { name: 'Away', rank: 500 });
    await client.reservations.create(one(sku, 4));
    const drafts = await Promise.all(Array.from({ length: 20 }, () => client.transfers.create({ from: 'main', to: 'away', lines: [{ sku, quantity: 1 }] })));
    const sent = await Promise.allSettled(drafts.map(({ id }) => client.transfers.ship(id)));
    expect(sent.filter(({ status }) => status === 'fulfilled')).toHaveLength(6);
    expect(await client.items.availability(sku)).toMatchObject({ onHand: 4, reserved: 4, available: 0, buckets: { inTransit: 6 } });
    await expectBooksRight(sku);
  });
});

describe('a hold that changes', () => {
  test('by its id grows within its own stock, moves to another cart and place, and is whole where it may not', async () => {
    const sku = await item(10);
    await client.locations.put('shop', { name: 'Shop', rank: 600 });
    await adjust(sku, { location: 'shop', change: 5, reason: 'received' });
    const { id } = await client.reservations.create({ ...one(sku, 3), cartId: `guest-${sku}` });
    for (const quantity of [7, 2, 15]) expect(await client.reservations.patch(id, one(sku, quantity))).toMatchObject({ id, lines: [{ quantity }] });
    await expectRefused(client.reservations.patch(id, one(sku, 16)), 'insufficient-stock', [{ sku, requested: 16, available: 15 }]);
    await expectRefused(client.reservations.move(id, { location: 'shop' }), 'insufficient-stock', [{ sku, requested: 15, available: 5 }]);
    await client.reservations.patch(id, one(sku, 5));
    expect(await client.reservations.move(id, { location: 'shop', cartId: `known-${sku}` })).toMatchObject({ cartId: `known-${sku}`, lines: [{ allocations: [{ location: 'shop', quantity: 5 }] }] });
    expect(await client.carts.get(`known-${sku}`)).toMatchObject({ id });
    await expectLevel(sku, { reserved: 5, available: 10 });
    await expectBooksRight(sku);
  });

  test('to one without an end counts until it is released', async () => {
    const sku = await item(5);
    const { id } = await client.reservations.create({ ...one(sku, 2), ttlSeconds: 1 });
    expect(await client.reservations.extend(id, null)).toMatchObject({ expiresAt: null });
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await expectLevel(sku, { reserved: 2, available: 3 });
    expect((await historyOf(sku)).at(0)).toMatchObject({ type: 'inventory.reservation.extended', data: { expiresAt: null, actor: 'admin' } });
    await client.reservations.release(id);
    await expectLevel(sku, { reserved: 0, available: 5 });
    await expectBooksRight(sku);
  });
});
