import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ROOT, runHoldfast, startServer } from '../e2e/running-server.ts';

/** A month of a real wholesaler's sales lines (UCI Online Retail, CC BY 4.0). It is not part of this repository. */
const FILE = join(process.env['HOLDFAST_DATA_DIR'] ?? join(ROOT, '../shared/data'), 'online-retail/2010-12.csv.gz');
const isThere = existsSync(FILE);
if (!isThere) console.warn(`SKIPPED: the real month is not replayed, because there is no ${FILE}; HOLDFAST_DATA_DIR says where the data is`);

/** What the file says, counted by other means. */
const MONTH = { invoices: '2,025', lines: '42,481', items: '2,822', sold: '362,316' };

test.skipIf(!isThere)('a real month happens again without a book error, and again without being done twice', async () => {
  await using server = await startServer();
  const replay = (...more: string[]): Promise<{ code: number | null; out: string; err: string }> => runHoldfast(['replay', FILE, '--url', server.url, '--speed', 'max', ...more], { HOLDFAST_KEY: server.key });

  const first = await replay();
  expect(first.out, first.err).toContain(`${MONTH.invoices} invoices, ${MONTH.lines} lines, ${MONTH.items} items`);
  expect(first.out).toContain(`sold         ${MONTH.sold} units`);
  expect(first.out).toContain('refused      0 units; 0 orders in whole');
  expect(first.out).toContain(`books        ${MONTH.items} items checked, 0 book errors`);
  expect(first.code).toBe(0);

  const onHand = async (): Promise<number> => {
    let [units, cursor] = [0, undefined as string | undefined];
    do {
      const page = await server.client.items.list({ limit: 200, ...(cursor === undefined ? undefined : { cursor }) });
      const { items } = await server.client.availability(page.items.map(({ sku }) => sku));
      for (const item of items) {
        expect(item.reserved + item.allocated + item.backordered).toBe(0);
        units += item.onHand;
      }
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return units;
  };
  // Everything that was received was sold or written off, so that what is left is what came back.
  const returned = Number(/returned +([\d,]+) units/.exec(first.out)?.[1]?.replaceAll(',', ''));
  expect(returned).toBeGreaterThan(0);
  expect(await onHand()).toBe(returned);

  const second = await replay();
  expect(second.code, second.err).toBe(0);
  expect(second.out).toContain(`sold         ${MONTH.sold} units`);
  expect(await onHand()).toBe(returned);
  expect(await server.stop()).toBe(0);
});

test.skipIf(!isThere)('with too little stock some demand is refused, and the books still balance', async () => {
  await using server = await startServer();
  const { code, out, err } = await runHoldfast(['replay', FILE, '--url', server.url, '--key', server.key, '--speed', 'max', '--scarcity', '0.7']);
  expect(code, err).toBe(0);
  const units = (name: string): number => Number(new RegExp(`${name} +([\\d,]+) units`).exec(out)?.[1]?.replaceAll(',', ''));
  expect(units('refused')).toBeGreaterThan(50_000);
  expect(units('sold') + units('refused')).toBe(362_316);
  expect(out).toContain('0 book errors');
});
