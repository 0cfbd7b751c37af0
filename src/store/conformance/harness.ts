import { seededRandom, systemRandom, type Random } from '../../base/random.ts';
import type { EventRecord, LogId, LogStore, Position, Store } from '../store.ts';
import type { Commit } from '../envelope.ts';

/** What an engine tells the kit about itself. */
export interface Harness {
  /** Opens the store at a place; the kit disposes of it. Every place has {@link PARTITIONS} logs. */
  open(place: string): Promise<Store>;
  /** Makes a fresh, empty place: a directory, a schema, a name. */
  place(): Promise<string>;
  /** Throws a place away; every store on it was disposed of. */
  discard(place: string): Promise<void>;
  /** Two stores opened on one place see each other's writes. */
  readonly sharing: boolean;
  /** What was acknowledged is there when the place is opened again. */
  readonly durable: boolean;
  /** A fresh memory store, which the model test compares answers with. */
  reference(): Promise<Store>;
  /** Program and arguments of a child that opens the place and hands it to `writeForever`, for the kit to kill. */
  appendInChildProcess?(place: string): readonly string[];
}

/** How many logs the kit's stores have: several, and not a power of two. */
export const PARTITIONS = 3;

/** Set for the checks that take minutes: more rounds of what chance decides. */
export const LONG = Boolean(process.env['HOLDFAST_LONG']);

/** The seed of this run: from HOLDFAST_SEED, or chance. It stands in the title of every test that uses it. */
export const SEED = seedOf(process.env['HOLDFAST_SEED']);

function seedOf(text: string | undefined): number {
  const seed = Number(text);
  return text !== undefined && Number.isSafeInteger(seed) ? seed : systemRandom().u32() >>> 1;
}

export function random(): Random {
  return seededRandom(SEED);
}

/** Runs a test body on a fresh place and cleans up after it. */
export async function onFreshPlace(harness: Harness, body: (place: string) => Promise<void>): Promise<void> {
  const place = await harness.place();
  try {
    await body(place);
  } finally {
    await harness.discard(place);
  }
}

export async function onFreshStore(harness: Harness, body: (store: Store) => Promise<void>): Promise<void> {
  await onFreshPlace(harness, async (place) => {
    await using store = await harness.open(place);
    await body(store);
  });
}

export function fact(key: string, data: EventRecord['data'] = {}): EventRecord {
  return { type: 'Counted', key, time: 1_767_225_600_000, data };
}

/** Appends `count` commits of one fact each to a log; the token of each says its position. */
export async function fill(log: LogStore, id: LogId, count: number): Promise<void> {
  const head = await log.head(id);
  for (let position = head + 1; position <= head + count; position++) {
    await log.append([{ log: id, expected: position - 1, events: [fact(`k${position}`, { position })] }], `t${position}`);
  }
}

export function readAll(log: LogStore, id: LogId, after: Position = 0): Promise<Commit[]> {
  return collect(log.read(id, after));
}

export async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const one of source) all.push(one);
  return all;
}

/** 'ok', or the code of the fault that a call rejected with; anything else it rejected with is thrown. */
export async function outcome(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'ok';
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
    throw error;
  }
}
