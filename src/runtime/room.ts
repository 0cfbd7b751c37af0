import type { Decision } from '../base/decision.ts';
import type { Ids } from '../base/ids.ts';
import type { Json } from '../base/json.ts';
import type { Cell, EventRecord, Table } from '../store/store.ts';

/** What decisions read. A state that is not at hand is noted, undefined is given, and the decision is made again once it was loaded. */
export interface World {
  readonly partitions: number;
  get(key: string): unknown;
}

/** What decisions may use besides states. */
export interface Context {
  readonly now: number;
  readonly ids: Ids;
}

/** States of a log while facts are folded into them. */
export interface States {
  get(key: string): unknown;
  set(key: string, state: unknown): void;
}

/** Rows that follow from one state or one commit. */
export interface Rows {
  upsert(table: string, row: readonly Cell[]): void;
  delete(table: string, column: string, value: Cell): void;
}

/**
 * Facts that make a state which cannot have been there before and follows from the fact alone, such as a reservation:
 * nobody needs to look for it, and it need not be made before somebody asks for it.
 */
export interface Births {
  /** Folds a fact into the states it concerns, but for the one that it makes. */
  evolveApart(event: EventRecord, states: States): void;
  /** The key of the state that a fact makes, if it makes one. */
  keyOf(event: EventRecord): string | undefined;
  stateOf(event: EventRecord): unknown;
  /** The instant at which that state wants waking, or null. */
  dueOf(event: EventRecord): number | null;
  /** The instant of the fact that made the state, which its key tells; undefined for keys of states that are not made so. */
  instantOf(key: string): number | undefined;
}

export interface Owned {
  /** The letters that its keys begin with; `k` is the runtime's own. */
  readonly keys: string;
  /** The types of its commands. */
  readonly commands: readonly string[];
  /** What the types of its facts begin with, such as `inventory.`. */
  readonly facts: string;
}

/** A domain as the runtime sees it: pure functions from commands to facts, from facts to states, from states to rows. */
export interface Room<Command> {
  readonly name: string;
  /** What is this room's and no other's, so that several can be joined into one. */
  readonly owns: Owned;
  /** Another text whenever saved states or rows of views are another than they were: those of another form are made again. */
  readonly form: string;
  decide(command: Command, world: World, context: Context): Decision<EventRecord, Json>;
  /** The keys of the states that a fact folds into. */
  keysOf(event: EventRecord): string[];
  evolve(event: EventRecord, states: States): void;
  readonly births: Births;
  logOf(key: string, partitions: number): number;
  write(key: string, state: unknown): string;
  read(key: string, body: string): unknown;
  /** The instant at which a state wants {@link wake}, or null. */
  dueOf(key: string, state: unknown): number | null;
  /** The command for a state whose instant has come. */
  wake(key: string): Command;
  readonly views: {
    readonly tables: readonly Table[];
    /** What the rows of a state must remember from before it changes. */
    before(key: string, state: unknown): unknown;
    /** The rows of a state, given what was remembered. `state` undefined: it is gone. `at`: the newest commit that it was folded from, or one after it in its log. */
    rows(key: string, state: unknown, before: unknown, rows: Rows, at: { log: number; position: number; time: number }): void;
    /** The rows that facts leave by themselves: called for each key once a commit. */
    facts(at: { log: number; position: number }, events: readonly EventRecord[], rows: Rows): void;
  };
}
