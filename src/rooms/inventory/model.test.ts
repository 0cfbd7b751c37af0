import fc from 'fast-check';
import { expect, test } from 'vitest';
import { instantView, NEVER } from './never.ts';
import type { ReservationView } from './resources.ts';
import { BUCKETS, cancel, cancelTransfer, cart, confirm, DEFAULTS, edit, expire, extend, fulfil, item, moveHold, place, planned, receive, received, release, reserve, ship, Story, unfulfil, wait, type Step } from './testing.ts';
import { lacking, obey, Shop, type Line } from './model/model.ts';

const SKUS = ['A', 'B'];
/** Bundles, one of them in the other. */
const BUNDLES = ['K', 'N'];
const CHANNELS = [undefined, 'web', 'till'];
const PLACES = ['main', 'L1', 'L2'];

/** A step that may depend on what there is by then: holds, orders and transfers by their ids, how long it is until a hold or a presale ends, the time. */
type Plan = (there: { readonly holds: readonly string[]; readonly orders: readonly string[]; readonly transfers: readonly string[]; readonly leftMs: readonly number[]; readonly now: number }) => Step;

const sku = fc.constantFrom(...SKUS);
/** What may be asked for, bundles too, or now and then changed as if it were another kind of item. */
const anySku = fc.oneof({ weight: 3, arbitrary: sku }, { weight: 2, arbitrary: fc.constantFrom(...BUNDLES) });
const mostlyBundle = fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...BUNDLES) }, { weight: 1, arbitrary: sku });
const mostlySku = fc.oneof({ weight: 12, arbitrary: sku }, { weight: 1, arbitrary: fc.constantFrom(...BUNDLES) });
const anyPlace = fc.constantFrom(...PLACES);
const few = fc.integer({ min: 1, max: 6 });
const which = fc.nat({ max: 60 });
const perhaps = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const given = <T extends object>(wishes: T): { [Key in keyof T]: Exclude<T[Key], undefined> } => JSON.parse(JSON.stringify(wishes)) as never; // drops what is undefined
const lineList = fc.array(fc.tuple(fc.oneof({ weight: 19, arbitrary: anySku }, { weight: 1, arbitrary: fc.constant('unknown') }), fc.integer({ min: 1, max: 3 })), { minLength: 1, maxLength: 2 });
const placedLines = fc.array(fc.tuple(anySku, few, perhaps(anyPlace)), { minLength: 1, maxLength: 3 }).map((lines) => lines.map(([name, quantity, location]) => (location === undefined ? ([name, quantity] as const) : ([name, quantity, location] as const))));
const someLines = fc.array(fc.tuple(anySku, fc.integer({ min: 1, max: 2 }), perhaps(anyPlace)), { minLength: 1, maxLength: 2 }).map((lines) => lines.map(([name, quantity, location]) => (location === undefined ? ([name, quantity] as const) : ([name, quantity, location] as const))));
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
    backorderLimit: fc.constantFrom(0, 3, 8, 8, null),
    channelBuffers: fc.constantFrom({}, { web: 2 }),
    thresholds: fc.constantFrom([0], [0, 3], [7, 2], []),
    maxPerReservation: perhaps(fc.constantFrom(4, 8)),
    maxPerCustomer: perhaps(fc.constantFrom(5, 9)),
    reservationTtlSeconds: fc.constantFrom(5, 20),
  })
  .map((said) => ({ ...DEFAULTS, ...given(said) }));

/** Sold before a date that comes soon. */
const preorder = perhaps(
  fc.record({ inMs: fc.integer({ min: -1_000, max: 25_000 }), limit: fc.constantFrom(0, 4, 9), channelLimits: fc.constantFrom(undefined, { web: 2 }, { web: 5, till: 0 }) })
    .map(({ inMs, ...limits }) => (now: number) => ({ preorder: { availableFrom: new Date(now + inMs).toISOString(), ...given(limits) } })),
);
const components = fc.array(fc.record({ sku: fc.oneof({ weight: 8, arbitrary: sku }, { weight: 4, arbitrary: fc.constantFrom(...BUNDLES) }, { weight: 1, arbitrary: fc.constant('unknown') }), quantity: fc.integer({ min: 1, max: 3 }) }), { maxLength: 3 });

/** What the shop opens with: items of which some may be sold before they come in, bundles of them, and some goods here and there. */
const openings = fc
  .tuple(fc.array(fc.constantFrom({}, { backorderLimit: 9 }, { backorderLimit: null }), { minLength: SKUS.length, maxLength: SKUS.length }), fc.array(fc.tuple(sku, few, anyPlace), { maxLength: 5 }))
  .map(([said, goods]): Plan[] => [
    ...SKUS.map((name, index): Plan => () => item(name, { ...DEFAULTS, ...said[index] })),
    () => item('K', { ...DEFAULTS, components: [{ sku: 'A', quantity: 2 }, { sku: 'B', quantity: 1 }] }),
    () => item('N', { ...DEFAULTS, components: [{ sku: 'K', quantity: 1 }, { sku: 'A', quantity: 1 }] }),
    ...PLACES.slice(1).map((id): Plan => () => place(id, { rank: 1 })),
    ...goods.map(([name, units, id]): Plan => () => received(name, units, id)),
  ]);

const plans: fc.Arbitrary<Plan> = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(sku, definition, preorder).map(([name, said, presale]): Plan => ({ now }) => item(name, { ...said, ...presale?.(now) })) },
  { weight: 3, arbitrary: always(fc.tuple(mostlyBundle, components, fc.constantFrom({}, {}, { maxPerReservation: 3 }, { maxPerCustomer: 3 })).map(([name, made, more]) => item(name, { ...DEFAULTS, components: made, ...more }))) },
  { weight: 1, arbitrary: always(mostlySku.map((name) => ({ type: 'RemoveItem', sku: name }))) },
  { weight: 3, arbitrary: always(anySku.map((name) => ({ type: 'SettleItem', sku: name }))) },
  { weight: 2, arbitrary: always(fc.record({ id: anyPlace, rank: fc.integer({ min: 0, max: 3 }), active: fc.constantFrom(true, true, true, false) }).map(({ id, ...said }) => place(id, said))) },
  { weight: 6, arbitrary: always(fc.record({ type: fc.constant('AdjustStock' as const), sku: mostlySku, location: anyPlace, bucket: fc.constantFrom('sellable' as const, 'sellable' as const, 'damaged' as const), change: fc.integer({ min: -4, max: 12 }).filter((by) => by !== 0), reason: fc.constant('other' as const) })) },
  { weight: 2, arbitrary: always(fc.record({ type: fc.constant('CountStock' as const), sku: mostlySku, location: anyPlace, bucket: fc.constant('sellable' as const), count: fc.nat({ max: 9 }), expected: perhaps(fc.nat({ max: 9 })), reason: fc.constant('counted' as const) }).map((said) => given(said) as Step)) },
  { weight: 1, arbitrary: always(fc.record({ type: fc.constant('MoveStock' as const), sku, location: anyPlace, move: few, from: bucket, to: bucket, reason: fc.constant('other' as const) }).filter(({ from, to }) => from !== to)) },
  { weight: 9, arbitrary: always(fc.tuple(placedLines, wishes, perhaps(fc.constantFrom('c1', 'c2'))).map(([lines, said, cartId]) => reserve(lines, given({ ...said, cartId })))) },
  { weight: 6, arbitrary: always(fc.tuple(fc.constantFrom('c1', 'c2'), placedLines, wishes).map(([cartId, lines, said]) => cart(cartId, lines, given(said)))) },
  { weight: 1, arbitrary: always(fc.constantFrom('c1', 'c2').map((cartId) => ({ type: 'ReleaseCart', cartId }))) },
  { weight: 3, arbitrary: fc.tuple(which, perhaps(lineList)).map(([index, lines]): Plan => ({ holds }) => release(at(holds, index), lines)) },
  { weight: 2, arbitrary: fc.tuple(which, fc.integer({ min: 1, max: 30 })).map(([index, ttl]): Plan => ({ holds }) => extend(at(holds, index), ttl)) },
  { weight: 2, arbitrary: which.map((index): Plan => ({ holds }) => expire(at(holds, index))) },
  { weight: 7, arbitrary: fc.tuple(which, perhaps(placedLines), wishes, fc.boolean()).map(([index, lines, { strategy, partial, ...asker }, forget]): Plan => ({ holds }) => edit(at(holds, index), { ...given(asker), ...(forget ? { customerId: null, channel: null } : {}), ...(lines === undefined ? {} : { lines, ...given({ strategy, partial }) }) })) },
  { weight: 5, arbitrary: fc.tuple(which, perhaps(fc.constantFrom('c1', 'c2', null)), perhaps(anyPlace)).map(([index, cartId, location]): Plan => ({ holds }) => moveHold(at(holds, index), given({ cartId, location }))) },
  { weight: 9, arbitrary: fc.tuple(which, orderName, perhaps(lineList), fc.boolean()).map(([index, orderId, lines, ship]): Plan => ({ holds }) => confirm(at(holds, index), given({ orderId, lines, fulfil: ship }))) },
  { weight: 7, arbitrary: fc.tuple(which, someLines).map(([index, lines]): Plan => ({ orders }) => fulfil(at(orders, index), lines)) },
  { weight: 5, arbitrary: fc.tuple(which, someLines).map(([index, lines]): Plan => ({ orders }) => unfulfil(at(orders, index), lines)) },
  { weight: 2, arbitrary: fc.tuple(which, perhaps(lineList)).map(([index, lines]): Plan => ({ orders }) => cancel(at(orders, index), lines)) },
  { weight: 4, arbitrary: always(fc.tuple(anyPlace, anyPlace, lineList).map(([from, to, lines]) => planned(from, to, lines))) },
  { weight: 4, arbitrary: which.map((index): Plan => ({ transfers }) => ship(at(transfers, index))) },
  { weight: 4, arbitrary: fc.tuple(which, fc.uniqueArray(fc.tuple(sku, fc.nat({ max: 6 })), { minLength: 1, maxLength: 2, selector: ([name]) => name })).map(([index, lines]): Plan => ({ transfers }) => receive(at(transfers, index), lines)) },
  { weight: 2, arbitrary: fc.tuple(which, perhaps(fc.constantFrom('restock' as const, 'write-off' as const))).map(([index, disposition]): Plan => ({ transfers }) => cancelTransfer(at(transfers, index), disposition)) },
  { weight: 4, arbitrary: always(fc.integer({ min: 1, max: 9_000 }).map(wait)) },
  // To the very instant of an end, one millisecond before, and one after.
  { weight: 4, arbitrary: fc.tuple(which, fc.integer({ min: -1, max: 1 })).map(([index, by]): Plan => ({ leftMs }) => wait(Math.max(1, (leftMs[index % Math.max(1, leftMs.length)] ?? 1) + by))) },
);

type Picture = Readonly<Record<string, object | undefined>>;

/** Everything that the model knows, as the room would say it. */
function pictureOf(shop: Shop): Picture {
  const figures = (name: string, channel: string | undefined): object => {
    const net = shop.net(name, channel);
    const sellable = shop.sellable(name, channel);
    return { net, available: Math.max(0, net), sellable: Number.isFinite(sellable) ? sellable : null, ...(!shop.isBundle(name) && { backordered: shop.backordered(name) }) };
  };
  const there = (name: string, location: string): object => {
    if (!shop.isBundle(name)) return { onHand: shop.onHand(name, location), allocated: shop.promisedAt(name, location, 'allocated'), reserved: shop.promisedAt(name, location, 'reserved'), available: shop.free(name, location), buckets: { inTransit: shop.inTransit(name, location) } };
    return { onHand: 0, allocated: 0, reserved: 0, available: Math.min(...shop.open(name).map((part) => Math.floor(shop.free(part.sku, location) / part.each))) };
  };
  return Object.fromEntries([
    ...[...shop.items.keys()].map((name) => [`item ${name}`, { channels: CHANNELS.map((channel) => figures(name, channel)), places: PLACES.map((location) => there(name, location)) }]),
    ...shop.holds.map((hold) => {
      const status = hold.status === 'held' && !shop.live(hold) ? 'expired' : hold.status;
      const { id, cartId, customerId, channel } = hold;
      const lines = hold.lines.map((line) => ({ ...lineView(line), ...given({ requested: line.requested }), location: line.location ?? null }));
      return [id, { status, lines, ...given({ cartId, customerId, channel }), expiresAt: instantView(hold.expiresAt) }];
    }),
    ...shop.transfers.map(({ id, status, lines }) => [id, { status, lines: [...lines].map(([name, { quantity, received: units }]) => ({ sku: name, quantity, received: units })) }]),
    ...[...shop.orders].map(([id, order]) => [id, { lines: [...order.lines.values()].map(({ line, fulfilled, cancelled }) => ({ ...lineView(line), fulfilled, cancelled })) }]),
  ]);
}

/** The same things, as the room says them. */
function said(story: Story, shop: Shop): Picture {
  const sorted = (whole: object | undefined): object | undefined => whole && { ...whole, lines: (whole as { lines: ReservationView['lines'] }).lines.map((line) => given({ ...line, location: line.location ?? null, allocations: byPart(line) })) }; // holds and orders have lines
  return Object.fromEntries([
    ...[...shop.items.keys()].map((name) => [`item ${name}`, { channels: CHANNELS.map((channel) => story.figures(name, { channel })), places: PLACES.map((location) => ({ buckets: { inTransit: 0 }, ...story.availability(name, { location }) })) }]),
    ...shop.holds.map(({ id }) => [id, sorted(story.reservation(id))]),
    ...shop.transfers.map(({ id }) => [id, story.transferOf(id)]),
    ...[...shop.orders.keys()].map((id) => [id, sorted(story.order(id))]),
  ]);
}

/** Which of two components' units came to their places first is nobody's business. */
function byPart({ allocations, components }: ReservationView['lines'][number]): ReservationView['lines'][number]['allocations'] {
  return components ? components.flatMap((part) => allocations.filter((one) => one.sku === part.sku)) : allocations;
}

function lineView(line: Line): object {
  const { sku: name, quantity, parts } = line;
  const isBundle = parts.length > 1 || parts[0]?.sku !== name;
  return {
    sku: name,
    quantity,
    backordered: lacking(line),
    ...(isBundle && { components: parts.map((part) => ({ sku: part.sku, quantity: part.each, backordered: part.backordered })) }),
    allocations: parts.flatMap((part) => part.at.map((one) => ({ sku: part.sku, ...one }))),
  };
}

function follow(opening: readonly Plan[], steps: readonly Plan[]): void {
  const story = new Story();
  const shop = new Shop();
  shop.now = story.clock.now();
  const told: Step[] = [];
  try {
    for (const plan of [...opening, ...steps]) {
      const leftMs = endsIn(shop).map((at) => at - shop.now);
      const step = plan({ holds: shop.holds.map(({ id }) => id), orders: [...shop.orders.keys()], transfers: shop.transfers.map(({ id }) => id), leftMs, now: shop.now });
      told.push(step);
      tell(step, story, shop);
    }
  } catch (error) {
    throw new Error(`after these steps: ${JSON.stringify(told)}`, { cause: error });
  }
}

/** Instants at which something changes by itself. */
function endsIn(shop: Shop): number[] {
  const dates = [...shop.items.values()].flatMap(({ preorder: presale }) => (presale ? [Date.parse(presale.availableFrom)] : []));
  return [...shop.liveHolds().map((hold) => hold.expiresAt), ...dates].filter((at) => at > shop.now && at !== NEVER);
}

function tell(step: Step, story: Story, shop: Shop): void {
  story.when(step);
  if (step.type === 'wait') shop.now += step.ms;
  else {
    const { id, orderId } = story.code === 'ok' ? (story.hold ?? {}) : {};
    const transfer = story.code === 'ok' && step.type === 'CreateTransfer' ? story.id : undefined;
    const code = obey(shop, step, { hold: id, order: orderId, transfer, touched: story.code === 'ok' ? story.touched : [] });
    expect(code, JSON.stringify(step)).toBe(story.code);
  }
  expect(said(story, shop)).toMatchObject(pictureOf(shop));
}

test('whatever is asked in whatever order, the room answers as the simple model does', () => {
  fc.assert(fc.property(openings, fc.array(plans, { minLength: 1, maxLength: 60, size: 'max' }), follow), { numRuns: Number(process.env['MODEL_RUNS'] ?? 120) });
});
