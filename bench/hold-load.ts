import { load, type LoadResult } from './load.ts';
import type { Sample } from './rounds.ts';
import type { Product } from './server.ts';
import { CONNECTIONS, holdOf } from './suites/suite.ts';

/** Shoppers hold one unit each of some items in turn; every hold has to be granted, and is noted for the books. */
export async function holdLoad(product: Product, skus: readonly string[], seconds: number): Promise<Sample> {
  const result = await load({ port: product.port, key: product.key, path: '/v1/reservations', bodies: skus.map(holdOf), connections: CONNECTIONS, seconds });
  product.acknowledge(skus, onlyStatus(result, 201));
  return sampleOf(result);
}

export const sampleOf = ({ perSecond, waits }: LoadResult): Sample => ({ perSecond, p99: waits.p99 });

/** How many answers there were; rejects where one was anything else. */
export function onlyStatus({ byStatus }: LoadResult, status: number): number {
  const { [status]: count = 0, ...others } = byStatus;
  if (count === 0 || Object.keys(others).length > 0) throw new Error(`answers that were not ${status}: ${JSON.stringify(byStatus)}`);
  return count;
}
