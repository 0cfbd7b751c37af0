/**
 * `holdfast simulate`: what prices would have earned. A season of sales is played again under several policies, with the
 * strategies and guardrails of the server: either a history of sales, whose buyers answer to other prices by an
 * elasticity, or a demand that is given by two numbers. Every policy meets the same buyers. Chance comes from a seed.
 */
import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, type Command } from 'commander';
import { ConfigError } from '../../app/app.ts';
import { minorPerUnit } from '../../rooms/pricing/pricing.ts';
import { between } from '../numbers.ts';
import { progressBar } from '../progress-bar.ts';
import { SalesFileError } from '../replay/sales-file.ts';
import { contenderFrom, learnedContenders, plainContenders, theoreticalContenders } from './contenders.ts';
import { expectedRevenue, visitsOf } from './demand-model.ts';
import { runExperiment, type Experiment, type Market, type Result } from './experiment.ts';
import { readHistory } from './history.ts';
import { pictureOf, type Caption } from './picture.ts';
import { tableOf } from './table.ts';

interface Flags {
  readonly units: number;
  readonly price: number;
  readonly cost?: number;
  readonly demand: number;
  readonly alpha: number;
  readonly days: number;
  readonly items: number;
  readonly scarcity: number;
  readonly elasticity: number;
  readonly costShare: number;
  readonly currency?: string;
  readonly runs?: number;
  readonly seed: number;
  readonly picture?: string;
  readonly policy: readonly string[];
}

/** Puts `simulate` among the commands. */
export function addSimulate(program: Command): void {
  program
    .command('simulate')
    .description('play a season under several pricing policies: static, hourly batch, event-driven rules, run-out, Gallego–van Ryzin')
    .argument('[files...]', 'sales files (CSV, gzipped or not) to replay; without one a demand of λ(p) = demand · e^(−alpha·p) a day is played')
    .option('--units <n>', 'demand: opening stock', between(1, 1_000_000, 'whole'), 10)
    .option('--price <amount>', 'demand: base price, in currency units', between(0.01, 1_000_000, 'any'), 20)
    .option('--cost <amount>', 'demand: what a unit costs, and is worth when the season ends', between(0, 1_000_000, 'any'))
    .option('--demand <n>', 'demand: visitors a day', between(0.001, 1_000_000, 'any'), 100)
    .option('--alpha <n>', 'demand: how quickly it falls with the price, per currency unit', between(0.000_001, 1_000, 'any'), 0.1)
    .option('--days <n>', 'demand: length of the season', between(0.01, 1_000, 'any'), 1)
    .option('--items <n>', 'files: how many items, those that sold for most', between(1, 100_000, 'whole'), 100)
    .option('--scarcity <share>', 'files: opening stock as a share of what was sold in the season', between(0.01, 10, 'any'), 0.8)
    .option('--elasticity <n>', 'files: how buyers answer to other prices', between(1.01, 20, 'any'), 2)
    .option('--cost-share <share>', 'files: cost as a share of the base price', between(0, 1, 'any'), 0.5)
    .option('--currency <code>', 'of prices; EUR for a demand and GBP for files unless given', currency)
    .option('--runs <n>', 'how often chance is tried; 1000 for a demand and 20 for files unless given', between(1, 1_000_000, 'whole'))
    .option('--seed <n>', 'of chance: the same seed gives the same answer', between(0, 2 ** 32 - 1, 'whole'), 1)
    .option('--policy <file>', 'a policy of your own, as JSON in the form of the interface; may be given again', (file: string, files: readonly string[]) => [...files, file], [])
    .option('--picture <file>', 'writes an SVG too')
    .action(async (files: string[], flags: Flags) => {
      try {
        await simulate(files, flags, (text) => void process.stdout.write(text));
      } catch (error) {
        throw error instanceof SalesFileError ? new ConfigError(error.message) : error;
      }
    });
}

async function simulate(files: readonly string[], flags: Flags, out: (text: string) => void): Promise<void> {
  const { markets, runs, caption, notes } = files.length === 0 ? demandTrial(flags) : await historyTrial(files, flags);
  const own = await Promise.all(flags.policy.map(contenderFrom));
  out(`${caption.title}\n${caption.subtitle}\n\n`);
  const joined = markets.map((market): Market => ({ ...market, contenders: [...market.contenders, ...own.map((of) => of(market.season))] }));
  const results = await played({ markets: joined, runs, seed: flags.seed });
  out(tableOf(results));
  for (const note of notes) out(`${note}\n`);
  if (flags.picture === undefined) return;
  await writeFile(flags.picture, await pictureOf(results, caption));
  out(`picture: ${flags.picture}\n`);
}

async function played(experiment: Experiment): Promise<Result[]> {
  using bar = progressBar(process.stderr);
  return await runExperiment({ ...experiment, onRun: (done) => bar.update('playing', done, experiment.runs) });
}

interface Trial {
  readonly markets: readonly Market[];
  readonly runs: number;
  readonly caption: Caption;
  readonly notes: readonly string[];
}

/** A Monday, so that weekdays mean what they say. */
const FIRST_DAY = Date.UTC(2026, 0, 5);

function demandTrial({ units, price, cost, demand, alpha, days, currency = 'EUR', runs = 1000, seed }: Flags): Trial {
  const perUnit = minorPerUnit(currency);
  const money = (amount: number) => ({ amount: Math.round(amount * perUnit), currency });
  const season = { sku: 'item', units, basePrice: money(price), cost: cost === undefined ? null : money(cost), startMs: FIRST_DAY, endMs: FIRST_DAY + days * 86_400_000 };
  const model = { perDay: demand, alpha };
  const market: Market = { season, contenders: [...plainContenders(season), ...theoreticalContenders(model, season, perUnit)], visits: (random) => visitsOf(model, season, random) };
  return {
    markets: [market],
    runs,
    caption: { title: `${units} units in ${days} day${days === 1 ? '' : 's'}, demand ${demand} · e^(−${alpha}·p) a day`, subtitle: `${runs} runs from seed ${seed}; base price ${price} ${currency}${cost === undefined ? '' : `, cost ${cost}`}; ± is half of a 95 % interval`, days, basePrice: price, currency },
    notes: cost === undefined ? [`the best prices are expected to earn ${expectedRevenue(model, season).toFixed(2)} (Gallego and van Ryzin 1994)`] : [],
  };
}

async function historyTrial(files: readonly string[], { items, scarcity, elasticity, costShare, currency = 'GBP', runs = 20, seed }: Flags): Promise<Trial> {
  const history = await readHistory({ files, items, scarcity, elasticity, costShare, currency });
  const [first] = history as [(typeof history)[number]]; // never empty
  const days = (first.season.endMs - first.season.startMs) / 86_400_000;
  const markets = history.map((item): Market => ({ season: item.season, contenders: [...plainContenders(item.season), ...learnedContenders(item, elasticity)], visits: (random) => item.visits(random) }));
  return {
    markets,
    runs,
    caption: { title: `${history.length} items of ${files.length} file${files.length === 1 ? '' : 's'}, ${days.toFixed(0)} days with ${Math.round(scarcity * 100)} % of the units that were sold`, subtitle: `${runs} runs from seed ${seed}; buyers of elasticity ${elasticity}, cost ${Math.round(costShare * 100)} % of the base price; ± is half of a 95 % interval`, days, basePrice: undefined, currency },
    notes: ['base prices and rates are those of the first quarter of the history; the season is the rest'],
  };
}

function currency(text: string): string {
  if (/^[A-Z]{3}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be three capital letters, such as EUR.');
}
