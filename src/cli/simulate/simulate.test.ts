import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../base/random.ts';
import { contenderFrom, learnedContenders, plainContenders, theoreticalContenders } from './contenders.ts';
import { expectedRevenue, visitsOf } from './demand-model.ts';
import { runExperiment, type Market, type Result } from './experiment.ts';
import { readHistory, type HistoryOptions } from './history.ts';
import { pictureOf } from './picture.ts';
import { playSeason, type Contender, type Season, type Visit } from './season.ts';
import { tableOf } from './table.ts';

const START = Date.UTC(2026, 0, 5);
const DAY = 86_400_000;
const eur = (amount: number) => ({ amount, currency: 'EUR' });
const season: Season = { sku: 'item', units: 10, basePrice: eur(2000), cost: null, startMs: START, endMs: START + DAY };
const demand = { perDay: 100, alpha: 0.1 };

const only = (name: string, results: readonly Result[]): Result => {
  const found = results.find((result) => result.name === name);
  if (!found) throw new Error(`no result of ${name}`);
  return found;
};

describe('the season of ten units in a day, of which a hundred would sell for nothing', () => {
  test('earns what was published: 212.36 by Gallego and van Ryzin, 201.55 at the run-out price, 100 at the best margin', async () => {
    // Without guardrails, as published; priced again after each sale and every quarter of an hour.
    const contenders = theoreticalContenders(demand, season, 100).filter(({ name }) => name !== 'run-out').map((contender): Contender => ({ ...contender, guardrails: {}, everyMs: 900_000 }));
    const results = await runExperiment({ markets: [{ season, contenders, visits: (random) => visitsOf(demand, season, random) }], runs: 4_000, seed: 1 });
    const off = (name: string, published: number): number => Math.abs(only(name, results).revenue.mean / published - 1);
    expect(off('gallego-van-ryzin', 212.36)).toBeLessThan(0.01);
    expect(off('run-out, fixed', 201.55)).toBeLessThan(0.01);
    expect(off('best margin, fixed', 100)).toBeLessThan(0.01);
    expect(only('gallego-van-ryzin', results).revenue.within).toBeLessThan(0.01 * 212.36);
    expect(expectedRevenue(demand, season)).toBeCloseTo(212.5187, 3);
  });

  test('is the same for the same seed, and another for another', async () => {
    const run = async (seed: number) => runExperiment({ markets: [{ season, contenders: [...plainContenders(season), ...theoreticalContenders(demand, season, 100)], visits: (random) => visitsOf(demand, season, random) }], runs: 5, seed });
    const [once, again, other] = [await run(1), await run(1), await run(2)];
    expect(once).toEqual(again);
    expect(once).not.toEqual(other);
  });
});

describe('a shop in a season', () => {
  const visits = (count: number, units = 1): Visit[] => Array.from({ length: count }, (_, i) => ({ atMs: START + ((i + 1) * DAY) / (count + 1), unitsAt: () => units }));
  const rule = { name: 'scarce', when: { available: [{ numeric: ['<', 10] }] }, change: { percent: 50 } };

  test('sells what is asked for until nothing is left, at the price of the moment', () => {
    expect(playSeason(season, { name: 'static' }, visits(4, 3))).toEqual({ revenue: 10 * 2000, units: 10, soldOutDays: 0.8, changes: 0 });
    expect(playSeason(season, { name: 'rules', strategy: { kind: 'rules', rules: [rule] }, onStock: true }, visits(4, 3))).toEqual({ revenue: 3 * 2000 + 7 * 3000, units: 10, soldOutDays: 0.8, changes: 1 });
  });

  test('is priced in batches where its policy is a batch', () => {
    const batch: Contender = { name: 'batch', strategy: { kind: 'rules', rules: [rule] }, everyMs: DAY / 2 };
    expect(playSeason(season, batch, visits(9))).toMatchObject({ revenue: 4 * 2000 + 5 * 3000, changes: 1 });
  });

  test('obeys its guardrails as the server does', () => {
    const bounded: Contender = { name: 'bounded', strategy: { kind: 'rules', rules: [rule] }, guardrails: { maxStepPercent: 10, stepWindowSeconds: 86_400, ceiling: eur(2900) }, onStock: true };
    expect(playSeason(season, bounded, visits(2))).toMatchObject({ revenue: 2000 + 2200, changes: 1 });
  });

  test('is drawn in equal parts to the end, also after it sold out', () => {
    const into = { price: [] as number[], stock: [] as number[] };
    playSeason(season, { name: 'static' }, visits(4, 3), { parts: 10, into });
    expect(into.stock).toEqual([10, 10, 7, 7, 4, 4, 1, 1, 0, 0]);
    expect(new Set(into.price)).toEqual(new Set([20]));
  });
});

const options: Omit<HistoryOptions, 'files'> = { items: 100, scarcity: 1, elasticity: 2, costShare: 0.5, currency: 'EUR' };

describe('a history of sales', () => {
  const at = (day: number): string => new Date(START + day * DAY).toISOString().slice(0, 19).replace('T', ' ');
  const lines = Array.from({ length: 80 }, (_, day) => `${day},LAMP,Lamp,5,${at(day)},20\nC${day},LAMP,Lamp,-1,${at(day)},20\n${day},POST,Postage,1,${at(day)},${day % 2 ? 1 : 100}\n${day},RARE,Rare,1,${at(day)},9\n`.split('\n').filter((line) => !line.includes('RARE') || day < 3)).flat();

  const read = async (more: Partial<HistoryOptions> = {}) => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-simulate-'));
    try {
      const file = join(directory, 'sales.csv');
      await writeFile(file, `InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice\n${lines.filter((line) => line !== '').join('\n')}\n`);
      return await readHistory({ files: [file], ...options, ...more });
    } finally {
      await rm(directory, { recursive: true });
    }
  };

  test('gives items with a steady price, what the first quarter taught, and the rest as the season', async () => {
    const items = await read();
    expect(items.map(({ season }) => season.sku)).toEqual(['LAMP']);
    const [lamp] = items;
    expect(lamp?.season).toMatchObject({ units: 59 * 5 + 5, basePrice: eur(2000), cost: eur(1000) });
    expect(Math.abs((lamp?.perDay ?? 0) / 5 - 1)).toBeLessThan(0.02);
  });

  test('at its own prices happens again as it was; at half the price four times as much is bought', async () => {
    const [lamp] = await read();
    if (!lamp) throw new Error('no item');
    const visits = lamp.visits(seededRandom(1));
    expect(playSeason(lamp.season, { name: 'static' }, visits)).toMatchObject({ units: lamp.season.units, revenue: lamp.season.units * 2000 });
    expect(visits.map((visit) => visit.unitsAt(10)).every((units) => units === 20)).toBe(true);
  });

  test('draws fractions of units by chance that is right on average', async () => {
    const [lamp] = await read();
    if (!lamp) throw new Error('no item');
    const random = seededRandom(3);
    let units = 0;
    for (let run = 0; run < 200; run++) for (const visit of lamp.visits(random)) units += visit.unitsAt(23);
    expect(units / 200 / lamp.visits(random).length).toBeCloseTo(5 * (20 / 23) ** 2, 1);
  });
});

const DATA = process.env['HOLDFAST_DATA_DIR'] ?? join(import.meta.dirname, '../../../../shared/data');
const MONTHS = ['2010-12', '2011-01', '2011-02'].map((month) => join(DATA, `online-retail/${month}.csv.gz`));
const isThere = MONTHS.every((file) => existsSync(file));
if (!isThere) console.warn(`SKIPPED: real months are not simulated, because they are not in ${DATA}; HOLDFAST_DATA_DIR says where the data is`);

test.skipIf(!isThere)('three real months, with less stock than was sold, earn more the sooner and the better prices follow stock', async () => {
  const history = await readHistory({ files: MONTHS, ...options, items: 30, scarcity: 0.7 });
  expect(history.length).toBe(30);
  const markets = history.map((item): Market => ({ season: item.season, contenders: [...plainContenders(item.season), ...learnedContenders(item, options.elasticity)], visits: (random) => item.visits(random) }));
  const results = await runExperiment({ markets, runs: 2, seed: 1 });
  const margin = (name: string): number => only(name, results).margin?.mean ?? 0;
  expect(margin('rules, event-driven')).toBeGreaterThan(margin('static'));
  expect(margin('gallego-van-ryzin')).toBeGreaterThan(margin('rules, event-driven'));
  for (const { units } of results) expect(units.mean).toBeLessThanOrEqual(history.reduce((sum, item) => sum + item.season.units, 0));
});

test('results are a table and a picture', async () => {
  const results = await runExperiment({ markets: [{ season, contenders: plainContenders(season), visits: (random) => visitsOf(demand, season, random) }], runs: 5, seed: 1 });
  const table = tableOf(results).split('\n');
  expect(table[0]).toMatch(/^policy +revenue +gain +units +sold out +after days +price changes$/);
  expect(table).toHaveLength(3 + 3);
  const picture = await pictureOf(results, { title: 'Ten units', subtitle: 'in a day', days: 1, basePrice: 20, currency: 'EUR' });
  expect(picture).toMatch(/^<svg /);
  for (const text of ['Ten units', 'rules, event-driven', 'revenue, EUR']) expect(picture).toContain(text);
});

test('a policy from a file plays as the interface would take it, or is refused with what is wrong', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-simulate-'));
  try {
    const file = join(directory, 'mine.json');
    const strategy = { kind: 'rules', rules: [{ name: 'dear', when: {}, change: { percent: 50 } }] };
    await writeFile(file, JSON.stringify({ strategy, guardrails: { ceiling: { factor: 1.2 } } }));
    const own = (await contenderFrom(file))(season);
    expect(own).toMatchObject({ name: 'mine', onStock: true });
    expect(playSeason(season, own, [{ atMs: START, unitsAt: () => 1 }]).revenue).toBe(2400);
    await writeFile(file, JSON.stringify({ strategy: { ...strategy, rules: [{ name: 'dear', when: { available: 3 }, change: {} }] } }));
    await expect(contenderFrom(file)).rejects.toThrow(/\/strategy\/rules\/0\/when/);
    await writeFile(file, JSON.stringify({ strategy: { kind: 'function', url: 'https://prices.example/', timeoutMs: 100 } }));
    await expect(contenderFrom(file)).rejects.toThrow('a function cannot be simulated');
    await expect(contenderFrom(join(directory, 'none.json'))).rejects.toThrow('cannot be used');
  } finally {
    await rm(directory, { recursive: true });
  }
});
