import { assert } from '../../base/assert.ts';
import { Fault } from '../../base/errors.ts';
import { encodeEvents, type Commit, type LogId, type LogStore, type Position } from '../../store/store.ts';
import type { Archive } from './archive.ts';
import { SEGMENT_CHARACTERS_MAX } from './limits.ts';
import { SegmentWriter } from './segment.ts';

/** What may be packed; plain data, so that it can be asked of a thread. */
export interface PackRequest {
  readonly log: LogId;
  /** The newest position that may be packed. */
  readonly upTo: Position;
  /** Commits whose facts are all this old: milliseconds, inclusive. */
  readonly beforeMs: number;
  /** A segment that is not full is packed only where its first fact is this old. */
  readonly notFullBeforeMs: number;
  /** Text of a full segment: tests make it small. */
  readonly charactersMax?: number;
}

export interface Packed {
  /** Up to here the log is archived, and what is archived is what the log holds: so far it may be trimmed. */
  readonly archivedTo: Position;
  /** There may be more. */
  readonly more: boolean;
}

/**
 * Packs the commits of a log that are old enough and not archived yet, one segment at the most, and says how far the log
 * may be trimmed. `live` is the log without its archive. Safe to call again, from several nodes, and after a crash at
 * any moment: a segment's name follows from what is in it.
 */
export async function packSome(live: LogStore, archive: Archive, request: PackRequest): Promise<Packed> {
  const { log } = request;
  const trimmedTo = await live.trimmedTo(log);
  const before = await archive.reach(log, await archive.deletedTo(log));
  if (before < trimmedTo) throw missing(archive, log, before, trimmedTo);
  const full = await packNext(live, archive, request, before);
  const archivedTo = Math.min(await archive.reach(log, trimmedTo), request.upTo);
  await mustAgree(live, archive, { log, after: trimmedTo, upTo: archivedTo });
  return { archivedTo: Math.max(archivedTo, trimmedTo), more: full };
}

/** Packs what comes after a position; true where that was a full segment. */
async function packNext(live: LogStore, archive: Archive, request: PackRequest, after: Position): Promise<boolean> {
  const { charactersMax = SEGMENT_CHARACTERS_MAX } = request;
  const writer = new SegmentWriter(request.log);
  for await (const commit of live.read(request.log, after)) {
    if (commit.position > request.upTo || timeOf(commit) > request.beforeMs) break;
    await writer.add(commit);
    if (writer.characters >= charactersMax) break;
  }
  const full = writer.characters >= charactersMax;
  if (!full && writer.firstTime > request.notFullBeforeMs) return false;
  const segment = await writer.finish();
  if (segment) await archive.put(segment);
  return full;
}

const timeOf = (commit: Commit): number => commit.events.reduce((latest, { time }) => Math.max(latest, time), 0);

/** What is about to be trimmed is read once more from both: the archive of another history looks like ours until one looks closely. */
async function mustAgree(live: LogStore, archive: Archive, range: { log: LogId; after: Position; upTo: Position }): Promise<void> {
  const { log, after, upTo } = range;
  if (upTo <= after) return;
  const kept = live.read(log, after)[Symbol.asyncIterator]();
  try {
    for await (const archived of archive.read(log, after, upTo)) {
      const { value, done } = await kept.next();
      assert(done !== true, `log ${log} ends before position ${archived.position}, up to which it was to be trimmed`);
      if (value.position !== archived.position || value.token !== archived.token || encodeEvents(value.events) !== encodeEvents(archived.events)) {
        throw new Fault('corrupt', `commit ${archived.position} of log ${log} is another one in ${archive.place} than in the log: the archive is of another history, as after restoring an older backup; restore the archive of the same backup, and nothing is trimmed until then`, { retry: 'never' });
      }
    }
  } finally {
    await kept.return?.();
  }
}

function missing(archive: Archive, log: LogId, reached: Position, trimmedTo: Position): Fault {
  return new Fault('corrupt', `log ${log} was trimmed up to ${trimmedTo}, and ${archive.place} has it up to ${reached} only; put the missing files back before more is archived`, { retry: 'never' });
}
