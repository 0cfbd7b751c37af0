import { fileURLToPath } from 'node:url';
import { freshDatabase } from '../database.ts';
import { holdLoad, onlyStatus, sampleOf } from '../hold-load.ts';
import { load } from '../load.ts';
import { postgresRows } from '../peers/postgres-rows.ts';
import { atLeast, atMost, type Line } from '../report.ts';
import { inRounds, type Contenders, type Rounds, type Sample } from '../rounds.ts';
import { Listening, Product } from '../server.ts';
import { CONNECTIONS, holdOf, HOT, THOUSAND, type Settings, type Suite } from './suite.ts';

const noop = fileURLToPath(new URL('../peers/fastify-noop.ts', import.meta.url));

/** One hold a request, next to the web framework answering the same requests with nothing behind it, and to row locks. */
export const http: Suite = { name: 'http', about: 'one hold per request on SQLite', run };

type Name = 'no-op' | 'hot' | '1,000 SKUs' | 'rows, hot' | 'rows, 1,000 SKUs';

async function run(settings: Settings): Promise<Line[]> {
  await using database = await freshDatabase();
  await using product = await Product.start();
  await product.stockUp([HOT, ...THOUSAND]);
  const answer = await product.call('POST', '/v1/reservations', JSON.parse(holdOf(HOT)) as object);
  product.acknowledge([HOT], 1);
  await using peer = await Listening.start([noop, JSON.stringify(answer)]);
  for (const skus of [[HOT], THOUSAND]) await holdLoad(product, skus, settings.warmUpSeconds);
  await noopLoad(peer.port, settings.warmUpSeconds);
  const { seconds, rounds, warmUpSeconds } = settings;
  const caughtUp = async (hold: Promise<Sample>): Promise<Sample> => {
    const sample = await hold;
    // Views that lag would take their time from whoever is measured next.
    await product.viewsCaughtUp();
    return sample;
  };
  const contenders: Contenders<Name> = {
    'no-op': () => noopLoad(peer.port, seconds),
    hot: () => caughtUp(holdLoad(product, [HOT], seconds)),
    '1,000 SKUs': () => caughtUp(holdLoad(product, THOUSAND, seconds)),
    ...rowLocks(database?.url, { seconds, warmUpSeconds }),
  };
  const measured = await inRounds(rounds, contenders);
  await product.checkBooks();
  return linesOf(measured, database !== undefined);
}

async function noopLoad(port: number, seconds: number): Promise<Sample> {
  const result = await load({ port, key: 'any', path: '/v1/reservations', bodies: [holdOf(HOT)], connections: CONNECTIONS, seconds });
  onlyStatus(result, 201);
  return sampleOf(result);
}

function rowLocks(url: string | undefined, spec: { seconds: number; warmUpSeconds: number }): Pick<Contenders<Name>, 'rows, hot' | 'rows, 1,000 SKUs'> {
  const rows = async (skus: readonly string[]): Promise<Sample> => {
    // Without a server there is nothing beside us; the lines that need it are left out.
    if (url === undefined) return { perSecond: Number.NaN };
    const { perSecond, waits } = await postgresRows({ url, skus, callers: CONNECTIONS, ...spec });
    return { perSecond, p99: waits.p99 };
  };
  return { 'rows, hot': () => rows([HOT]), 'rows, 1,000 SKUs': () => rows(THOUSAND) };
}

function linesOf(measured: Rounds<Name>, withRows: boolean): Line[] {
  const beside = (name: Name, words: string): Line['beside'] & object => ({ name: words, figure: measured.perSecond(name) });
  const ratio = measured.ratio('hot', 'no-op');
  const spread = measured.ratio('1,000 SKUs', 'hot');
  const hot = { figure: measured.perSecond('hot'), unit: '/s' } as const;
  const lines: Line[] = [
    { name: 'HTTP, hot SKU, 64 connections', ...hot, beside: beside('no-op', 'Fastify no-op'), ratio, ...atLeast(ratio, 0.7) },
    { name: 'HTTP, hot SKU, p99', figure: measured.p99('hot'), unit: 'ms', beside: { name: 'Fastify no-op, p99', figure: measured.p99('no-op') }, ...atMost(measured.p99('hot'), 10, '≤ 10 ms') },
    { name: 'HTTP, 1,000 SKUs', figure: measured.perSecond('1,000 SKUs'), unit: '/s', beside: beside('hot', 'HTTP, hot SKU'), ratio: spread, ...atMost(Math.abs(1 - spread), 0.15, 'within 15 %') },
    { name: 'HTTP, 1,000 SKUs, p99', figure: measured.p99('1,000 SKUs'), unit: 'ms', ...atMost(measured.p99('1,000 SKUs'), 10, '≤ 10 ms') },
  ];
  if (!withRows) return lines;
  const overRows = measured.ratio('hot', 'rows, hot');
  return [
    ...lines,
    { name: 'HTTP, hot SKU', ...hot, beside: beside('rows, hot', 'PostgreSQL rows, hot, pool of 64'), ratio: overRows, ...atLeast(overRows, 10) },
    { name: 'HTTP, 1,000 SKUs', figure: measured.perSecond('1,000 SKUs'), unit: '/s', beside: beside('rows, 1,000 SKUs', 'PostgreSQL rows, 1,000 SKUs'), ratio: measured.ratio('1,000 SKUs', 'rows, 1,000 SKUs') },
  ];
}
