import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instantView, NEVER } from './never.ts';
import { BUCKETS, cancel, cancelTransfer, cart, confirm, DEFAULTS, edit, expire, extend, fulfil, item, moveHold, place, planned, receive, received, release, reserve, ship, Story, unfulfil, wait, type Step } from './testing.ts';
import { Model, obey } from './model/testing.ts';

const SKUS = ['A', 'B'];
const PLACES = ['main', 'L1', 'L2'];

/** A step that may depend on the holds, orders and transfers there are by then, and on how long live holds last. */
type Plan = (holds: readonly string[], orders: readonly string[], transfers: readonly string[], leftMs: readonly number[]) => Step;

const sku = fc.constantFrom(...SKUS);
const anyPlace = fc.constantFrom(...PLACES);
const few = fc.integer({ min: 1, max: 6 });
const which = fc.nat({ max: 60 });
const perhaps = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const given = <T extends object>(wishes: T): { [Key in keyof T]: Exclude<T[Key], undefined> } => JSON.parse(JSON.stringify(wishes)) as never; // drops what is undefined
const lineList = fc.array(fc.tuple(fc.oneof({ weight: 19, arbitrary: sku }, { weight: 1, arbitrary: fc.constant('unknown') }), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 2 });
const placedLines = fc.array(fc.tuple(sku, few, perhaps(anyPlace)), { minLength: 1, maxLength: 3 }).map((lines) => lines.map(([name, quantity, location]) => (location === undefined ? ([name, quantity] as const) : ([name, quantity, location] as const))));
const someLines = fc.array(fc.tuple(sku, fc.integer({ min: 1, max: 2 }), perhaps(anyPlace)), { minLength: 1, maxLength: 2 }).map((lines) => lines.map(([name, quantity, location]) => (location === undefined ? ([name, quantity] as const) : ([name, quantity, location] as const))));
const wishes = fc.record({
  customerId: perhaps(fc.constantFrom('x', 'y')),
  channel: perhaps(fc.constantFrom('web', 'till')),
  ttlSeconds: perhaps(fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 30 }) }, { weight: 1, arbitrary: fc.constant(null) })),
  strategy: perhaps(fc.constantFrom('rank' as const, 'most-stock' as const)),
  partial: perhaps(fc.boolean()),
});
const at = (list: readonly string[], index: number): string => list[index % Math.max(1, list.length)] ?? 'none';
const always = (step: fc.Arbitrary<Step>): fc.Arbitrary<Plan> => step.map((made) => () => made);
const bucket = fc.constantFrom(...BUCKETS);
const orderName = perhaps(fc.constantFrom('o1', 'o2'));

const definition = fc
  .record({
    tracked: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
    safetyStock: fc.constantFrom(0, 0, 2),
    backorderLimit: fc.constantFrom(0, 0, 0, 3, 8, null),
    channelBuffers: fc.constantFrom({}, { web: 2 }),
    thresholds: fc.constantFrom([0], [0, 3], [7, 2], []),
    maxPerReservation: perhaps(fc.constantFrom(4, 8)),
    maxPerCustomer: perhaps(fc.constantFrom(5, 9)),
    reservationTtlSeconds: fc.constantFrom(5, 20),
  })
  .map((said) => ({ ...DEFAULTS, ...given(said) }));

const plans: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 2, arbitrary: always(fc.tuple(sku, definition).map(([name, said]) => item(name, said))) },
  { weight: 2, arbitrary: always(fc.record({ id: anyPlace, rank: fc.integer({ min: 0, max: 3 }), active: fc.constantFrom(true, true, true, false) }).map(({ id, ...said }) => place(id, said))) },
  { weight: 6, arbitrary: always(fc.record({ type: fc.constant('AdjustStock' as const), sku, location: anyPlace, bucket: fc.constantFrom('sellable' as const, 'sellable' as const, 'damaged' as const), change: fc.integer({ min: -4, max: 12 }).filter((by) => by !== 0), reason: fc.constant('other' as const) })) },
  { weight: 2, arbitrary: always(fc.record({ type: fc.constant('CountStock' as const), sku, location: anyPlace, bucket: fc.constant('sellable' as const), count: fc.nat({ max: 9 }), expected: perhaps(fc.nat({ max: 9 })), reason: fc.constant('counted' as const) }).map((said) => given(said) as Step)) },
  { weight: 1, arbitrary: always(fc.record({ type: fc.constant('MoveStock' as const), sku, location: anyPlace, move: few, from: bucket, to: bucket, reason: fc.constant('other' as const) }).filter(({ from, to }) => from !== to)) },
  { weight: 9, arbitrary: always(fc.tuple(placedLines, wishes, perhaps(fc.constantFrom('c1', 'c2'))).map(([lines, said, cartId]) => reserve(lines, given({ ...said, cartId })))) },
  { weight: 6, arbitrary: always(fc.tuple(fc.constantFrom('c1', 'c2'), placedLines, wishes).map(([cartId, lines, said]) => cart(cartId, lines, given(said)))) },
  { weight: 1, arbitrary: always(fc.constantFrom('c1', 'c2').map((cartId) => ({ type: 'ReleaseCart', cartId }))) },
  { weight: 3, arbitrary: fc.tuple(which, perhaps(lineList)).map(([index, lines]): Plan => (holds) => release(at(holds, index), lines)) },
  { weight: 2, arbitrary: fc.tuple(which, fc.integer({ min: 1, max: 30 })).map(([index, ttl]): Plan => (holds) => extend(at(holds, index), ttl)) },
  { weight: 2, arbitrary: which.map((index): Plan => (holds) => expire(at(holds, index))) },
  { weight: 7, arbitrary: fc.tuple(which, perhaps(placedLines), wishes, fc.boolean()).map(([index, lines, { strategy, partial, ...asker }, forget]): Plan => (holds) => edit(at(holds, index), { ...given(asker), ...(forget ? { customerId: null, channel: null } : {}), ...(lines === undefined ? {} : { lines, ...given({ strategy, partial }) }) })) },
  { weight: 5, arbitrary: fc.tuple(which, perhaps(fc.constantFrom('c1', 'c2', null)), perhaps(anyPlace)).map(([index, cartId, location]): Plan => (holds) => moveHold(at(holds, index), given({ cartId, location }))) },
  { weight: 9, arbitrary: fc.tuple(which, orderName, perhaps(lineList), fc.boolean()).map(([index, orderId, lines, ship]): Plan => (holds) => confirm(at(holds, index), given({ orderId, lines, fulfil: ship }))) },
  { weight: 7, arbitrary: fc.tuple(which, someLines).map(([index, lines]): Plan => (_, orders) => fulfil(at(orders, index), lines)) },
  { weight: 5, arbitrary: fc.tuple(which, someLines).map(([index, lines]): Plan => (_, orders) => unfulfil(at(orders, index), lines)) },
  { weight: 2, arbitrary: fc.tuple(which, perhaps(lineList)).map(([index, lines]): Plan => (_, orders) => cancel(at(orders, index), lines)) },
  { weight: 4, arbitrary: always(fc.tuple(anyPlace, anyPlace, lineList).map(([from, to, lines]) => planned(from, to, lines))) },
  { weight: 4, arbitrary: which.map((index): Plan => (_, __, transfers) => ship(at(transfers, index))) },
  { weight: 4, arbitrary: fc.tuple(which, fc.uniqueArray(fc.tuple(sku, fc.nat({ max: 6 })), { minLength: 1, maxLength: 2, selector: ([name]) => name })).map(([index, lines]): Plan => (_, __, transfers) => receive(at(transfers, index), lines)) },
  { weight: 2, arbitrary: fc.tuple(which, perhaps(fc.constantFrom('restock' as const, 'write-off' as const))).map(([index, disposition]): Plan => (_, __, transfers) => cancelTransfer(at(transfers, index), disposition)) },
  { weight: 4, arbitrary: always(fc.integer({ min: 1, max: 9_000 }).map(wait)) },
  // To the very instant of a hold's end, one millisecond before, and one after.
  { weight: 4, arbitrary: fc.tuple(which, fc.integer({ min: -1, max: 1 })).map(([index, by]): Plan => (_, __, ___, leftMs) => wait(Math.max(1, (leftMs[index % Math.max(1, leftMs.length)] ?? 1) + by))) },
);

/** Everything that the model knows, as the room would say it. */
function expectSame(story: Story, model: Model): void {
  for (const name of model.items.keys()) {
    for (const channel of [undefined, 'web']) {
      const sellable = model.sellable(name, channel);
      const net = model.net(name, channel);
      expect(story.figures(name, { channel }), name).toMatchObject({ net, available: Math.max(0, net), sellable: Number.isFinite(sellable) ? sellable : null, backordered: model.backordered(name) });
    }
    for (const location of PLACES.filter((id) => model.stock.get(name)?.has(id))) {
      expect(story.availability(name, { location }), `${name} at ${location}`).toMatchObject({ onHand: model.onHand(name, location), allocated: model.promisedAt(name, location, 'allocated'), reserved: model.promisedAt(name, location, 'reserved'), available: model.free(name, location), buckets: { inTransit: model.inTransit(name, location) } });
    }
  }
  for (const hold of model.holds) {
    const status = hold.status === 'held' && !model.live(hold) ? 'expired' : hold.status;
    const lines = hold.lines.map(({ at: places, requested, ...line }) => ({ ...line, ...(requested === undefined ? undefined : { requested }), allocations: places.map((one) => ({ sku: line.sku, ...one })) }));
    const { cartId, customerId, channel } = hold;
    expect(story.reservation(hold.id), hold.id).toMatchObject({ status, lines, ...given({ cartId, customerId, channel }), expiresAt: instantView(hold.expiresAt) });
  }
  for (const { id, status, lines } of model.transfers) {
    expect(story.transferOf(id), id).toMatchObject({ status, lines: [...lines].map(([name, { quantity, received: units }]) => ({ sku: name, quantity, received: units })) });
  }
  for (const [id, order] of model.orders) {
    const lines = [...order.values()].map(({ line: { at: places, ...line }, fulfilled, cancelled }) => ({ ...given(line), fulfilled, cancelled, allocations: places.map((one) => ({ sku: line.sku, ...one })) }));
    expect(story.order(id)?.['lines'], id).toEqual(lines);
  }
}

function follow(steps: readonly Plan[]): void {
  const story = new Story();
  const model = new Model();
  model.now = story.clock.now();
  const all: Plan[] = [...SKUS.map((name): Plan => () => item(name, DEFAULTS)), ...PLACES.slice(1).map((id): Plan => () => place(id, { rank: 1 })), ...SKUS.flatMap((name) => PLACES.map((id): Plan => () => received(name, 7, id))), ...steps];
  const told: Step[] = [];
  try {
    for (const plan of all) {
      const leftMs = model.holds.filter((hold) => model.live(hold) && hold.expiresAt !== NEVER).map((hold) => hold.expiresAt - model.now);
      const step = plan(model.holds.map(({ id }) => id), [...model.orders.keys()], model.transfers.map(({ id }) => id), leftMs);
      told.push(step);
      tell(step, story, model);
    }
  } catch (error) {
    throw new Error(`after these steps: ${JSON.stringify(told)}`, { cause: error });
  }
}

function tell(step: Step, story: Story, model: Model): void {
  story.when(step);
  if (step.type === 'wait') model.now += step.ms;
  else {
    const { id, orderId } = story.code === 'ok' ? (story.hold ?? {}) : {};
    const transfer = story.code === 'ok' && step.type === 'CreateTransfer' ? story.id : undefined;
    const code = obey(model, step, { hold: id, order: orderId, transfer, touched: story.code === 'ok' ? story.touched : [] });
    expect(code, JSON.stringify(step)).toBe(story.code);
  }
  expectSame(story, model);
}

test('whatever is asked in whatever order, the room answers as the simple model does', () => {
  fc.assert(fc.property(fc.array(plans, { minLength: 1, maxLength: 60, size: 'max' }), follow), { numRuns: Number(process.env['MODEL_RUNS'] ?? 120) });
});
