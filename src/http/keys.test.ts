import { describe, expect, test } from 'vitest';
import { handClock } from '../base/clock.ts';
import { openMemory } from '../engines/memory/memory.ts';
import { ADMIN, openHoldfast, type TestHoldfast } from './testing.ts';

async function keyWith(shop: TestHoldfast, ...scopes: string[]): Promise<{ id: string; key: string }> {
  const answer = await shop.post('/v1/keys', { name: scopes.join(), scopes });
  expect(answer.status).toBe(201);
  return answer.body;
}

describe('keys', () => {
  test('without one, or with an unknown one, the answer says how to bring one', async () => {
    await using shop = await openHoldfast();
    for (const key of [null, 'nobody', `hf_key_${'a'.repeat(30)}_${'b'.repeat(43)}`, 'x'.repeat(1_000)]) {
      const answer = await shop.get('/v1/items', { key });
      expect([answer.status, answer.body.code, answer.headers['www-authenticate']]).toEqual([401, 'unauthenticated', expect.stringMatching(/^Bearer/)]);
    }
    const basic = await shop.get('/v1/items', { key: null, headers: { authorization: 'Basic YTpi' } });
    expect(basic.status).toBe(401);
  });

  test('reach as far as their scopes: write may read, admin may do everything', async () => {
    await using shop = await openHoldfast();
    const [reader, writer, admin] = [await keyWith(shop, 'read'), await keyWith(shop, 'write'), await keyWith(shop, 'admin')];
    const tries = async ({ key }: { key: string }): Promise<number[]> => [
      (await shop.get('/v1/items', { key })).status,
      (await shop.ask('PUT', '/v1/items/tea', { key, body: {} })).status,
      (await shop.get('/v1/keys', { key })).status,
    ];
    expect(await tries(reader)).toEqual([200, 403, 403]);
    expect((await tries(writer)).map((status) => (status === 201 ? 200 : status))).toEqual([200, 200, 403]);
    expect(await tries(admin)).toEqual([200, 200, 200]);
  });

  test('are listed without their secrets and end at once', async () => {
    await using shop = await openHoldfast();
    const { id, key } = await keyWith(shop, 'read');
    expect((await shop.get('/v1/items', { key })).status).toBe(200);
    const listed = await shop.get('/v1/keys');
    expect(listed.body.items).toEqual([{ id, name: 'read', scopes: ['read'], createdAt: expect.any(String) }]);
    expect(listed.text).not.toContain(key);
    expect((await shop.ask('DELETE', `/v1/keys/${id}`)).status).toBe(204);
    expect((await shop.get('/v1/items', { key })).status).toBe(401);
    expect((await shop.ask('DELETE', `/v1/keys/${id}`)).body.code).toBe('unknown-key');
    expect((await shop.get('/v1/keys')).body.items).toEqual([]);
  });

  test('that another node revoked are refused within seconds', async () => {
    const store = openMemory({ partitions: 4 });
    const clock = handClock();
    await using here = await openHoldfast({ store, clock });
    const { id, key } = await keyWith(here, 'read');
    expect((await here.get('/v1/items', { key })).status).toBe(200);
    const known = (await store.settings.get(`http/key/${id}`)) as object;
    await store.settings.swap(`http/key/${id}`, known as never, { ...known, revoked: true });
    clock.advance(2_001);
    expect((await here.get('/v1/items', { key })).status).toBe(401);
  });

  test('are not kept as they are', async () => {
    const store = openMemory({ partitions: 4 });
    await using shop = await openHoldfast({ store });
    const { key } = await keyWith(shop, 'write');
    await shop.post('/v1/keys', { name: 'again', scopes: ['read'] }, { 'idempotency-key': 'k' });
    const everything = JSON.stringify([store.image().settings, store.image().logs.map(({ commits }) => commits)]);
    expect(everything).toContain('http/key/');
    expect(everything).not.toContain(key.slice(-43));
    expect(everything).not.toContain(ADMIN);
  });

  test('asked for twice with one Idempotency-Key are one key, shown again; another request with it is refused', async () => {
    await using shop = await openHoldfast();
    const ask = (name: string) => shop.post('/v1/keys', { name, scopes: ['read'] }, { 'idempotency-key': 'make' });
    const [first, second] = [await ask('a'), await ask('a')];
    expect(second.body).toEqual(first.body);
    expect([first.headers['idempotent-replayed'], second.headers['idempotent-replayed']]).toEqual([undefined, 'true']);
    expect((await ask('b')).body.code).toBe('idempotency-key-reused');
    await shop.ask('DELETE', `/v1/keys/${first.body.id}`);
    expect((await ask('a')).body).toEqual(first.body);
    expect((await shop.get('/v1/items', { key: first.body.key })).status).toBe(401);
  });
});

describe('the admin key', () => {
  test('is made at the first start, told once, and kept as a hash', async () => {
    const store = openMemory({ partitions: 4 });
    const told: string[] = [];
    const options = { store, adminKey: undefined, announceAdminKey: (key: string) => void told.push(key) };
    {
      await using first = await openHoldfast(options as never);
      expect((await first.get('/v1/keys', { key: told[0] ?? null })).status).toBe(200);
    }
    await using second = await openHoldfast(options as never);
    expect(told).toHaveLength(1);
    expect((await second.get('/v1/keys', { key: told[0] ?? null })).status).toBe(200);
    expect((await second.get('/v1/keys', { key: 'guess' })).status).toBe(401);
    expect(JSON.stringify(store.image().settings)).not.toContain(told[0]);
  });
});

describe('public reads', () => {
  test('of availability need no key unless they were closed', async () => {
    await using open = await openHoldfast();
    await open.stock('tea', 3);
    expect((await open.get('/v1/items/tea/availability', { key: null })).body.available).toBe(3);
    expect((await open.get('/v1/availability?sku=tea', { key: null })).status).toBe(200);
    expect((await open.get('/v1/items/tea', { key: null })).status).toBe(401);
    await using closed = await openHoldfast({ publicReads: false });
    expect((await closed.get('/v1/availability?sku=tea', { key: null })).status).toBe(401);
    expect((await closed.get('/v1/availability?sku=tea')).headers['cache-control']).toMatch(/^private/);
  });
});

describe('read tokens', () => {
  test('read until they run out, end with their key, and are taken from the address by the stream alone', async () => {
    await using shop = await openHoldfast();
    const { id, key } = await keyWith(shop, 'read');
    const { token, expiresAt } = (await shop.ask('POST', '/v1/tokens', { key })).body;
    expect(Date.parse(expiresAt) - shop.clock.now()).toBe(900_000);
    expect((await shop.get('/v1/items', { key: token })).status).toBe(200);
    expect((await shop.ask('PUT', '/v1/items/tea', { key: token, body: {} })).status).toBe(403);
    expect((await shop.get(`/v1/items?access_token=${token}`, { key: null })).status).toBe(401);
    shop.clock.advance(900_000);
    expect((await shop.get('/v1/items', { key: token })).status).toBe(401);
    const fresh = (await shop.ask('POST', '/v1/tokens', { key })).body.token as string;
    await shop.ask('DELETE', `/v1/keys/${id}`);
    expect((await shop.get('/v1/items', { key: fresh })).status).toBe(401);
  });

  test('that were tampered with are nobody’s', async () => {
    await using shop = await openHoldfast();
    const { token } = (await shop.ask('POST', '/v1/tokens')).body as { token: string };
    const later = token.replace(/^hft_(\w)/, (_, digit: string) => `hft_${digit === 'z' ? 'y' : 'z'}`);
    expect((await shop.get('/v1/items', { key: later })).status).toBe(401);
  });
});

describe('rate limits', () => {
  test('stop a caller who asks too often, say for how long, and let others go on', async () => {
    await using shop = await openHoldfast({ rateLimit: { perSecond: 2, burst: 3 } });
    const { key } = await keyWith(shop, 'read');
    const statuses: number[] = [];
    for (let i = 0; i < 5; i++) statuses.push((await shop.get('/v1/items', { key })).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const limited = await shop.get('/v1/items', { key });
    expect([limited.body.code, limited.headers['retry-after']]).toEqual(['rate-limited', '1']);
    expect((await shop.get('/v1/keys')).status).toBe(200);
    shop.clock.advance(1_000);
    expect((await shop.get('/v1/items', { key })).status).toBe(200);
  });
});
