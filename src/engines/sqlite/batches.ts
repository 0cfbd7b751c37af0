/** Calls come in batches, whichever thread runs them: a batch of writes is one transaction, made durable once. */
import type { Bug } from '../../base/assert.ts';
import { isFault, type Fault } from '../../base/errors.ts';
import type { Database } from './database.ts';
import { closedFault, faultOf, isStorageWide, toParts, type FaultParts } from './faults.ts';

/** What one thread can be asked to do, by name. Arguments and results are such as can cross threads. */
export type Operations = { readonly [name: string]: (...args: never[]) => unknown };

export type Call = readonly [id: number, operation: string, args: readonly unknown[]];
export type Answer = readonly [id: number, fault: FaultParts | null, value?: unknown];

/** The far side of a desk: runs batches until it is closed. */
export interface Worker {
  run(calls: readonly Call[]): Answer[];
  /** Milliseconds that it took to make the newest batch durable; undefined where that failed or there was nothing to write. */
  readonly commitMs?: number | undefined;
  close(): void;
}

/** Each read stands alone. */
export function readWorker(operations: Operations, options: { fileOf: (operation: string) => string; close: () => void }): Worker {
  const answer = (call: Call): Answer => {
    try {
      return done(call, perform(operations, call));
    } catch (error) {
      return failed(call, faultOf(error, options.fileOf(call[1])));
    }
  };
  return { run: (calls) => calls.map(answer), close: options.close };
}

/**
 * Runs all calls of a batch in one transaction. A call that refuses (a fault, thrown before it wrote anything) leaves
 * the others alone; one that breaks midway is thrown out and the others run again without it, which costs savepoints
 * nothing on all the days when nothing breaks. When the file or the disk fails, the whole batch has failed.
 */
export function writeWorker(operations: Operations, database: Database, options: { committed?: (calls: readonly Call[]) => void; close: () => void }): Worker {
  let broken: Fault | undefined;
  /**
   * What the kernel could not write or sync once it may claim to have written next time, so never try again; and nothing
   * is added to a file of which a part is known to be damaged.
   */
  const breakOn = (fault: Fault | Bug): void => {
    if (isFault(fault, 'storage-failed') || isFault(fault, 'corrupt')) broken = fault;
  };
  const runAll = (calls: readonly Call[]): Answer[] => {
    let rest = calls;
    const thrownOut: Answer[] = [];
    for (;;) {
      try {
        const answers = database.write(() => rest.map((call) => attempt(operations, call, breakOn)));
        return [...thrownOut, ...answers];
      } catch (error) {
        const fault = faultOf(error instanceof Spoiled ? error.cause : error, database.file);
        if (!(error instanceof Spoiled)) {
          breakOn(fault);
          return [...thrownOut, ...rest.map((call) => failed(call, fault))];
        }
        thrownOut.push(failed(error.call, fault));
        rest = rest.filter((call) => call !== error.call);
      }
    }
  };
  /** The batch is durable whatever comes of this: only what follows may depend on it. */
  const checkpoint = (): void => {
    try {
      database.checkpoint('if large');
    } catch (error) {
      breakOn(faultOf(error, database.file));
    }
  };
  return {
    run(calls) {
      if (broken !== undefined) return calls.map((call) => failed(call, broken ?? closedFault()));
      const answers = runAll(calls);
      if (broken !== undefined) return answers;
      options.committed?.(calls);
      checkpoint();
      return answers;
    },
    get commitMs() {
      return database.commitMs;
    },
    close: options.close,
  };
}

/** A call that broke, perhaps after it had written something. */
class Spoiled extends Error {
  readonly call: Call;

  constructor(call: Call, cause: unknown) {
    super('a call broke', { cause });
    this.call = call;
  }
}

function attempt(operations: Operations, call: Call, onFault: (fault: Fault) => void): Answer {
  try {
    return done(call, perform(operations, call));
  } catch (error) {
    if (isFault(error)) {
      onFault(error);
      return failed(call, error);
    }
    throw isStorageWide(error) ? error : new Spoiled(call, error);
  }
}

function perform(operations: Operations, [, name, args]: Call): unknown {
  const operation = operations[name];
  if (operation === undefined) throw new TypeError(`there is no operation ${name}`);
  return operation(...(args as never[])); // the desk's types let only the operation's own arguments through
}

export function done([id]: Call, value: unknown): Answer {
  return [id, null, value];
}

export function failed([id]: Call, fault: Parameters<typeof toParts>[0]): Answer {
  return [id, toParts(fault)];
}
