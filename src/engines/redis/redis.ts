/**
 * Copies in Redis, for shops that read prices without asking us. Each is a hash under a key of its own; a script compares
 * versions and writes in one step, so that whoever comes late never puts back what was. A hash beside them notes which
 * store they are of and how far its log is among them. It knows nothing of prices.
 *
 *     <prefix>price:<SKU>   version, and the fields of the copy
 *     <prefix>prices        store, and the position of each log under its number
 */
import { createClient, defineScript } from 'redis';
import { Fault } from '../../base/errors.ts';
import type { Position, SharedCopies, SharedCopy } from '../../store/store.ts';

export interface RedisOptions {
  /** redis://… or rediss://… */
  readonly url: string;
  /** What all keys begin with: one for each store. */
  readonly prefix: string;
  /** Names the store that the copies are of. */
  readonly source: string;
  readonly partitions: number;
  /** An answer that takes longer is none. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 5_000;
const RECONNECT_MS = 50;
const RECONNECT_MAX_MS = 2_000;
/** Keys looked at and removed in one step, where copies of another history are cleared. */
const CLEAR_STEP = 1_000;

/** KEYS: the copy. ARGV: its version, then fields and values. 1 where it was written. */
const put = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
    local known = tonumber(redis.call('HGET', KEYS[1], 'version') or '-1')
    if known >= tonumber(ARGV[1]) then return 0 end
    redis.call('HSET', KEYS[1], 'version', unpack(ARGV))
    return 1`,
  parseCommand: (parser, key: string, version: number, fields: Readonly<Record<string, string>>) => {
    parser.pushKey(key);
    parser.push(String(version), ...Object.entries(fields).flat());
  },
  transformReply: (reply: unknown) => reply === 1,
});

/** KEYS: the note. ARGV: the store, then logs and positions. 1 where the note is of that store; positions only grow. */
const note = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: `
    if redis.call('HGET', KEYS[1], 'store') ~= ARGV[1] then return 0 end
    for i = 2, #ARGV, 2 do
      if tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '-1') < tonumber(ARGV[i + 1]) then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
    end
    return 1`,
  parseCommand: (parser, key: string, source: string, positions: readonly Position[]) => {
    parser.pushKey(key);
    parser.push(source, ...pairsOf(positions));
  },
  transformReply: (reply: unknown) => reply === 1,
});

/** Returns at once: a server that is away is tried again until this is disposed of. */
export function openRedis(options: RedisOptions): SharedCopies {
  return new RedisCopies(options);
}

function connect(url: string) {
  const reconnectStrategy = (attempts: number): number => Math.min(RECONNECT_MAX_MS, RECONNECT_MS * 2 ** Math.min(attempts, 8));
  return createClient({ url, disableOfflineQueue: true, socket: { connectTimeout: PATIENCE_MS, reconnectStrategy }, scripts: { put, note } });
}

class RedisCopies implements SharedCopies {
  readonly place: string;
  readonly #client: ReturnType<typeof connect>;
  readonly #prefix: string;
  readonly #source: string;
  readonly #partitions: number;
  readonly #patienceMs: number;
  readonly #onBack = new Set<() => void>();

  constructor({ url, prefix, source, partitions, patienceMs = PATIENCE_MS }: RedisOptions) {
    this.place = `Redis at ${new URL(url).host}`;
    this.#prefix = prefix;
    this.#source = source;
    this.#partitions = partitions;
    this.#patienceMs = patienceMs;
    this.#client = connect(url);
    this.#client.on('error', () => undefined); // whoever asks meanwhile is told, and it is tried again
    this.#client.on('ready', () => this.#onBack.forEach((listener) => listener()));
    this.#client.connect().catch(() => undefined); // closed before it was reached
  }

  get #noteKey(): string {
    return `${this.#prefix}prices`;
  }

  async progress(): Promise<readonly Position[] | undefined> {
    const found = await this.#ask(() => this.#client.hGetAll(this.#noteKey));
    if (found['store'] !== this.#source) return undefined;
    return Array.from({ length: this.#partitions }, (_, log) => Number(found[log] ?? 0));
  }

  async noted(): Promise<'none' | 'ours' | 'foreign'> {
    const found = await this.#ask(() => this.#client.hGet(this.#noteKey, 'store'));
    return found === null ? 'none' : found === this.#source ? 'ours' : 'foreign';
  }

  async put(copies: readonly SharedCopy[]): Promise<void> {
    // Sent in one packet; each is a script of its own, so that other readers and writers get in between.
    await this.#ask(() => Promise.all(copies.map(({ name, version, fields }) => this.#client.put(`${this.#prefix}price:${name}`, version, fields))));
  }

  async note(positions: readonly Position[]): Promise<boolean> {
    return this.#ask(() => this.#client.note(this.#noteKey, this.#source, positions));
  }

  async begin(positions: readonly Position[]): Promise<void> {
    await this.#ask(() => this.#client.multi().del(this.#noteKey).hSet(this.#noteKey, ['store', this.#source, ...pairsOf(positions)]).exec());
  }

  async clear(): Promise<void> {
    const pattern = `${this.#prefix.replaceAll(/[*?[\]\\]/g, String.raw`\$&`)}price:*`;
    let cursor = '0';
    do {
      const step = await this.#ask(() => this.#client.scan(cursor, { MATCH: pattern, COUNT: CLEAR_STEP }));
      cursor = step.cursor;
      if (step.keys.length > 0) await this.#ask(() => this.#client.unlink(step.keys));
    } while (cursor !== '0');
    await this.#ask(() => this.#client.unlink(this.#noteKey));
  }

  onBack(listener: () => void): () => void {
    this.#onBack.add(listener);
    return () => void this.#onBack.delete(listener);
  }

  /** Asks, and waits for the answer as long as is reasonable: a server that hangs is one that is away. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${this.#patienceMs} ms`)), this.#patienceMs);
    });
    try {
      return await Promise.race([question(), late]);
    } catch (error) {
      throw new Fault('unavailable', `${this.place}: ${error instanceof Error ? error.message : String(error)}`, { retry: 'later', cause: error });
    } finally {
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.destroy();
  }
}

function pairsOf(positions: readonly Position[]): string[] {
  return positions.flatMap((position, log) => [String(log), String(position)]);
}
