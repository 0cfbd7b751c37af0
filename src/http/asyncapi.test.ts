import specification from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' };
import { Ajv, type ValidateFunction } from 'ajv';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MEMBERS } from '../distribution/feed/feed.ts';
import { FACTS } from './fact-schemas.ts';
import { openHoldfast, type TestHoldfast } from './testing.ts';

interface Api {
  readonly channels: Readonly<Record<string, { readonly address: string; readonly messages: object }>>;
  readonly operations: Readonly<Record<string, { readonly bindings: { readonly http: { readonly query: { readonly properties: object } } } }>>;
  readonly components: { readonly messages: Readonly<Record<string, { readonly payload: object }>>; readonly schemas: object };
}

let shop: TestHoldfast;
let api: Api;
beforeAll(async () => {
  shop = await openHoldfast();
  api = (await shop.get('/asyncapi.json', { key: null })).body as Api;
});
afterAll(() => shop[Symbol.asyncDispose]());

const checker = (): Ajv => new Ajv({ strict: false, validateFormats: false });

test('the document is AsyncAPI 3.0, says how facts are read, and has a message for each', async () => {
  // What those publish who wrote the specification.
  const isAsyncApi = checker().compile(specification);
  expect([isAsyncApi(api), isAsyncApi.errors]).toEqual([true, null]);
  expect(Object.values(api.channels).map(({ address }) => address).sort()).toEqual(['/v1/events', '/v1/events/stream']);
  expect(Object.keys(api.operations['streamFacts']?.bindings.http.query.properties ?? {})).toEqual(['after', 'type', 'key', 'access_token']);
  for (const { messages } of Object.values(api.channels)) expect(Object.keys(messages)).toEqual(Object.keys(FACTS));
  for (const reference of JSON.stringify(api).matchAll(/"#\/([^"]+)"/g)) expect([reference[1], at(String(reference[1]))]).toEqual([reference[1], expect.anything()]);
});

function at(path: string): unknown {
  return path.split('/').reduce((part: unknown, name) => (part as Readonly<Record<string, unknown>> | undefined)?.[name], api);
}

/** By type, what checks a fact. */
function checks(): ReadonlyMap<string, ValidateFunction> {
  const ajv = checker().addSchema({ $id: 'https://test.invalid/api', ...api });
  return new Map(Object.keys(api.components.messages).map((type) => [type, ajv.compile({ $ref: `https://test.invalid/api#/components/messages/${type}/payload` })]));
}

test('a message has the members that the feed lets out, also those that few facts have', () => {
  const said = Object.entries(FACTS).map(([type, { data }]) => [type, Object.keys((data as { properties?: object }).properties ?? {}).sort()]);
  expect(said).toEqual([...MEMBERS].map(([type, members]) => [type, members.toSorted()]));
});

test('every fact that leaves is what the document says, and says nothing more', async () => {
  await sell();
  const { events } = (await shop.get('/v1/events?limit=500')).body as { events: { type: string }[] };
  const byType = checks();
  for (const event of events) {
    const check = byType.get(event.type);
    expect([event, check?.(event), check?.errors]).toEqual([event, true, null]);
  }
  expect([...new Set(events.map(({ type }) => type))].sort()).toEqual(Object.keys(FACTS).sort());
});

/** Brings about a fact of every kind. */
async function sell(): Promise<void> {
  const post = async (path: string, body: object): Promise<{ id: string }> => (await shop.post(path, body)).body as { id: string };
  const hold = (body: object): Promise<{ id: string }> => post('/v1/reservations', { lines: [{ sku: 'lamp', quantity: 2 }], ...body });
  await shop.stock('lamp', 10, { backorderLimit: 5, price: { amount: 1000, currency: 'EUR' }, thresholds: [8] });
  await shop.put('/v1/carts/cart/reservation', { lines: [{ sku: 'lamp', quantity: 1 }] });
  await shop.put('/v1/carts/cart/reservation', { lines: [{ sku: 'lamp', quantity: 3 }] });
  await post(`/v1/reservations/${(await hold({})).id}/extend`, { ttlSeconds: 60 });
  await post(`/v1/reservations/${(await hold({})).id}/release`, {});
  await hold({ ttlSeconds: 1 });
  await post(`/v1/reservations/${(await hold({ lines: [{ sku: 'lamp', quantity: 7 }] })).id}/confirm`, { orderId: 'one' });
  await post('/v1/allocations/one/fulfil', { lines: [{ sku: 'lamp', quantity: 1 }] });
  await post('/v1/allocations/one/unfulfil', { lines: [{ sku: 'lamp', quantity: 1 }] });
  await shop.put('/v1/pricing/policies/dear', { priority: 1, match: {}, mode: 'live', strategy: { kind: 'rules', rules: [{ name: 'dearer', when: {}, change: { percent: 5 } }] }, guardrails: {} });
  await shop.post('/v1/items/lamp/adjustments', { count: 1, reason: 'counted' }, { prefer: 'wait=5' });
  await shop.post('/v1/items/lamp/adjustments', { change: 30, reason: 'received' }, { prefer: 'wait=5' });
  await post('/v1/allocations/one/cancel', {});
  shop.clock.advance(2_000);
  await shop.get('/v1/events?type=inventory.reservation.expired&wait=5');
  await shop.settled();
}
