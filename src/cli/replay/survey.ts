import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { kindOf } from './invoices.ts';
import { salesLines, type LineFault } from './sales-file.ts';

/** What the file says about an item. */
export interface SurveyedItem {
  name: string;
  price: number | undefined;
  /** Units that leave, sold or written off. Returns are not counted against them, so that order does not matter. */
  demand: number;
}

/** What is known of a file after it was read once. Memory grows with its items, not with its lines. */
export interface Survey {
  /** Of the file's bytes: names it in Idempotency-Keys, wherever it lies. */
  readonly fingerprint: string;
  readonly items: ReadonlyMap<string, SurveyedItem>;
  readonly lines: number;
  readonly faults: number;
  /** The first of them. */
  readonly faultSamples: readonly LineFault[];
  readonly firstMs: number;
}

const FAULT_SAMPLES_MAX = 20;

export async function survey(file: string): Promise<Survey> {
  const items = new Map<string, SurveyedItem>();
  const faultSamples: LineFault[] = [];
  let [lines, faults, firstMs] = [0, 0, Number.POSITIVE_INFINITY];
  for await (const line of salesLines(file)) {
    if ('fault' in line) {
      faults++;
      if (faultSamples.length < FAULT_SAMPLES_MAX) faultSamples.push(line);
      continue;
    }
    lines++;
    firstMs = Math.min(firstMs, line.atMs);
    const item = items.get(line.sku) ?? { name: '', price: undefined, demand: 0 };
    items.set(line.sku, item);
    if (item.name === '') item.name = line.name;
    item.price ??= line.price;
    const kind = kindOf(line);
    if (kind === 'sold' || kind === 'written-off') item.demand += Math.abs(line.quantity);
  }
  return { fingerprint: await fingerprintOf(file), items, lines, faults, faultSamples, firstMs };
}

async function fingerprintOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer); // a stream without encoding gives buffers
  return hash.digest('hex').slice(0, 24);
}
