import { decodeEvents, type Commit, type EventRecord } from '../store/store.ts';
import type { Births as BirthsOfRoom } from './room.ts';

/** A commit with facts that made states, as it is stored. Its instants are those of its decisions. */
interface Cradle {
  readonly position: number;
  readonly from: number;
  readonly to: number;
  readonly body: string;
}

/**
 * States that were made and not asked for since: most reservations are looked at again only after they were saved.
 * Kept as the text of their commits, they cost the garbage collector nothing; as objects in a map they cost a hold a
 * quarter of its time. Whoever asks for one gets all of its commit, as facts, and the commit is not kept any longer.
 */
export class Births {
  readonly #room: BirthsOfRoom;
  readonly #cradles: Cradle[][];

  constructor(room: BirthsOfRoom, logs: number) {
    this.#room = room;
    this.#cradles = Array.from({ length: logs }, () => []);
  }

  /** Keeps a commit that is about to be appended, where it makes states. */
  add({ log, position, events }: Commit, body: string): void {
    if (!events.some((event) => this.#room.keyOf(event) !== undefined)) return;
    const [first, last] = [events[0] as EventRecord, events.at(-1) as EventRecord]; // a commit has facts
    this.#cradles[log]?.push({ position, from: first.time, to: last.time, body });
  }

  /** Gives the commit in which a key's state was made, and forgets it; undefined where none of those kept made it. */
  take(log: number, key: string): Commit | undefined {
    const cradles = this.#cradles[log];
    if (!cradles || cradles.length === 0) return undefined;
    const instant = this.#room.instantOf(key);
    if (instant === undefined || instant > (cradles.at(-1) as Cradle).to || instant < (cradles[0] as Cradle).from) return undefined; // there is one at least
    for (let index = firstUpTo(cradles, instant); index < cradles.length; index++) {
      const { position, from, body } = cradles[index] as Cradle; // within bounds
      if (from > instant) return undefined;
      const events = decodeEvents(body, { log, position });
      if (!events.some((event) => this.#room.keyOf(event) === key)) continue;
      cradles.splice(index, 1);
      return { log, position, token: '', events };
    }
    return undefined;
  }

  /** Forgets what is saved. */
  saved(log: number, upTo: number): void {
    const cradles = this.#cradles[log];
    if (!cradles) return;
    let count = 0;
    while (count < cradles.length && (cradles[count] as Cradle).position <= upTo) count++; // within bounds
    if (count > 0) cradles.splice(0, count);
  }

  /** Forgets everything of a log: it is read again. */
  clear(log: number): void {
    this.#cradles[log] = [];
  }
}

/** The first of the commits, whose instants ascend, that has not ended before an instant. */
function firstUpTo(cradles: readonly Cradle[], instant: number): number {
  let low = 0;
  let high = cradles.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((cradles[middle] as Cradle).to < instant) low = middle + 1; // within bounds
    else high = middle;
  }
  return low;
}
