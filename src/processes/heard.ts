import type { Clock } from '../base/clock.ts';
import { Fault } from '../base/errors.ts';
import type { Engine } from '../runtime/runtime.ts';
import type { Commit, LogId, Position } from '../store/store.ts';
import type { Command } from './rooms.ts';

/** Between looks whether the engine has come as far as the log was heard, and how many: an append takes some milliseconds. */
const LOOK_MS = 5;
const LOOKS_MAX = 50;

/** How far a consumer has heard each log; whoever acts on what it heard first waits until the engine knows of it. */
export class Heard {
  readonly #engine: Pick<Engine<Command>, 'follow' | 'heads'>;
  readonly #clock: Clock;
  readonly #upTo = new Map<LogId, Position>();

  constructor(engine: Pick<Engine<Command>, 'follow' | 'heads'>, clock: Clock) {
    this.#engine = engine;
    this.#clock = clock;
  }

  note({ log, position }: Commit): void {
    this.#upTo.set(log, position);
  }

  clear(): void {
    this.#upTo.clear();
  }

  /** What another process wrote is heard from the store, perhaps before the engine of this one has taken it in. */
  async engineFollows(): Promise<void> {
    for (let look = 0; this.#isEngineBehind(); look++) {
      if (look === LOOKS_MAX) throw new Fault('unavailable', 'the engine has not come as far as the log was heard', { retry: 'soon' });
      if (look === 0) await this.#engine.follow();
      else await new Promise<void>((resolve) => void this.#clock.after(LOOK_MS, resolve));
    }
  }

  #isEngineBehind(): boolean {
    return this.#upTo.entries().some(([log, position]) => position > (this.#engine.heads[log] ?? 0));
  }
}
