import { assert, Bug } from '../base/assert.ts';
import type { Commit, EventRecord } from '../store/store.ts';
import type { Births, Room, Rows, States } from './room.ts';

type CommandOf<R> = R extends Room<infer Command> ? Command : never;
/** A room of which nobody knows here what its commands are. */
type AnyRoom = Room<{ readonly type: string }>;

/**
 * Several rooms as one, for the engine and whoever else folds: a command goes to the room that takes commands of its
 * type, a fact to the room whose facts are named so, a key to the room whose letter it begins with. No room learns of
 * another. Throws where two claim the same.
 */
export function joined<Rooms extends readonly unknown[]>(...given: Rooms): Room<CommandOf<Rooms[number]>> {
  const rooms = given as unknown as readonly AnyRoom[]; // each is a room, and is given commands of its own types only
  const routes = new Routes(rooms);
  const room: AnyRoom = {
    name: rooms.map(({ name }) => name).join('+'),
    owns: { keys: rooms.map(({ owns }) => owns.keys).join(''), commands: rooms.flatMap(({ owns }) => owns.commands), facts: '' },
    form: rooms.map(({ form }) => form).join('+'),
    decide: (command, world, context) => routes.ofCommand(command.type).decide(command, world, context),
    keysOf: (event) => routes.ofFact(event.type).keysOf(event),
    evolve: (event, states) => routes.ofFact(event.type).evolve(event, states),
    births: birthsOf(routes),
    logOf: (key, partitions) => routes.ofKey(key).logOf(key, partitions),
    write: (key, state) => routes.ofKey(key).write(key, state),
    read: (key, body) => routes.ofKey(key).read(key, body),
    dueOf: (key, state) => routes.ofKey(key).dueOf(key, state),
    wake: (key) => routes.ofKey(key).wake(key),
    views: viewsOf(rooms, routes),
  };
  return room as unknown as Room<CommandOf<Rooms[number]>>; // it takes every command that one of its rooms takes
}

/** Who is asked what. */
class Routes {
  readonly #rooms: readonly AnyRoom[];
  readonly #byCommand = new Map<string, AnyRoom>();
  /** By the code of a key's letter. */
  readonly #byLetter: (AnyRoom | undefined)[] = new Array<undefined>(128).fill(undefined);

  constructor(rooms: readonly AnyRoom[]) {
    this.#rooms = rooms;
    for (const room of rooms) this.#enter(room);
  }

  ofCommand(type: string): AnyRoom {
    return this.#byCommand.get(type) ?? nobody(`takes commands of type ${type}`);
  }

  ofKey(key: string): AnyRoom {
    return this.#byLetter[key.charCodeAt(0)] ?? nobody(`has the key ${key}`);
  }

  ofFact(type: string): AnyRoom {
    return this.owning(type) ?? nobody(`has facts of type ${type}`);
  }

  /** undefined: the fact is the runtime's own. */
  owning(type: string): AnyRoom | undefined {
    for (const room of this.#rooms) if (type.startsWith(room.owns.facts)) return room;
    return undefined;
  }

  /** The room of a key, where it is of any. */
  holding(key: string): AnyRoom | undefined {
    return this.#byLetter[key.charCodeAt(0)];
  }

  #enter(room: AnyRoom): void {
    const { keys, commands, facts } = room.owns;
    for (const other of this.#rooms) assert(other === room || !other.owns.facts.startsWith(facts), `${room.name} and ${other.name} both have facts named ${facts}`);
    for (const type of commands) {
      assert(!this.#byCommand.has(type), `${room.name} and ${this.#byCommand.get(type)?.name} both take ${type}`);
      this.#byCommand.set(type, room);
    }
    for (const letter of keys) {
      const code = letter.charCodeAt(0);
      assert(code < this.#byLetter.length && !this.#byLetter[code], `${room.name} and ${this.#byLetter[code]?.name} both have keys that begin with ${letter}`);
      this.#byLetter[code] = room;
    }
  }
}

function nobody(does: string): never {
  throw new Bug(`no room ${does}`);
}

function birthsOf(routes: Routes): Births {
  return {
    evolveApart: (event: EventRecord, states: States) => routes.ofFact(event.type).births.evolveApart(event, states),
    keyOf: (event) => routes.owning(event.type)?.births.keyOf(event),
    stateOf: (event) => routes.ofFact(event.type).births.stateOf(event),
    dueOf: (event) => routes.owning(event.type)?.births.dueOf(event) ?? null,
    instantOf: (key) => routes.holding(key)?.births.instantOf(key),
  };
}

function viewsOf(rooms: readonly AnyRoom[], routes: Routes): AnyRoom['views'] {
  return {
    tables: rooms.flatMap(({ views }) => views.tables),
    before: (key, state) => routes.ofKey(key).views.before(key, state),
    rows: (key, state, before, rows, at) => routes.ofKey(key).views.rows(key, state, before, rows, at),
    facts(at, events, rows: Rows) {
      for (const [room, own] of shared(events, routes)) room.views.facts(at, own, rows);
    },
  };
}

/** The facts of a commit by room: nearly always all of them are one room's. */
function shared(events: Commit['events'], routes: Routes): Iterable<readonly [AnyRoom, Commit['events']]> {
  const byRoom = Map.groupBy(events, ({ type }) => routes.owning(type));
  byRoom.delete(undefined);
  return byRoom as unknown as Map<AnyRoom, Commit['events']>; // what was of no room is taken out
}
