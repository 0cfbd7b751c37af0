import type { Choice } from '../../rooms/pricing/pricing.ts';
import type { Table } from '../../store/store.ts';
import type { Answer } from './outside.ts';
import type { Sales } from './sales.ts';

/** What is kept of an item that a policy prices, or compares. Replaced as a whole, never changed in place. */
export interface Priced {
  readonly sku: string;
  readonly log: number;
  /** When it was first described. */
  readonly firstAt: number;
  /** undefined: not known since the start. */
  readonly choice: Choice | undefined;
  /** undefined: nothing was sold, nor ran out. */
  readonly sales: Sales | undefined;
  /** The last price that a function or module gave, by policy. */
  readonly good: { readonly [policy: string]: number } | undefined;
}

/** Its rows: what a crash must not lose. Items that no policy prices have one only while they are to be priced. */
export const ITEMS_TABLE: Table = {
  name: 'priced_items',
  columns: [
    { name: 'sku', type: 'text' },
    /** 1: to be priced, because of facts before the checkpoint. */
    { name: 'dirty', type: 'int' },
    /** null: no policy prices it. */
    { name: 'body', type: 'text', nullable: true },
  ],
  primaryKey: ['sku'],
};

export function bodyOf({ log, firstAt, sales, good }: Priced): string {
  // Thousands are written in one go, and most are like this.
  if (!sales && !good) return `{"log":${log},"firstAt":${firstAt}}`;
  return JSON.stringify({ log, firstAt, sales, good });
}

export function pricedFrom(sku: string, body: string): Priced {
  const { log, firstAt, sales, good } = JSON.parse(body) as Pick<Priced, 'log' | 'firstAt' | 'sales' | 'good'>; // written by `bodyOf`
  return { sku, log, firstAt, choice: undefined, sales, good };
}

/** With a good answer, for the time when there is none. */
export function withAnswer(item: Priced, policy: string, answer: Answer): Priced {
  return answer.ok && item.good?.[policy] !== answer.model ? { ...item, good: { ...item.good, [policy]: answer.model } } : item;
}
