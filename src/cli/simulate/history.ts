import type { Random } from '../../base/random.ts';
import { DAY_MS, type Money } from '../../rooms/pricing/pricing.ts';
import { kindOf } from '../replay/invoices.ts';
import { salesLines, SalesFileError } from '../replay/sales-file.ts';
import { share, type Season, type Visit } from './season.ts';

/** What a season is made of where sales are replayed. */
export interface HistoryOptions {
  readonly files: readonly string[];
  /** The items that sold for most, at most so many. */
  readonly items: number;
  /** Opening stock as a share of what was sold in the season. */
  readonly scarcity: number;
  /** ε: what was bought at one price would have been bought at another times (other/one)^(−ε). */
  readonly elasticity: number;
  /** Cost as a share of the base price. */
  readonly costShare: number;
  readonly currency: string;
}

/** An item of the history, with what its first quarter taught about it. */
export interface HistoryItem {
  readonly season: Season;
  /** Units a day at the base price, as sold in the first quarter. */
  readonly perDay: number;
  visits(random: Random): Visit[];
}

interface Sale {
  readonly atMs: number;
  readonly units: number;
  readonly price: number;
}

/** The first quarter of the time is for learning prices and rates, and the season is the rest. */
const LEARNING = 0.25;
/** Sales below which nothing is learned, and a season is no season. */
const SALES_MIN = 10;
/** An item that was sold for so many times its usual price has none: postage, corrections by hand. */
const PRICE_SPREAD_MAX = 4;

/** Reads sales files, one after another in the order of time, and gives the items that sold for most. */
export async function readHistory(options: HistoryOptions): Promise<HistoryItem[]> {
  const sales = await salesByItem(options.files);
  const all = [...sales.values()].flat();
  if (all.length === 0) throw new SalesFileError(`${options.files.join(', ')}: nothing was sold at a price`);
  const startOfAll = all.reduce((least, { atMs }) => Math.min(least, atMs), Number.POSITIVE_INFINITY);
  const endMs = all.reduce((most, { atMs }) => Math.max(most, atMs), 0) + 1;
  const startMs = startOfAll + (endMs - startOfAll) * LEARNING;
  const items = [...sales].flatMap(([sku, of]) => itemOf(sku, of, { startOfAll, startMs, endMs }, options) ?? []);
  if (items.length === 0) throw new SalesFileError(`${options.files.join(', ')}: no item was sold ${SALES_MIN} times both before and after the first quarter`);
  return items.toSorted((a, b) => b.worth - a.worth).slice(0, options.items).map(({ item }) => item);
}

async function salesByItem(files: readonly string[]): Promise<Map<string, Sale[]>> {
  const sales = new Map<string, Sale[]>();
  for (const file of files) {
    for await (const line of salesLines(file)) {
      if ('fault' in line || kindOf(line) !== 'sold' || line.price === undefined) continue;
      const of = sales.get(line.sku) ?? [];
      sales.set(line.sku, of);
      of.push({ atMs: line.atMs, units: line.quantity, price: line.price });
    }
  }
  return sales;
}

interface Span {
  readonly startOfAll: number;
  readonly startMs: number;
  readonly endMs: number;
}

function itemOf(sku: string, sales: readonly Sale[], { startOfAll, startMs, endMs }: Span, options: HistoryOptions): { item: HistoryItem; worth: number } | undefined {
  const learned = sales.filter(({ atMs }) => atMs < startMs);
  const played = sales.filter(({ atMs }) => atMs >= startMs).toSorted((a, b) => a.atMs - b.atMs);
  if (learned.length < SALES_MIN || played.length < SALES_MIN) return undefined;
  const usual = median(learned.map(({ price }) => price));
  if (sales.some(({ price }) => price > usual * PRICE_SPREAD_MAX || price < usual / PRICE_SPREAD_MAX)) return undefined;
  const inUnits = (of: readonly Sale[], at: (sale: Sale) => number): number => of.reduce((sum, sale) => sum + sale.units * at(sale), 0);
  const money = (amount: number): Money => ({ amount: Math.round(amount), currency: options.currency });
  const season = { sku, units: Math.max(1, Math.round(options.scarcity * inUnits(played, () => 1))), basePrice: money(usual), cost: money(usual * options.costShare), startMs, endMs };
  const perDay = (inUnits(learned, ({ price }) => (price / usual) ** options.elasticity) / (startMs - startOfAll)) * DAY_MS;
  return { item: { season, perDay, visits: (random) => played.map((sale) => visitOf(sale, options.elasticity, share(random))) }, worth: inUnits(played, ({ price }) => price) };
}

/** A sale as it would have been at another price: more or fewer units, of which a fraction comes by chance. */
function visitOf({ atMs, units, price }: Sale, elasticity: number, luck: number): Visit {
  const paid = price / 100;
  return { atMs, unitsAt: (shown) => Math.floor(units * (paid / shown) ** elasticity + luck) };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
