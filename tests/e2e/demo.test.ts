import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type RunningServer } from './running-server.ts';

/** The machine's own browser: none is downloaded. */
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find((path) => existsSync(path));
const canSee = CHROMIUM !== undefined || process.env['CI'] === 'true'; // in CI a missing browser is a failure
if (!canSee) console.warn('SKIPPED: the demo and the page are not looked at, because this machine has no chromium');

let browser: Browser;
beforeAll(async () => {
  if (!canSee) return;
  if (CHROMIUM === undefined) throw new Error('there is no chromium on this machine: apt-get install -y chromium');
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
}, 60_000);
afterAll(() => browser?.close());

/** A new tab that remembers everything that went wrong in it. */
async function tab(url: string): Promise<{ page: Page; faults: string[] }> {
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url)) faults.push(`asked ${request.url()}`);
  });
  await page.goto(url);
  return { page, faults };
}

const PATIENT = { timeout: 60_000, interval: 100 };

async function expectText(page: Page, selector: string, expected: string | RegExp): Promise<void> {
  const text = (): Promise<string | null> => page.locator(selector).first().textContent();
  if (typeof expected === 'string') await expect.poll(text, PATIENT).toBe(expected);
  else await expect.poll(text, PATIENT).toMatch(expected);
}

/** The sum over all bars. */
async function unitsSold(page: Page): Promise<number> {
  const words = await page.locator('.item-rest span:first-child').allTextContents();
  return words.reduce((sum, text) => sum + Number(/^[\d,]+/.exec(text)?.[0].replaceAll(',', '') ?? 0), 0);
}

describe.skipIf(!canSee)('the demo', { timeout: 120_000 }, () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer({ args: ['--demo'] });
  }, 60_000);
  afterAll(() => server?.[Symbol.asyncDispose]());

  test('is seen on the page: stock drains, facts tick by, and nothing is oversold', async () => {
    const { page, faults } = await tab(server.url);
    await expectText(page, '#state-text', 'live');
    await expect.poll(() => page.locator('#items > li').count(), PATIENT).toBe(6);
    const before = await unitsSold(page);
    await expect.poll(() => unitsSold(page), PATIENT).toBeGreaterThan(before + 50);
    await expect.poll(() => page.locator('#facts > li').count(), PATIENT).toBeGreaterThanOrEqual(5);
    // Stock drains, and so prices rise: the page shows it, and the facts tell it.
    const prices = (): Promise<string[]> => page.locator('.item-price b').allTextContents();
    const earlier = await prices();
    expect(earlier.filter((text) => /^€\d+\.\d\d$/.test(text))).toHaveLength(6);
    await expect.poll(async () => (await prices()).filter((text, index) => text !== earlier[index]).length, PATIENT).toBeGreaterThanOrEqual(3);
    await expect.poll(() => page.locator('.item-price path').first().getAttribute('d'), PATIENT).toMatch(/^M[\d.]+ [\d.]+H[\d.]+V/);
    await expectText(page, '#oversold', 'oversold: 0');
    await expectText(page, '#books', 'the books of 6 items balance');
    await expectText(page, '#holds-now', /^\d/);
    await expectText(page, '#refused-now', /^\d/);
    await expectText(page, '#p99-now', /^\d.* ms$/);
    expect(faults).toEqual([]);
    await page.close();
  });

  test('prices the hot items by their stock, within bounds and with reasons', async () => {
    const { items } = await server.client.items.list({ attributes: { hot: 'true' } });
    const { items: prices } = await server.client.prices.many(items.map(({ sku }) => sku));
    for (const { price, basePrice, policy, why } of prices) {
      expect([policy, why[0]?.step, why[1]?.step]).toEqual(['flash-sale', 'base', 'run-out']);
      const factor = (price?.amount ?? 0) / (basePrice?.amount ?? 0);
      expect(factor).toBeGreaterThan(0.65);
      expect(factor).toBeLessThanOrEqual(1.6);
    }
  });

  test('agrees with the books of the hot items, which the interface tells', async () => {
    const { items } = await server.client.items.list({ attributes: { hot: 'true' } });
    expect(items.map(({ sku }) => sku).sort()).toEqual(['HAMMOCK-CLOUD', 'KETTLE-COPPER', 'KITE-WHALE', 'LANTERN-MOONRISE', 'RADIO-POCKET', 'ROBOT-TIN']);
    for (const { sku } of items) {
      const check = await server.client.items.check(sku);
      expect(check).toMatchObject({ sku, ok: true });
      expect(check.oversold ?? 0).toBe(0);
      const { onHand, allocated, reserved, backordered } = await server.client.items.availability(sku);
      expect(allocated + reserved + backordered).toBeLessThanOrEqual(onHand);
    }
  });

  test('fits a phone and both themes', async () => {
    const { page } = await tab(server.url);
    await page.setViewportSize({ width: 390, height: 844 });
    await expect.poll(() => page.locator('#items > li').count(), PATIENT).toBe(6);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    const ground = (): Promise<unknown> => page.evaluate('getComputedStyle(document.body).backgroundColor');
    await page.emulateMedia({ colorScheme: 'light' });
    const light = await ground();
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await ground()).not.toBe(light);
    await page.close();
  });

  test('stops with the server, which ends with 0', async () => {
    expect(await server.stop()).toBe(0);
    expect(server.output()).toContain('demo: a flash sale is on');
    expect(server.output()).not.toContain('the shoppers wait');
  });
});

describe.skipIf(!canSee)('the page of a real shop', { timeout: 60_000 }, () => {
  test('asks for a key, refuses a wrong one, keeps the token and not the key over a reload, and shows what moves', async () => {
    await using server = await startServer();
    await server.client.items.put('A-1', { name: 'Oak stool' });
    await server.client.items.adjust('A-1', { change: 40, reason: 'received' }, { waitSeconds: 10 });
    const { page } = await tab(server.url);
    await page.fill('#key', 'not-the-key');
    await page.click('#door button');
    await expectText(page, '#door-refused', 'That key is not accepted here.');
    await page.fill('#key', server.key);
    await page.click('#door button');
    await expectText(page, '#state-text', 'live');
    await page.reload();
    await expectText(page, '#state-text', 'live');
    expect(await page.evaluate('JSON.stringify({ ...sessionStorage, ...localStorage })')).not.toContain(server.key);
    await server.client.reservations.create({ lines: [{ sku: 'A-1', quantity: 15 }] });
    await expectText(page, '.item-rest', '0 sold · 15 heldof 40');
    await expectText(page, '.item-free', '25 free');
    await expectText(page, '#oversold', 'oversold: 0');
    await page.close();
  });
});
