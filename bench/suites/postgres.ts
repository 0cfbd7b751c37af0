import { freshDatabase } from '../database.ts';
import { holdLoad } from '../hold-load.ts';
import { postgresRows } from '../peers/postgres-rows.ts';
import { atLeast, type Line } from '../report.ts';
import { inRounds } from '../rounds.ts';
import { Product } from '../server.ts';
import { CONNECTIONS, HOT, type Settings, type Suite } from './suite.ts';

/** One hold a request with PostgreSQL underneath, next to row locks on the same server. */
export const postgres: Suite = { name: 'postgres', about: 'one hold per request on PostgreSQL', run };

async function run({ seconds, warmUpSeconds, rounds }: Settings): Promise<Line[]> {
  await using ours = await freshDatabase();
  await using theirs = await freshDatabase();
  if (ours === undefined || theirs === undefined) return [];
  await using product = await Product.start(ours.url);
  await product.stockUp([HOT]);
  await holdLoad(product, [HOT], warmUpSeconds);
  const measured = await inRounds<'hot' | 'rows'>(rounds, {
    hot: async () => {
      const sample = await holdLoad(product, [HOT], seconds);
      await product.viewsCaughtUp();
      return sample;
    },
    rows: async () => {
      const { perSecond, waits } = await postgresRows({ url: theirs.url, skus: [HOT], callers: CONNECTIONS, seconds, warmUpSeconds });
      return { perSecond, p99: waits.p99 };
    },
  });
  await product.checkBooks();
  const ratio = measured.ratio('hot', 'rows');
  return [
    { name: 'HTTP on PostgreSQL, hot SKU', figure: measured.perSecond('hot'), unit: '/s', beside: { name: 'PostgreSQL rows, hot, pool of 64', figure: measured.perSecond('rows') }, ratio, ...atLeast(ratio, 5) },
    { name: 'HTTP on PostgreSQL, hot SKU, p99', figure: measured.p99('hot'), unit: 'ms' },
  ];
}
