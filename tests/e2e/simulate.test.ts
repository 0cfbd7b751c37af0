import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runHoldfast } from './running-server.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-simulate-'));
});
afterEach(() => rm(directory, { recursive: true }));

const NAMES = ['static', 'rules, hourly batch', 'rules, event-driven', 'run-out', 'gallego-van-ryzin'];

test('a demand is played under every policy, the same each time, with a table and a picture', async () => {
  const picture = join(directory, 'season.svg');
  const asked = ['simulate', '--runs', '5', '--seed', '7', '--picture', picture];
  const first = await runHoldfast(asked);
  expect(first.code, first.err).toBe(0);
  for (const name of NAMES) expect(first.out).toMatch(new RegExp(`^${name} +[\\d,.]+ ±[\\d,.]+ `, 'm'));
  expect(await readFile(picture, 'utf8')).toMatch(/^<svg /);
  expect((await runHoldfast(asked)).out).toBe(first.out);
});

test('a history of sales is played beside a policy of one\'s own, and what cannot be used is refused', async () => {
  const [sales, policy] = [join(directory, 'sales.csv'), join(directory, 'mine.json')];
  const lines = Array.from({ length: 120 }, (_, day) => `${day},LAMP,Lamp,3,${new Date(Date.UTC(2026, 0, 1 + day, 12)).toISOString()},20`);
  await writeFile(sales, `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice\n${lines.join('\n')}\n`);
  await writeFile(policy, JSON.stringify({ strategy: { kind: 'rules', rules: [{ name: 'scarce', when: { available: [{ numeric: ['<', 100] }] }, change: { percent: 10 } }] } }));
  const played = await runHoldfast(['simulate', sales, '--policy', policy, '--runs', '2']);
  expect(played.code, played.err).toBe(0);
  for (const name of [...NAMES, 'mine']) expect(played.out).toMatch(new RegExp(`^${name} `, 'm'));
  expect(await runHoldfast(['simulate', join(directory, 'none.csv')])).toMatchObject({ code: 2, err: expect.stringContaining('none.csv cannot be read') });
  expect(await runHoldfast(['simulate', '--policy', sales])).toMatchObject({ code: 2, err: expect.stringContaining('cannot be used') });
  expect(await runHoldfast(['simulate', '--elasticity', '0.5'])).toMatchObject({ code: 1, err: expect.stringContaining('--elasticity') });
});
