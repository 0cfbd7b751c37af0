/**
 * Places in the code at which a proof may end the process, because chance alone seldom hits a moment of microseconds:
 * `HOLDFAST_CRASH_AT=views.apply:3` kills it with SIGKILL when it passes `views.apply` for the third time. Read once at
 * the start; without it a point is a call of an empty function.
 */
export type CrashPoint =
  | 'log.append' // the rows are written and not committed
  | 'log.committed' // they are durable and nobody was told
  | 'log.checkpoint' // the WAL is about to be copied into the database
  | 'views.apply'
  | 'views.committed'
  | 'views.checkpoint'
  | 'queue.put'
  | 'queue.claim'
  | 'queue.finish'
  | 'log.trim'
  | 'archive.packed' // the segments are there and the commits still in the log
  | 'archive.trimmed'
  | 'consumer.save' // facts were heard, and neither what follows from them nor the checkpoint is saved
  | 'consumer.saved'
  | 'import.begun' // a part is with the engine and not durable
  | 'import.taken' // it is durable and nobody was told
  | 'import.told' // the command has the answer and did not count it
  | 'migrate.noted' // the target says that it is being filled
  | 'migrate.commits'
  | 'migrate.messages'
  | 'migrate.settings'
  | 'migrate.compared'
  | 'migrate.views'
  | 'migrate.released'
  | 'rebuild.adopt'; // new views are complete and not yet the ones that answer

export const passing: (point: CrashPoint) => void = armed(process.env['HOLDFAST_CRASH_AT']);

function armed(setting: string | undefined): (point: CrashPoint) => void {
  const [name, count] = (setting ?? '').split(':');
  if (setting === undefined || name === '') return () => undefined;
  let left = Number(count ?? 1);
  return (point) => {
    if (point === name && --left === 0) process.kill(process.pid, 'SIGKILL');
  };
}
