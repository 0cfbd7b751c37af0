import { passing } from '../base/crash-points.ts';
import type { Beside, Store } from '../store/store.ts';
import { ANSWER_RETENTION_MS, PROJECTION_EVENTS_PER_STEP } from './limits.ts';
import { Projector } from './projector.ts';
import type { Room } from './room.ts';

/**
 * Makes all saved states and views again from the log, beside those that answer meanwhile:
 *
 *     begin ──► step, step, … until nothing is new ──► adopt: from now on the new ones answer
 *
 * Disposing of it before it was adopted throws away what was made.
 */
export class Rebuild implements AsyncDisposable {
  readonly #store: Store;
  readonly #beside: Beside;
  readonly #projector: Projector;
  #total = 0;

  private constructor(store: Store, beside: Beside, projector: Projector) {
    this.#store = store;
    this.#beside = beside;
    this.#projector = projector;
  }

  static async begin({ store, room, nowMs, factsPerStep = PROJECTION_EVENTS_PER_STEP }: { store: Store; room: Room<never>; nowMs: number; factsPerStep?: number }): Promise<Rebuild> {
    const beside = await store.projections.beside();
    const { projections } = beside;
    const projector = new Projector({ store: { log: store.log, projections }, room, answersFromMs: nowMs - ANSWER_RETENTION_MS, factsPerStep, saving: 'beside the next' });
    const rebuild = new Rebuild(store, beside, projector);
    await projector.start();
    await rebuild.#look();
    return rebuild;
  }

  /** Commits folded, and how many there are. */
  get progress(): { readonly done: number; readonly total: number } {
    return { done: sum(this.#projector.reached), total: this.#total };
  }

  /** Facts folded. */
  get facts(): number {
    return this.#projector.folded;
  }

  get checkpoints(): readonly number[] {
    return this.#projector.checkpoints;
  }

  /** Folds some facts; false where none was new. */
  async step(): Promise<boolean> {
    if (await this.#projector.step()) return true;
    await this.#look();
    return false;
  }

  /** Makes them the live ones. To be called when they are as far as those that are. */
  async adopt(): Promise<void> {
    passing('rebuild.adopt');
    await this.#beside.adopt();
    await this.#store.projections.reopen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#beside[Symbol.asyncDispose]();
  }

  async #look(): Promise<void> {
    this.#total = sum(await this.#store.log.heads());
  }
}

function sum(positions: readonly number[]): number {
  return positions.reduce((all, position) => all + position, 0);
}
