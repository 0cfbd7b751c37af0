import { hash32 } from '../../base/hash.ts';
import type { Cell, EventRecord, Table } from '../../store/store.ts';
import type { PricingEvent } from './events.ts';
import { BOOK_KEY } from './keys.ts';
import { announced } from './lowest.ts';
import type { Policy, Price, Quote } from './state.ts';
import { writeSaid } from './stored.ts';

/** The read models: tables that follow from states and facts, for lists, search and reports. Primary keys come first. */
export const TABLES: readonly Table[] = [
  {
    name: 'prices',
    columns: [
      { name: 'sku', type: 'text' },
      /** Minor units. */
      { name: 'price', type: 'int', nullable: true },
      { name: 'base_price', type: 'int', nullable: true },
      { name: 'currency', type: 'text', nullable: true },
      /** As of `effective_at`: what a reduction is announced from, or else the lowest of 30 days. */
      { name: 'lowest_30d', type: 'int', nullable: true },
      { name: 'policy', type: 'text', nullable: true },
      { name: 'policy_version', type: 'int', nullable: true },
      { name: 'degraded', type: 'int' },
      { name: 'version', type: 'int' },
      { name: 'stock_version', type: 'int' },
      { name: 'effective_at', type: 'int' },
      /** The instant from which guardrails on pace let it go on, where they keep it: such items are priced again after a restart. */
      { name: 'again_at', type: 'int', nullable: true },
    ],
    primaryKey: ['sku'],
    indexes: [{ name: 'prices_by_again', columns: ['again_at', 'sku'], where: 'again_at is not null' }],
  },
  {
    /** Every price that was shown, and every other that a shadow policy would have shown. */
    name: 'price_history',
    columns: [
      { name: 'sku', type: 'text' },
      { name: 'shadow', type: 'int' },
      /** Of the commit, and of the fact within it. */
      { name: 'position', type: 'int' },
      { name: 'part', type: 'int' },
      { name: 'time', type: 'int' },
      { name: 'price', type: 'int', nullable: true },
      { name: 'currency', type: 'text', nullable: true },
      { name: 'policy', type: 'text', nullable: true },
      { name: 'policy_version', type: 'int', nullable: true },
      /** What the fact said; see `writeSaid`. */
      { name: 'body', type: 'text' },
    ],
    primaryKey: ['sku', 'shadow', 'position', 'part'],
  },
  {
    name: 'price_policies',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'version', type: 'int' },
      { name: 'mode', type: 'text' },
      { name: 'priority', type: 'int' },
      { name: 'body', type: 'text' },
    ],
    primaryKey: ['id'],
  },
  {
    name: 'price_policy_versions',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'version', type: 'int' },
      { name: 'time', type: 'int' },
      { name: 'body', type: 'text' },
    ],
    primaryKey: ['id', 'version'],
  },
  {
    name: 'quotes',
    columns: [
      { name: 'id', type: 'text' },
      { name: 'total', type: 'int' },
      { name: 'currency', type: 'text' },
      { name: 'created_at', type: 'int' },
      { name: 'expires_at', type: 'int' },
    ],
    primaryKey: ['id'],
  },
];

/**
 * Raised whenever saved states or rows get another meaning or another shape that the tables above do not show: stores
 * of another form make theirs again from the log.
 */
const FORM = 3;

/** The form of what is saved: the number above, and what the tables look like. */
export const form = `pricing-${FORM}-${hash32(JSON.stringify(TABLES)).toString(36)}`;

interface Rows {
  upsert(table: string, row: readonly Cell[]): void;
  delete(table: string, column: string, value: Cell): void;
}

/** The rows of a state as it now is. */
export function rowsOf(key: string, state: unknown, rows: Rows, at: { time: number }): void {
  switch (key[0]) {
    case 'p':
      return priceRow(state as Price, rows, at.time); // under `p/` keys there are prices only, and so below
    case 'y':
      return key === BOOK_KEY ? undefined : policyRow(state as Policy, rows);
    case 'q': {
      if (state === undefined) return rows.delete('quotes', 'id', key.slice(2));
      const { id, total, createdAt, expiresAt } = state as Quote;
      return rows.upsert('quotes', [id, total.amount, total.currency, createdAt, expiresAt]);
    }
    default:
  }
}

function priceRow(state: Price, rows: Rows, time: number): void {
  const { sku, price, basePrice, policy, policyVersion, degraded, version, stockVersion, effectiveAt, again } = state;
  const lowest = price && announced(state, price, time).lowest30d;
  rows.upsert('prices', [sku, price?.amount ?? null, basePrice?.amount ?? null, price?.currency ?? basePrice?.currency ?? null, lowest, policy, policyVersion, degraded ? 1 : 0, version, stockVersion, effectiveAt, again ?? null]);
}

function policyRow({ id, version, definition }: Policy, rows: Rows): void {
  if (definition) rows.upsert('price_policies', [id, version, definition.mode, definition.priority, JSON.stringify(definition)]);
  else rows.delete('price_policies', 'id', id);
}

/** The history of prices and of policies. */
export function factRows(at: { position: number }, events: readonly EventRecord[], rows: Rows): void {
  for (const [part, record] of events.entries()) {
    const event = record as unknown as PricingEvent; // the room is given its own facts only
    if (event.type === 'pricing.price.changed' || event.type === 'pricing.shadow.priced') {
      const { price, policy, policyVersion } = event.data;
      rows.upsert('price_history', [event.key.slice(2), event.type === 'pricing.price.changed' ? 0 : 1, at.position, part, event.time, price?.amount ?? null, price?.currency ?? null, policy, policyVersion, writeSaid(event.data)]);
    }
    if (event.type === 'pricing.policy.changed') rows.upsert('price_policy_versions', [event.data.policy, event.data.version, event.time, JSON.stringify(event.data)]);
  }
}
