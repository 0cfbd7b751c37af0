import type { Clock } from '../base/clock.ts';

/** How long a part waits for those before it: they are some milliseconds behind, or they are not coming. */
export const TURN_WAIT_MS = 1_000;

/** One import while parts of it are under way. */
interface Line {
  /** The last line of the file that was handed to the engine, or stored before. */
  begun: number;
  parts: number;
  readonly waiting: Set<{ readonly after: number; readonly go: () => void }>;
}

/**
 * Brings the parts of an import into their order, where several are under way: over several connections a later one may
 * be here first. It only saves trouble: a part that is out of turn is refused by the decision itself.
 */
export class ImportTurns {
  readonly #clock: Clock;
  readonly #lines = new Map<string, Line>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins a part once all lines up to `after` were begun; after a while anyway, so that it hears how far the import is. `stored` is how far that was when it was looked up. */
  async take<T>({ importId, after, upTo }: { importId: string; after: number; upTo: number }, stored: number, begin: () => Promise<T>): Promise<T> {
    const line = this.#enter(importId, stored);
    try {
      if (after > line.begun) await this.#turn(line, after);
      const done = begin();
      this.#moveTo(line, upTo);
      return await done;
    } finally {
      if (--line.parts === 0) this.#lines.delete(importId);
    }
  }

  #enter(importId: string, stored: number): Line {
    let line = this.#lines.get(importId);
    if (!line) this.#lines.set(importId, (line = { begun: 0, parts: 0, waiting: new Set() }));
    line.parts++;
    this.#moveTo(line, stored);
    return line;
  }

  #turn(line: Line, after: number): Promise<void> {
    return new Promise((resolve) => {
      const one = {
        after,
        go: () => {
          line.waiting.delete(one);
          callOff();
          resolve();
        },
      };
      const callOff = this.#clock.after(TURN_WAIT_MS, one.go);
      line.waiting.add(one);
    });
  }

  #moveTo(line: Line, begun: number): void {
    line.begun = Math.max(line.begun, begun);
    for (const { after, go } of line.waiting) if (after <= line.begun) go();
  }
}
