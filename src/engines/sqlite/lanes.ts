import type { Database } from './database.ts';
import { MESSAGE_COLUMNS, type MessageRow } from './message-rows.ts';

/** A message that may be handed out, as it is stored. */
export type Candidate = MessageRow & { readonly seq: number };

/** How much of a lane is looked up at a time: most lanes hold a message or two, a bulk upload may hold thousands. */
const LANE_PAGE = 32;

/** One lane while its messages are merged with those of the others. */
interface LaneWalk {
  readonly lane: string;
  page: Candidate[];
  index: number;
}

/**
 * Finds the oldest messages that may be handed out: a merge of lanes by the order in which messages were put. Lanes
 * come by their first message, so a lane is looked into only when its first message is the next to go.
 */
export function oldestClaimable(connection: Database['connection']): (queue: string, limit: number, nowMs: number) => Candidate[] {
  const awake = connection.prepare('SELECT lane, head FROM lanes WHERE queue = ? AND wake_ms = 0 ORDER BY head');
  const pageOf = connection.prepare(`
    SELECT seq, ${MESSAGE_COLUMNS} FROM messages
    WHERE queue = ? AND lane = ? AND status < 2 AND seq >= ? ORDER BY seq LIMIT ${LANE_PAGE}`);
  const load = (queue: string, lane: string, from: number): Candidate[] =>
    pageOf.all(queue, lane, from) as unknown as Candidate[]; // the columns are those of the interface

  return (queue, limit, nowMs) => {
    const found: Candidate[] = [];
    const walks: LaneWalk[] = [];
    const takeBefore = (bound: number): void => {
      while (found.length < limit) {
        const walk = earliest(walks);
        const message = walk?.page[walk.index];
        if (walk === undefined || message === undefined || message.seq >= bound) return;
        found.push(message);
        step(walk, (from) => load(queue, walk.lane, from));
        if (!mayGo(walk, nowMs)) walks.splice(walks.indexOf(walk), 1);
      }
    };
    if (limit <= 0) return found;
    for (const row of awake.iterate(queue)) {
      const lane = String(row['lane']);
      const head = Number(row['head']);
      takeBefore(head);
      if (found.length >= limit) break;
      const walk = { lane, page: load(queue, lane, head), index: 0 };
      if (mayGo(walk, nowMs)) walks.push(walk);
    }
    takeBefore(Infinity);
    return found;
  };
}

function earliest(walks: readonly LaneWalk[]): LaneWalk | undefined {
  let best: LaneWalk | undefined;
  let bestSeq = Infinity;
  for (const walk of walks) {
    const seq = walk.page[walk.index]?.seq ?? Infinity;
    if (seq < bestSeq) {
      best = walk;
      bestSeq = seq;
    }
  }
  return best;
}

/** The message that the walk stands at may be handed out; where not, all that come after it in its lane wait. */
function mayGo(walk: LaneWalk, nowMs: number): boolean {
  const message = walk.page[walk.index];
  return message !== undefined && message.from_ms <= nowMs;
}

function step(walk: LaneWalk, load: (from: number) => Candidate[]): void {
  const last = walk.page[walk.index];
  walk.index++;
  if (last === undefined || walk.index < walk.page.length || walk.page.length < LANE_PAGE) return;
  walk.page = load(last.seq + 1);
  walk.index = 0;
}
