import { Fault } from '../../base/errors.ts';
import type { Store } from '../../store/store.ts';

/** The setting that lies in a target until all is there. */
export const NOTE = 'migration';

/** Puts the note into an empty target, or finds the one of a migration that was cut off. */
export async function beginMigration(source: Store, target: Store): Promise<void> {
  if ((await target.settings.get(NOTE)) !== undefined) return;
  const heads = await target.log.heads();
  const used = heads.some((head) => head > 0) || (await target.settings.list('')).length > 0 || (await target.queue.queues()).length > 0;
  if (used) throw new Fault('unavailable', 'the target has something in it already: migrate into an empty directory or an empty schema', { retry: 'never' });
  await target.settings.swap(NOTE, undefined, { from: source.engine, heads: await source.log.heads() });
}

export async function endMigration(target: Store): Promise<void> {
  const note = await target.settings.get(NOTE);
  await target.settings.swap(NOTE, note, undefined);
}

/** A store that is there in part answers nothing. */
export async function refuseUnfinished({ settings }: Store): Promise<void> {
  if ((await settings.get(NOTE)) === undefined) return;
  throw new Fault('unavailable', 'a migration into this store was cut off: run holdfast migrate again, or begin with an empty one', { retry: 'never' });
}
