import { createWriteStream, existsSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ConfigError, openSettled, storedFacts, storedItems, storedLocations, type StorePlace } from '../../app/app.ts';
import { HoldfastClient, HoldfastUnreachable, isProblem } from '../../client/client.ts';
import { csv, ITEM_MEMBERS, itemColumns, levelColumns, locationColumns, ndjson, type SheetValue, type SheetWriter } from '../sheet/sheet.ts';

export const KINDS = ['items', 'levels', 'locations', 'facts'] as const;
export type Kind = (typeof KINDS)[number];

export interface ExportOptions {
  readonly what: Kind;
  readonly source: { readonly place: StorePlace } | { readonly url: string; readonly key: string | undefined };
  readonly format?: 'csv' | 'ndjson';
  readonly out?: string;
  readonly after?: string;
}

/** Where values come from. Each may be asked for more than once, and gives the same order each time. */
interface Source extends AsyncDisposable {
  items(): AsyncIterable<readonly SheetValue[]>;
  levels(): AsyncIterable<readonly SheetValue[]>;
  locations(): AsyncIterable<readonly SheetValue[]>;
  facts(after: string | undefined): AsyncIterable<{ readonly events: readonly object[]; readonly cursor: string }>;
}

/** Writes what was asked for. Gives the exit code: 2 where it could not be done. */
export async function exportCommand(options: ExportOptions, err: NodeJS.WritableStream): Promise<number> {
  try {
    await using source = await openSource(options.source);
    const to = options.out === undefined ? process.stdout : createWriteStream(options.out);
    await pipeline(Readable.from(textOf(options, source, err)), to, { end: options.out !== undefined });
    return 0;
  } catch (error) {
    // Whoever read us has seen enough, as `head` does.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return 0;
    if (!isProblem(error) && !(error instanceof HoldfastUnreachable) && !(error instanceof Error && 'syscall' in error)) throw error;
    err.write(`holdfast: ${error.message}\n`);
    return 2;
  }
}

async function* textOf({ what, format = 'csv', after }: ExportOptions, source: Source, err: NodeJS.WritableStream): AsyncGenerator<string> {
  if (what === 'facts') {
    yield* factsText(source, after, err);
    return;
  }
  const writer = format === 'ndjson' ? ndjson : await writerFor(what, source);
  yield writer.header;
  for await (const values of source[what]()) yield values.map((value) => writer.line(value)).join('');
}

async function* factsText(source: Source, after: string | undefined, err: NodeJS.WritableStream): AsyncGenerator<string> {
  let cursor = after;
  for await (const page of source.facts(after)) {
    cursor = page.cursor;
    if (page.events.length > 0) yield page.events.map((event) => `${JSON.stringify(event)}\n`).join('');
  }
  err.write(`go on with --after ${cursor ?? 'earliest'}\n`);
}

async function writerFor(what: Exclude<Kind, 'facts'>, source: Source): Promise<SheetWriter> {
  switch (what) {
    case 'items':
      return csv(await columnsFor(source));
    case 'levels':
      return csv(levelColumns);
    case 'locations':
      return csv(locationColumns);
    default:
      return what satisfies never;
  }
}

/** A table has one header: which attributes, channels and further members there are takes a look at every item. */
async function columnsFor(source: Source): Promise<ReturnType<typeof itemColumns>> {
  const [attributes, channels, others] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for await (const items of source.items()) {
    for (const item of items) {
      for (const key of Object.keys(item['attributes'] ?? {})) attributes.add(key);
      for (const key of Object.keys(item['channelBuffers'] ?? {})) channels.add(key);
      for (const member of Object.keys(item)) if (!ITEM_MEMBERS.has(member)) others.add(member);
    }
  }
  const sorted = (names: Set<string>): string[] => [...names].toSorted((a, b) => (a < b ? -1 : 1));
  return itemColumns({ attributes: sorted(attributes), channelBuffers: sorted(channels) }, sorted(others));
}

async function openSource(choice: ExportOptions['source']): Promise<Source> {
  return 'url' in choice ? service(choice.url, choice.key) : embedded(choice.place);
}

async function embedded(place: StorePlace): Promise<Source> {
  if (place.engine === 'sqlite' && !existsSync(join(place.directory, 'log.db'))) throw new ConfigError(`there is no store in ${place.directory}; name another directory with --data`);
  const store = await openSettled(place);
  return {
    async *items() {
      for await (const items of storedItems(store)) yield items.map(({ sku, definition }) => ({ sku, ...definition }));
    },
    async *levels() {
      for await (const items of storedItems(store)) yield items.flatMap(levelsOf);
    },
    async *locations() {
      yield (await storedLocations(store)).map(({ id, name, rank, lat, lon, active }) => ({ location: id, name, rank, ...(lat === undefined ? undefined : { lat, lon }), active }));
    },
    facts: (after) => storedFacts(store, after),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

/** What counting everything would find. Buckets beside the sellable one are left out where they are empty. */
function levelsOf({ sku, levels }: { readonly sku: string; readonly levels: Iterable<readonly [string, { readonly onHand: number; readonly damaged: number; readonly qualityControl: number }]> }): SheetValue[] {
  const places = [...levels].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return places.flatMap(([location, { onHand, damaged, qualityControl }]) => [
    { sku, location, bucket: 'sellable', count: onHand },
    ...(damaged === 0 ? [] : [{ sku, location, bucket: 'damaged', count: damaged }]),
    ...(qualityControl === 0 ? [] : [{ sku, location, bucket: 'qualityControl', count: qualityControl }]),
  ]);
}

const PAGE = 500;

function service(url: string, key: string | undefined): Source {
  if (key === undefined || key === '') throw new ConfigError('a service at --url needs --key, or HOLDFAST_KEY');
  const client = new HoldfastClient({ baseUrl: url, key });
  return {
    async *items() {
      for (let cursor: string | undefined; ; ) {
        const page = await client.items.list({ limit: PAGE, ...(cursor === undefined ? undefined : { cursor }) });
        yield page.items.map(({ version: _, ...item }) => item);
        if (page.nextCursor === null) return;
        cursor = page.nextCursor;
      }
    },
    levels: () => {
      throw new ConfigError('levels by place and bucket are read from the store itself: leave out --url');
    },
    async *locations() {
      for (let cursor: string | undefined; ; ) {
        const page = await client.locations.list({ limit: PAGE, ...(cursor === undefined ? undefined : { cursor }) });
        yield page.items.map(({ id, version: _, ...location }) => ({ location: id, ...location }));
        if (page.nextCursor === null) return;
        cursor = page.nextCursor;
      }
    },
    async *facts(after) {
      for (let cursor = after ?? 'earliest'; ; ) {
        const page = await client.eventsPage({ after: cursor, limit: PAGE });
        yield page;
        if (page.events.length === 0) return;
        cursor = page.cursor;
      }
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}
