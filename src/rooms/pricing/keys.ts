import { hash32 } from '../../base/hash.ts';
import { partitionOfId } from '../../base/ids.ts';

/** Keys of this room's states. The letter says the kind; the log of a key follows from the key alone. */
export const priceKey = (sku: string): string => `p/${sku}`;
export const policyKey = (id: string): string => `y/${id}`;
export const quoteKey = (id: string): string => `q/${id}`;
/** Which policies there are, and the controls. No policy has an empty id. */
export const BOOK_KEY = 'y/';

/**
 * The log that the facts about a key go to, out of `partitions` logs. A price lies beside its item's stock. Policies and
 * controls lie together, so that one number tells which of them a price was computed with.
 */
export function logOfKey(key: string, partitions: number): number {
  if (key[0] === 'y') return hash32(BOOK_KEY) % partitions;
  const name = key.slice(2);
  const partition = key[0] === 'q' ? partitionOfId(name) : undefined;
  return partition !== undefined && partition < partitions ? partition : hash32(name) % partitions;
}
