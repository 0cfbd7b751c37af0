import { createServer, type ServerResponse } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AnswerHead, PricingPolicyInput } from '../../src/client/client.ts';
import { startServer, type RunningServer } from './running-server.ts';

const EUR = (amount: number) => ({ amount, currency: 'EUR' });
const POLL = { timeout: 15_000, interval: 20 };

const policy = (line: string, strategy: PricingPolicyInput['strategy'], guardrails = {}): PricingPolicyInput => ({ priority: 1, match: { attributes: { line: [line] } }, strategy, guardrails });

let shop: RunningServer;
beforeAll(async () => {
  shop = await startServer();
}, 60_000);
afterAll(() => shop[Symbol.asyncDispose]());

async function item(sku: string, line: string, onHand = 20): Promise<void> {
  await shop.client.items.put(sku, { price: EUR(1000), attributes: { line } });
  await shop.client.items.adjust(sku, { count: onHand, reason: 'counted' }, { waitSeconds: 10 });
}

/** The cursor of a write, for reading what followed from it. */
async function cursorOf(write: (onAnswer: (answer: AnswerHead) => void) => Promise<unknown>): Promise<string> {
  let cursor: string | undefined;
  await write((answer) => (cursor = answer.cursor));
  return cursor ?? '';
}

const sell = (sku: string, units: number): Promise<string> => cursorOf((onAnswer) => shop.client.items.adjust(sku, { change: -units, reason: 'sold' }, { waitSeconds: 10, onAnswer }));

describe('prices of a running server', () => {
  test('are of a policy that was made a moment after its item', { timeout: 30_000 }, async () => {
    // Much is written, so that the views are behind.
    await Promise.all(Array.from({ length: 300 }, (_, n) => shop.client.items.put(`other-${n}`, { price: EUR(1000) })));
    await shop.client.items.put('fresh', { price: EUR(1000), attributes: { line: 'fresh' } });
    await shop.client.pricing.putPolicy('fresh', policy('fresh', { kind: 'rules', rules: [{ name: 'none left', when: { available: [0] }, change: { percent: 5 } }] }));
    await expect.poll(async () => (await shop.client.prices.get('fresh')).price, POLL).toEqual(EUR(1050));
  });

  test('follow the stock, and listeners hear of it with the new price', { timeout: 30_000 }, async () => {
    await item('lamp', 'rules');
    await shop.client.pricing.putPolicy('rules', policy('rules', { kind: 'rules', rules: [{ name: 'scarce', when: { available: [{ numeric: ['<', 10] }] }, change: { percent: 5 } }] }));
    const heard: unknown[] = [];
    const stop = new AbortController();
    const listening = (async () => {
      for await (const { fact } of shop.client.events({ types: ['pricing.price.changed'], key: 'lamp', after: 'earliest', signal: stop.signal })) heard.push(fact.data['price']);
    })().catch(() => undefined);
    const after = await sell('lamp', 15);
    expect((await shop.client.prices.get('lamp', { after })).price).toEqual(EUR(1050));
    await expect.poll(() => heard, POLL).toEqual([EUR(1000), EUR(1050)]);
    stop.abort();
    await listening;
  });

  test('come from a function, and stay what they were, marked degraded, while it is slow, fails or talks nonsense', { timeout: 60_000 }, async () => {
    let answer: (response: ServerResponse, asked: { signals: { available: number } }) => void = (response, { signals }) => response.end(JSON.stringify({ price: EUR(1000 + signals.available) }));
    const pricer = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => answer(response, JSON.parse(Buffer.concat(parts).toString())));
    });
    await new Promise<void>((resolve) => pricer.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(pricer.address() as AddressInfo).port}/`; // it listens on TCP
    try {
      await item('vase', 'function');
      await shop.client.pricing.putPolicy('function', policy('function', { kind: 'function', url, timeoutMs: 200 }));
      await expect.poll(async () => (await shop.client.prices.get('vase')).price, POLL).toEqual(EUR(1020));
      const troubles: ((response: ServerResponse) => void)[] = [
        () => undefined,
        (response) => response.writeHead(500).end('{}'),
        (response) => response.end('not JSON'),
        (response) => response.end(JSON.stringify({ price: { amount: -5, currency: 'EUR' } })),
        (response) => response.end(JSON.stringify({ price: { amount: 5, currency: 'USD' } })),
        (response) => response.end('x'.repeat(100_000)),
        (response) => response.socket?.destroy(),
      ];
      for (const trouble of troubles) {
        answer = trouble;
        await sell('vase', 1);
        await expect.poll(async () => (await shop.client.prices.get('vase')).degraded, POLL).toBe(true);
        const { price, why } = await shop.client.prices.get('vase');
        expect(price).toEqual(EUR(1020));
        expect(why.find(({ step }) => step === 'function')?.reason).toContain('the last good price is kept');
      }
      // A hold is as quick as ever meanwhile, and other prices move.
      await sell('lamp', 1);
      answer = (response, { signals }) => response.end(JSON.stringify({ price: (1000 + signals.available) / 100 }));
      await expect.poll(() => shop.client.prices.get('vase'), { ...POLL, timeout: 30_000 }).toMatchObject({ price: EUR(1013), degraded: false });
    } finally {
      pricer.closeAllConnections();
      pricer.close();
    }
  });

  test('come from a module, follow its file when it changes, and stay what they were while it fails or hangs', { timeout: 60_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-module-'));
    const path = join(folder, 'price.ts');
    const write = (body: string): Promise<void> => writeFile(path, `interface Asked { signals: { available: number } }\nexport default function price({ signals }: Asked): unknown { ${body} }\n`);
    try {
      await write('return { price: { amount: 2000 + signals.available, currency: "EUR" } };');
      await item('rug', 'module');
      await shop.client.pricing.putPolicy('module', policy('module', { kind: 'module', path }));
      await expect.poll(async () => (await shop.client.prices.get('rug')).price, POLL).toEqual(EUR(2020));
      await write('return 30;');
      await expect.poll(async () => (await shop.client.prices.get('rug')).price, POLL).toEqual(EUR(3000));
      await write('throw new Error("no idea " + signals.available);');
      await expect.poll(() => shop.client.prices.get('rug'), POLL).toMatchObject({ price: EUR(3000), degraded: true });
      await write('return 35;');
      await expect.poll(() => shop.client.prices.get('rug'), POLL).toMatchObject({ price: EUR(3500), degraded: false });
      await write('for (;;) signals.available++;');
      await expect.poll(async () => (await shop.client.prices.get('rug')).why.at(-1)?.reason, POLL).toContain('did not answer');
      expect((await shop.client.prices.get('rug')).price).toEqual(EUR(3500));
      await write('return { price: 40 };');
      await expect.poll(() => shop.client.prices.get('rug'), POLL).toMatchObject({ price: EUR(4000), degraded: false });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('write little where much happens at once', { timeout: 30_000 }, async () => {
    await item('crate', 'rules', 100_000);
    await expect.poll(async () => (await shop.client.prices.get('crate')).price, POLL).toEqual(EUR(1000));
    const lines = Array.from({ length: 1_000 }, (_, n) => ({ sku: 'crate', change: n % 2 === 0 ? -99_995 : 99_995, reason: 'correction' as const }));
    await shop.client.adjust(lines);
    await expect.poll(async () => (await shop.client.items.availability('crate')).version, POLL).toBeGreaterThan(1_000);
    await shop.client.operation.ready();
    expect((await shop.client.prices.history('crate', { limit: 500 })).items.length).toBeLessThan(300);
    await expect.poll(async () => (await shop.client.prices.get('crate')).price, POLL).toEqual(EUR(1000));
  });
});
