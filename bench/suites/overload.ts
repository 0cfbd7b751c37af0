import { load, type LoadResult } from '../load.ts';
import { atLeast, atMost, type Line } from '../report.ts';
import { inRounds, type Sample } from '../rounds.ts';
import { Product } from '../server.ts';
import { CONNECTIONS, holdOf, HOT, type Settings, type Suite } from './suite.ts';

/** Three times what it can do arrive at their own pace, on as many connections as a proxy in front of it would keep at most. */
export const overload: Suite = { name: 'overload', about: 'three times as many holds as can be made', run };

const TIMES = 3;
const OVERLOADING_CONNECTIONS = 3_000;
/** Answers that say plainly to come again later. */
const SHED = ['429', '503'];

async function run({ seconds, rounds, warmUpSeconds }: Settings): Promise<Line[]> {
  await using product = await Product.start();
  await product.stockUp([HOT]);
  const holds = (spec: { connections: number; seconds: number; arrivalsPerSecond?: number }): Promise<LoadResult> =>
    load({ port: product.port, key: product.key, path: '/v1/reservations', bodies: [holdOf(HOT)], ...spec });
  let [peak, shed, made, wentAway] = [0, 0, 0, 0];
  const good = (result: LoadResult): Sample => {
    const { '201': granted = 0, ...others } = result.byStatus;
    const strange = Object.keys(others).filter((status) => !SHED.includes(status));
    if (strange.length > 0) throw new Error(`overload was answered with ${strange.join()}`);
    const refused = Object.values(others).reduce((sum, count) => sum + count, 0);
    product.acknowledge([HOT], granted);
    shed += refused;
    made += granted;
    wentAway += result.wentAway;
    return { perSecond: granted / result.seconds, p99: result.waits.p99 };
  };
  await holds({ connections: CONNECTIONS, seconds: warmUpSeconds }).then(good);
  const measured = await inRounds(rounds, {
    peak: async () => {
      const sample = good(await holds({ connections: CONNECTIONS, seconds }));
      peak = Math.max(peak, sample.perSecond);
      await product.viewsCaughtUp();
      return sample;
    },
    overloaded: async () => {
      const sample = good(await holds({ connections: OVERLOADING_CONNECTIONS, seconds, arrivalsPerSecond: Math.round(peak * TIMES) }));
      await product.viewsCaughtUp();
      return sample;
    },
  });
  await product.checkBooks();
  console.error(`overload: ${made} holds were made, ${shed} requests were answered 429 or 503, and ${wentAway} found none of ${OVERLOADING_CONNECTIONS} connections free`);
  const ratio = measured.ratio('overloaded', 'peak');
  return [
    { name: `HTTP at ${TIMES} × its peak, hot SKU`, figure: measured.perSecond('overloaded'), unit: '/s', beside: { name: `peak, ${CONNECTIONS} connections`, figure: measured.perSecond('peak') }, ratio, ...atLeast(ratio, 0.8) },
    { name: `HTTP at ${TIMES} × its peak, p99`, figure: measured.p99('overloaded'), unit: 'ms', ...atMost(measured.p99('overloaded'), 1_000, '≤ 1 s') },
  ];
}
