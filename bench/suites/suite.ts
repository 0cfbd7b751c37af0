import type { Line } from '../report.ts';

export interface Settings {
  /** Of one run of one contender. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How often every contender has its turn; figures are medians. */
  readonly rounds: number;
}

export interface Suite {
  readonly name: string;
  readonly about: string;
  readonly run: (settings: Settings) => Promise<Line[]>;
}

export const CONNECTIONS = 64;

export const HOT = 'HOT';
export const THOUSAND: readonly string[] = Array.from({ length: 1_000 }, (_, i) => `SKU-${i}`);

/** The request of most shoppers: one unit of one item. */
export const holdOf = (sku: string): string => JSON.stringify({ lines: [{ sku, quantity: 1 }] });
