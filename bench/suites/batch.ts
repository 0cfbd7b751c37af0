import { load } from '../load.ts';
import { onlyStatus } from '../hold-load.ts';
import { hasRedis, redisLua } from '../peers/redis-lua.ts';
import { atLeast, type Line } from '../report.ts';
import { inRounds, type Sample } from '../rounds.ts';
import { Product } from '../server.ts';
import { HOT, type Settings, type Suite } from './suite.ts';

/** A thousand holds a request, each granted or refused on its own, next to Redis with as many callers at once. */
export const batch: Suite = { name: 'batch', about: 'a thousand holds per request on SQLite', run };

const HOLDS = 1_000;
/** One request is decided while another is made durable and a third is on the wire. */
const CONNECTIONS = 4;
const REDIS_CALLERS = 512;

async function run({ seconds, warmUpSeconds, rounds }: Settings): Promise<Line[]> {
  await using product = await Product.start();
  await product.stockUp([HOT]);
  await batchLoad(product, warmUpSeconds);
  const withRedis = hasRedis();
  const measured = await inRounds<'batch' | 'redis'>(rounds, {
    batch: async () => {
      const sample = await batchLoad(product, seconds);
      await product.viewsCaughtUp();
      return sample;
    },
    redis: async () => (withRedis ? redisLua({ callers: REDIS_CALLERS, seconds, warmUpSeconds }) : { perSecond: Number.NaN }),
  });
  await product.checkBooks();
  const figure = measured.perSecond('batch');
  const lines: Line[] = [{ name: 'HTTP, batches of 1,000', figure, unit: '/s', ...atLeast(figure, 100_000) }];
  if (!withRedis) return lines;
  return [...lines, { name: 'HTTP, batches of 1,000', figure, unit: '/s', beside: { name: `Redis Lua, ${REDIS_CALLERS} callers`, figure: measured.perSecond('redis') }, ratio: measured.ratio('batch', 'redis') }];
}

async function batchLoad(product: Product, seconds: number): Promise<Sample> {
  const body = JSON.stringify({ reservations: Array.from({ length: HOLDS }, () => ({ lines: [{ sku: HOT, quantity: 1 }] })) });
  const result = await load({ port: product.port, key: product.key, path: '/v1/reservations/batch', bodies: [body], connections: CONNECTIONS, seconds, counting: '"status":201' });
  const requests = onlyStatus(result, 200);
  if (result.counted !== requests * HOLDS) throw new Error(`${requests} batches granted ${result.counted} holds`);
  product.acknowledge([HOT], result.counted);
  return { perSecond: result.counted / result.seconds, p99: result.waits.p99 };
}
