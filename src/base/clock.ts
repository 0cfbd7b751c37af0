/** Time, injected so that any run can be replayed. */
export interface Clock {
  /** Milliseconds since 1970, UTC. Never less than the call before returned. */
  now(): number;
  /** Runs `task` once, `delayMs` or more from now. The returned function calls it off. */
  after(delayMs: number, task: () => void): () => void;
}

/** How fast the clock may follow a wall clock that was stepped: 500 ppm, as NTP slews. */
const SLEW = 0.0005;

/**
 * The machine's time, made safe for expiry. It advances with the monotonic clock and follows steps of the wall
 * clock only by slewing, so that a step of an hour does not expire every hold at once, nor keep it for ever:
 * over a hold of 15 minutes it errs by at most half a second.
 */
export function systemClock(source: { wall(): number; monotonic(): number } = machineTime): Clock {
  let lastMonotonic = source.monotonic();
  let current = source.wall();
  let last = Math.floor(current);
  return {
    now() {
      const monotonic = source.monotonic();
      const elapsed = monotonic - lastMonotonic;
      lastMonotonic = monotonic;
      const drift = source.wall() - (current + elapsed);
      // Up to 50 ms is the wall clock being disciplined: slewing it in would take minutes for no gain.
      const bound = Math.abs(drift) <= 50 ? 50 : elapsed * SLEW;
      current += elapsed + Math.max(-bound, Math.min(bound, drift));
      last = Math.max(last, Math.floor(current));
      return last;
    },
    after(delayMs, task) {
      const timer = setTimeout(task, Math.min(delayMs, 2_147_483_647));
      return () => clearTimeout(timer);
    },
  };
}

const machineTime = { wall: () => Date.now(), monotonic: () => performance.now() };

/** A clock that moves only when told: for tests and the simulation. Due tasks run in the order of their instants. */
export interface HandClock extends Clock {
  /** Moves to `now() + ms`, running what falls due on the way. */
  advance(ms: number): void;
  /** The instant of the next task, if any. */
  nextDue(): number | undefined;
}

export function handClock(start = Date.UTC(2026, 0, 1)): HandClock {
  let current = start;
  let order = 0;
  const tasks = new Map<number, { due: number; order: number; task: () => void }>();
  const earliest = (): { id: number; due: number; task: () => void } | undefined => {
    let best: { id: number; due: number; order: number; task: () => void } | undefined;
    for (const [id, entry] of tasks) {
      if (!best || entry.due < best.due || (entry.due === best.due && entry.order < best.order)) best = { id, ...entry };
    }
    return best;
  };
  return {
    now: () => current,
    after(delayMs, task) {
      const id = ++order;
      tasks.set(id, { due: current + Math.max(0, delayMs), order: id, task });
      return () => void tasks.delete(id);
    },
    advance(ms) {
      const target = current + ms;
      for (let next = earliest(); next && next.due <= target; next = earliest()) {
        tasks.delete(next.id);
        current = Math.max(current, next.due);
        next.task();
      }
      current = target;
    },
    nextDue: () => earliest()?.due,
  };
}

const FORMATTED_MAX = 256; // eight bits of slot
const formattedMs = new Float64Array(FORMATTED_MAX).fill(-1);
const formatted = new Array<string>(FORMATTED_MAX).fill('');

/** RFC 3339 in UTC with milliseconds. Keeps a few answers: the instants of one commit are few and asked for often. */
export function rfc3339(ms: number): string {
  // Spread, because an instant and the one a round number of minutes later would often share their low bits.
  const slot = Math.imul(ms, 0x9e3779b1) >>> 24;
  if (formattedMs[slot] !== ms) {
    formatted[slot] = new Date(ms).toISOString();
    formattedMs[slot] = ms;
  }
  return formatted[slot] ?? '';
}
