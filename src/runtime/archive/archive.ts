/**
 * The archive: commits that have become old, packed into segments in cold storage and then trimmed from the log. Each
 * log has a chain of segments from where the policy has deleted to where the live log begins, and beyond where packing
 * was done and trimming was not. The names of the objects are the manifest: a list of them says what is where.
 *
 *     deleted │ archived segments ……………………………………│ live commits ……… │ head
 *     (policy)│ 1 … 4096 │ 4097 … 8000 │ 8001 … 9000 │
 *
 * What belongs to the store and not to the files is one setting: which archive is this store's, and how far the policy
 * has deleted. So a wrong directory, a missing file and a damaged one are told from history that was let go on purpose.
 */
import { must } from '../../base/assert.ts';
import { Fault } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { ColdStore, Commit, LogId, Position, Settings } from '../../store/store.ts';
import { chainOf, reachOf, segmentAt } from './chain.ts';
import { CACHED_CHARACTERS_MAX, CACHED_INDEXES_MAX } from './limits.ts';
import { Recent } from './recent.ts';
import { checkSegment, commitOf, damaged, folderOf, lastOf, parseSegmentName, readBlock, readIndex, type Fetch, type SegmentIndex, type SegmentName } from './segment.ts';

export { Archiver, type ArchiveFigures, type ArchiverOptions } from './archiver.ts';
export { packSome, type Packed, type PackRequest } from './pack.ts';
export { readThrough, withLog } from './through.ts';

/** What the store remembers of its archive. */
interface Claim {
  readonly id: string;
  /** For each log of which the policy has deleted something: up to and including which position. */
  readonly deletedTo: Readonly<Record<string, Position>>;
}

const SETTING = 'archive';
const MARKER = 'archive.json';

/** All archived segments of one log. */
interface Listed {
  readonly all: readonly SegmentName[];
  readonly chain: readonly SegmentName[];
}

export class Archive {
  readonly #cold: ColdStore;
  readonly #settings: Pick<Settings, 'get' | 'swap'>;
  readonly #listed = new Map<LogId, Listed>();
  readonly #indexes = new Recent<Promise<SegmentIndex>>(CACHED_INDEXES_MAX);
  readonly #blocks = new Recent<Promise<readonly string[]>>(CACHED_CHARACTERS_MAX);

  constructor(cold: ColdStore, settings: Pick<Settings, 'get' | 'swap'>) {
    this.#cold = cold;
    this.#settings = settings;
  }

  get place(): string {
    return this.#cold.place;
  }

  /** Whether this store has ever archived something. */
  async isUsed(): Promise<boolean> {
    return (await this.#claim()) !== undefined;
  }

  /** How far the policy has deleted a log: 0 where nothing was. */
  async deletedTo(log: LogId): Promise<Position> {
    return (await this.#claim())?.deletedTo[log] ?? 0;
  }

  /**
   * Makes sure that what is in cold storage is this store's, and marks a fresh place as such. Rejects with a fault that
   * says what to do where the place is another store's, or where this store's is not there.
   */
  async claim(newId: string): Promise<void> {
    const [claim, marker] = [await this.#claim(), await this.#marker()];
    if (claim && claim.id === marker) return;
    if (claim) throw this.#foreign(marker === undefined ? 'it is not there' : 'the one there is of another store');
    if (marker !== undefined && (await this.#cold.list('')).some(({ name }) => name !== MARKER)) throw this.#foreign('the one there is of another store');
    const id = marker ?? newId;
    // The marker first: a crash in between leaves a place that is marked and empty, which anybody may take.
    if (marker === undefined) await this.#cold.put(MARKER, Buffer.from(`${JSON.stringify({ format: 1, id })}\n`));
    const mine: Claim = { id, deletedTo: {} };
    if (!(await this.#settings.swap(SETTING, undefined, mine as unknown as Json))) await this.claim(newId); // plain JSON
  }

  /** How far the commits of a log after a position are archived without a gap. */
  async reach(log: LogId, after: Position): Promise<Position> {
    return reachOf((await this.#refresh(log)).chain, after);
  }

  /** All segments of a log, and those that it is read from in their order, as they are listed now. */
  segments(log: LogId): Promise<{ all: readonly SegmentName[]; chain: readonly SegmentName[] }> {
    return this.#refresh(log);
  }

  /** Stores a segment and reads it back. */
  async put(segment: { readonly name: string; readonly body: Uint8Array }): Promise<void> {
    await this.#cold.put(segment.name, segment.body);
    await this.check(must(parseSegmentName(segment.name, segment.body.length), `${segment.name} is not a segment's name`));
  }

  /** Reads every byte of a segment; rejects with `corrupt` where one of them is not what was written. */
  async check(segment: SegmentName): Promise<SegmentIndex> {
    const body = await this.#cold.get(segment.name);
    if (!body) throw damaged(segment.name, 'it is missing');
    return checkSegment(segment, body);
  }

  async index(segment: SegmentName): Promise<SegmentIndex> {
    return this.#indexes.get(segment.name, 1, () => readIndex(segment, this.#fetchOf(segment.name)));
  }

  /** The archived commits of a log after a position and up to another, in order and without a gap, or a fault that names what is missing. */
  async *read(log: LogId, after: Position, upTo: Position): AsyncGenerator<Commit> {
    let position = after;
    while (position < upTo) {
      const segment = await this.#find(log, position + 1);
      try {
        for await (const commit of this.#readSegment(segment, position, upTo)) {
          yield commit;
          position = commit.position;
        }
      } catch (error) {
        // It may have been deleted between the listing and the reading.
        if (position < (await this.deletedTo(log))) throw historyLost(log, position, await this.deletedTo(log));
        throw error;
      }
    }
  }

  /** The archived commits of a log at some positions, which ascend. */
  async *readAt(log: LogId, positions: readonly Position[]): AsyncGenerator<Commit> {
    for (const position of positions) {
      const segment = await this.#find(log, position);
      try {
        yield await this.#commitAt(segment, position);
      } catch (error) {
        if (position <= (await this.deletedTo(log))) throw historyLost(log, position - 1, await this.deletedTo(log));
        throw error;
      }
    }
  }

  /** Lets go of the oldest segment for ever: first it is written down, then it is deleted. */
  async forget(segment: SegmentName): Promise<void> {
    const claim = must(await this.#claim(), 'an archive that was never used has nothing to forget');
    const deletedTo = { ...claim.deletedTo, [segment.log]: segment.last };
    const noted = await this.#settings.swap(SETTING, claim as unknown as Json, { ...claim, deletedTo }); // plain JSON
    if (!noted) throw new Fault('fenced', 'another node has taken over the archive', { retry: 'later' });
    this.#listed.delete(segment.log);
    await this.#cold.delete(segment.name);
  }

  /** Deletes the object of a segment that nothing is read from. */
  async discard(segment: SegmentName): Promise<void> {
    await this.#cold.delete(segment.name);
  }

  async *#readSegment(segment: SegmentName, after: Position, upTo: Position): AsyncGenerator<Commit> {
    const index = await this.index(segment);
    for (const [number, block] of index.blocks.entries()) {
      const last = Math.min(upTo, lastOf(index, number));
      if (last <= after || block.first > upTo) continue;
      const lines = await this.#block(segment, index, number);
      for (let position = Math.max(block.first, after + 1); position <= last; position++) {
        yield commitOf(must(lines[position - block.first], 'a block has a line for each of its commits'), { log: segment.log, position, name: segment.name });
      }
    }
  }

  async #commitAt(segment: SegmentName, position: Position): Promise<Commit> {
    const index = await this.index(segment);
    const number = index.blocks.findLastIndex(({ first }) => first <= position);
    const { first } = must(index.blocks[number], 'a segment begins with a block');
    const lines = await this.#block(segment, index, number);
    return commitOf(must(lines[position - first], 'a block has a line for each of its commits'), { log: segment.log, position, name: segment.name });
  }

  #block(segment: SegmentName, index: SegmentIndex, number: number): Promise<readonly string[]> {
    const share = Math.ceil(index.characters / index.blocks.length);
    return this.#blocks.get(`${segment.name} ${number}`, share, () => readBlock(segment.name, index, number, this.#fetchOf(segment.name)));
  }

  #fetchOf(name: string): Fetch {
    return async (range) => {
      const bytes = await this.#cold.get(name, range);
      if (!bytes) throw damaged(name, 'it is missing');
      return bytes;
    };
  }

  /** The segment that a position is in, which was trimmed from the log. */
  async #find(log: LogId, position: Position): Promise<SegmentName> {
    const known = this.#listed.get(log);
    const found = (known && segmentAt(known.chain, position)) ?? segmentAt((await this.#refresh(log)).chain, position);
    if (found) return found;
    const deleted = await this.deletedTo(log);
    if (position <= deleted) throw historyLost(log, position - 1, deleted);
    throw new Fault('corrupt', `commit ${position} of log ${log} was archived, and no segment in ${this.place} has it; put the archive's files back, or say with --archive-dir where they are`, { retry: 'never' });
  }

  async #refresh(log: LogId): Promise<Listed> {
    const deleted = await this.deletedTo(log);
    const objects = await this.#cold.list(folderOf(log));
    const all = objects.flatMap(({ name, bytes }) => parseSegmentName(name, bytes) ?? []);
    const listed: Listed = { all, chain: chainOf(all, deleted) };
    this.#listed.set(log, listed);
    return listed;
  }

  async #claim(): Promise<Claim | undefined> {
    return (await this.#settings.get(SETTING)) as unknown as Claim | undefined; // written by this class alone
  }

  async #marker(): Promise<string | undefined> {
    const body = await this.#cold.get(MARKER);
    if (!body) return undefined;
    try {
      const { format, id } = JSON.parse(Buffer.from(body).toString()) as { format: number; id: string }; // looked at below
      if (format === 1 && typeof id === 'string') return id;
    } catch (cause) {
      throw new Fault('corrupt', `${MARKER} in ${this.place} is damaged; put a copy of it from a backup in its place`, { retry: 'never', cause });
    }
    throw new Fault('unavailable', `the archive in ${this.place} was written by a newer Holdfast`, { retry: 'never' });
  }

  #foreign(why: string): Fault {
    return new Fault('unavailable', `${this.place} is not this store's archive: ${why}; say with --archive-dir where this store's is`, { retry: 'later' });
  }
}

export function historyLost(log: LogId, after: Position, deletedTo: Position): Fault {
  return new Fault('history-lost', `log ${log} was deleted from the archive up to position ${deletedTo}, so it cannot be read after ${after}`, { retry: 'never' });
}
