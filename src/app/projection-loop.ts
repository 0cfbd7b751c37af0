import { setTimeout as sleep } from 'node:timers/promises';
import { Fault, isFault } from '../base/errors.ts';
import type { Rebuilding } from '../http/http.ts';
import { rooms } from '../processes/processes.ts';
import { Projector, Rebuild } from '../runtime/runtime.ts';
import type { Store } from '../store/store.ts';

/** How long a holder of the projector's lease may be silent before another node takes over. */
const LEASE_MS = 3_000;
const RENEW_MS = 1_000;
/** Between looks at what another node has projected. */
const WATCH_MS = 200;
/**
 * After a step the views rest this many times as long as it took, so that on a busy machine shoppers get the processor
 * first, and so that what comes in meanwhile is folded together: the more at a time, the less a fact costs.
 */
const REST_FACTOR = 3;
const REST_MAX_MS = 1_000;
/** Views further behind than this, in facts, do not rest: what they have not saved stays in memory. */
const BEHIND_MAX = 200_000;
/** Nor do they while somebody waits for them. */
const HURRY_MS = 500;
const AFTER_FAULT_MS = 500;

export interface ProjectionLoop {
  /** There may be something new. */
  advance(): void;
  /** Somebody waits for the views. */
  hurry(): void;
  /** Everything is to be made again, beside what goes on answering. */
  rebuild(): void;
  close(): Promise<void>;
}

/** When a step began and ended, in milliseconds since 1970 with fractions: threads count by clocks of their own. */
export interface Step {
  readonly beganMs: number;
  readonly endedMs: number;
}

export interface ProjectionEvents {
  /** `step`: what brought the views there, where they were moved by this very loop. */
  progress(checkpoints: readonly number[], step?: Step): void;
  rebuilding(status: Rebuilding): void;
  /** Others than before answer now. */
  switched(): void;
  /** A fault that did not go away by trying again; the loop has ended. */
  failed(error: unknown): void;
}

const room = rooms as never; // it folds and never decides
export const IDLE: Rebuilding = { state: 'idle', done: 0, total: 0 };

async function startProjector(store: Store): Promise<Projector> {
  const projector = new Projector({ store, room });
  await projector.start();
  return projector;
}

/**
 * States and views that were saved in another form than this version's are of no use to it: they are made again before
 * anything is decided. Until then the old ones stay as they are, so that a version that knows them can be started again.
 */
async function renewForm(store: Store, mayRun: () => Promise<boolean>, events: ProjectionEvents): Promise<void> {
  if (!(await isOfAnotherForm(store))) return;
  if (!(await mayRun())) throw new Fault('unavailable', 'the views were saved by another version, and another node works on them: stop it first', { retry: 'later' });
  await using rebuild = await Rebuild.begin({ store, room, nowMs: Date.now() });
  while (await rebuild.step()) {
    events.rebuilding({ state: 'running', ...rebuild.progress });
    if (!(await mayRun())) throw new Fault('unavailable', 'another node has taken over the views', { retry: 'later' });
  }
  await rebuild.adopt();
  events.switched();
  events.rebuilding(IDLE);
}

export async function isOfAnotherForm({ projections }: Store): Promise<boolean> {
  const form = await projections.form();
  if (form === rooms.form) return false;
  return form !== undefined || (await projections.checkpoints('states')).some((position) => position > 0);
}

/** Runs the projector for as long as it is open: on one node at a time where several share a store. */
export async function startProjectionLoop(store: Store, shared: boolean, holder: string, events: ProjectionEvents): Promise<ProjectionLoop> {
  let rebuild: Rebuild | undefined;
  let rebuildWanted = false;
  let closed = false;
  let wake = Promise.withResolvers<void>();
  let hurried = Promise.withResolvers<void>();
  let hurryUntil = 0;
  let renewAt = 0;

  const mayRun = async (): Promise<boolean> => {
    if (!shared) return true;
    const now = Date.now();
    if (now < renewAt) return true;
    const lease = await store.leases.acquire('projector', holder, { ttlMs: LEASE_MS, nowMs: now });
    renewAt = lease ? now + RENEW_MS : 0;
    return lease !== undefined;
  };

  await renewForm(store, mayRun, events);
  let projector = await startProjector(store);
  events.progress(projector.checkpoints);

  /** Some more of it, and the switch where all is done. It is not behind then: the projector stands still meanwhile. */
  const stepRebuild = async (): Promise<boolean> => {
    if (rebuildWanted) rebuild ??= await Rebuild.begin({ store, room, nowMs: Date.now() });
    rebuildWanted = false;
    if (rebuild === undefined) return false;
    if (await rebuild.step()) {
      events.rebuilding({ state: 'running', ...rebuild.progress });
      return true;
    }
    await rebuild.adopt();
    await endRebuild();
    projector = await startProjector(store);
    events.switched();
    events.rebuilding(IDLE);
    return true;
  };

  const endRebuild = async (): Promise<void> => {
    const ended = rebuild;
    rebuild = undefined;
    await ended?.[Symbol.asyncDispose]();
  };

  const abandonRebuild = async (error: unknown): Promise<void> => {
    if (rebuild === undefined && !rebuildWanted) return;
    rebuildWanted = false;
    events.rebuilding({ state: 'failed', done: 0, total: 0, reason: error instanceof Error ? error.message : String(error) });
    try {
      await endRebuild();
    } catch {
      // What is left of it is thrown away when the next begins.
    }
  };

  const turn = async (): Promise<void> => {
    if (!(await mayRun())) {
      await abandonRebuild(new Error('another node works on the views: ask that one'));
      await sleep(WATCH_MS);
      events.progress(await store.projections.checkpoints('states'));
      return;
    }
    const began = performance.now();
    const more = (await projector.step()) || (await stepRebuild());
    if (more) {
      const now = performance.now();
      events.progress(projector.checkpoints, { beganMs: performance.timeOrigin + began, endedMs: performance.timeOrigin + now });
      if (now > hurryUntil && projector.behind < BEHIND_MAX) await Promise.race([hurried.promise, sleep(Math.min(REST_MAX_MS, (now - began) * REST_FACTOR))]);
      return;
    }
    // Said also where nothing was new, because the other side says a second word only after the first was answered.
    events.progress(projector.checkpoints);
    await Promise.race([wake.promise, ...(shared ? [sleep(RENEW_MS)] : [])]);
    wake = Promise.withResolvers();
  };

  const run = async (): Promise<void> => {
    while (!closed) {
      try {
        await turn();
      } catch (error) {
        if (closed) return;
        await abandonRebuild(error);
        // A store that failed to write takes nothing more until it is opened again.
        if (!isFault(error) || error.retry === 'never' || error.code === 'storage-failed') return events.failed(error);
        renewAt = 0;
        await sleep(AFTER_FAULT_MS);
      }
    }
  };
  const running = run();
  return {
    advance: () => wake.resolve(),
    hurry() {
      hurryUntil = performance.now() + HURRY_MS;
      hurried.resolve();
      hurried = Promise.withResolvers();
      wake.resolve();
    },
    rebuild() {
      if (rebuild === undefined) rebuildWanted = true;
      wake.resolve();
    },
    async close() {
      closed = true;
      wake.resolve();
      await running;
      await endRebuild();
    },
  };
}
