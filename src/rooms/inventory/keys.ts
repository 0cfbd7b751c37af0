import { hash32 } from '../../base/hash.ts';
import { partitionOfId } from '../../base/ids.ts';

/** Keys of this room's states. The letter says the kind; the log of a key follows from the key alone. */
export const itemKey = (sku: string): string => `i/${sku}`;
export const reservationKey = (id: string): string => `r/${id}`;
export const cartKey = (cartId: string): string => `c/${cartId}`;
export const orderKey = (orderId: string): string => `o/${orderId}`;
export const transferKey = (id: string): string => `t/${id}`;
/** Everything that one customer, or one API key, holds at a time: `customer/<id>` or `key/<id>`. */
export const holderKey = (holder: string): string => `h/${holder}`;
/** Every log has its own copy of the locations, so that its appends conflict with a change of them. */
export const locationsKey = (log: number): string => `l/${log}`;
/** The promises of an item that wait for units; they live beside the item. */
export const waitingKey = (sku: string): string => `w/${sku}`;
/** What one customer holds and has of one item; it lives beside the item. */
export const customerKey = (sku: string, customerId: string): string => `u/${sku}/${customerId}`;

/** How far an import has come. */
export const importKey = (importId: string): string => `m/${importId}`;

/** The log that the facts about a key go to, out of `partitions` logs. */
export function logOfKey(key: string, partitions: number): number {
  const name = key.slice(2);
  switch (key[0]) {
    case 'l':
      return Number(name);
    case 'u':
      return hash32(name.slice(0, name.indexOf('/'))) % partitions;
    case 'r':
    case 't': {
      const partition = partitionOfId(name);
      return partition !== undefined && partition < partitions ? partition : hash32(name) % partitions;
    }
    default:
      return hash32(name) % partitions;
  }
}
