/**
 * How commands become facts, whatever the domain: the engine decides in memory and commits in groups, the projector
 * saves states and lays out views, timers wake what is due, and the queue worker sees to accepted work. None of it
 * knows what stock is; a room says that.
 */
export { ANSWERED, isAnswerKey, remember, type Once, type Outcome, type Remembered } from './answers.ts';
export type { Appended, Settled } from './asked.ts';
export { Engine, type EngineFigures, type EngineOptions, type Health } from './engine.ts';
export { Archive, Archiver, packSome, readThrough, withLog, type ArchiveFigures, type Packed, type PackRequest } from './archive/archive.ts';
export { joined } from './joined.ts';
export { Consumer, type ConsumerOptions, type Listener } from './consumer.ts';
export type { ConsumerRows } from './consumer-rows.ts';
export { Lag } from './lag.ts';
export { Projector } from './projector.ts';
export { Rebuild } from './rebuild.ts';
export { QueueWorker, type QueuedResult } from './queue-worker.ts';
export { Timers } from './timers.ts';
export type { Context, Room, Rows, States, World } from './room.ts';
export { ANSWER_RETENTION_MS, DONE_RETENTION_MS, REBUILD_EVENTS_PER_STEP } from './limits.ts';
