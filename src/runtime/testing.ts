/** What tests of the runtime stand on: the smallest room that can go wrong in every way, and a runtime around it. */
import { accepted, refused, type Decision } from '../base/decision.ts';
import { handClock, type HandClock } from '../base/clock.ts';
import { hash32 } from '../base/hash.ts';
import { ids } from '../base/ids.ts';
import type { Json } from '../base/json.ts';
import { seededRandom } from '../base/random.ts';
import type { EventRecord, Store } from '../store/store.ts';
import { Engine, type EngineOptions } from './engine.ts';
import type { Room, States, World } from './room.ts';

/** Boxes with units in them, each with the labels of what was done to it. */
export type BoxCommand =
  | { readonly type: 'Put'; readonly box: string; readonly units: number; readonly label?: string }
  /** Takes from several boxes or from none. */
  | { readonly type: 'Take'; readonly from: readonly string[]; readonly units: number; readonly label?: string }
  | { readonly type: 'Ring'; readonly box: string; readonly at: number }
  | { readonly type: 'Wake'; readonly box: string }
  | { readonly type: 'Mistype' }
  /** Its second fact cannot be folded. */
  | { readonly type: 'Poison'; readonly box: string };

export interface Box {
  units: number;
  labels: string[];
  /** The instant at which it wants to be woken. */
  ringsAt: number | null;
}

export const boxKey = (name: string): string => `b/${name}`;
export const boxOf = (world: World, name: string): Box => (world.get(boxKey(name)) as Box | undefined) ?? { units: 0, labels: [], ringsAt: null };

const changed = (box: string, change: number, label: string, now: number): EventRecord => ({ type: 'box.changed', key: boxKey(box), time: now, data: { change, label } });

function decideBox(command: BoxCommand, world: World, now: number): Decision<EventRecord, Json> {
  switch (command.type) {
    case 'Put': {
      const { units } = boxOf(world, command.box);
      return accepted([changed(command.box, command.units, command.label ?? 'put', now)], units + command.units);
    }
    case 'Take': {
      const empty = command.from.filter((box) => boxOf(world, box).units < command.units);
      if (empty.length > 0) return refused('conflict', 'too-few', `There is not enough in ${empty.join()}.`);
      return accepted(command.from.map((box) => changed(box, -command.units, command.label ?? 'take', now)), 'taken');
    }
    case 'Ring':
      boxOf(world, command.box);
      return accepted([{ type: 'box.rings', key: boxKey(command.box), time: now, data: { at: command.at } }], null);
    case 'Wake': {
      const { ringsAt } = boxOf(world, command.box);
      if (ringsAt === null || ringsAt > now) return accepted([], null);
      return accepted([{ type: 'box.rang', key: boxKey(command.box), time: now, data: { late: now - ringsAt } }], null);
    }
    case 'Mistype':
      return refused('invalid', 'invalid-request', 'That is not a request.');
    case 'Poison':
      boxOf(world, command.box);
      return accepted([changed(command.box, 1000, 'poison', now), { type: 'box.poisoned', key: boxKey(command.box), time: now, data: {} }], null);
    default:
      return command satisfies never;
  }
}

function evolveBox(event: EventRecord, states: States): void {
  const box = (states.get(event.key) as Box | undefined) ?? { units: 0, labels: [], ringsAt: null };
  states.set(event.key, box);
  if (event.type === 'box.poisoned') throw new TypeError('this fact cannot be folded');
  const { change, label, at } = event.data as { change?: number; label?: string; at?: number }; // written by `decideBox`
  box.units += change ?? 0;
  if (label !== undefined) box.labels.push(label);
  if (event.type === 'box.rings') box.ringsAt = at ?? null;
  if (event.type === 'box.rang') box.ringsAt = null;
}

export const boxes: Room<BoxCommand> = {
  form: 'boxes-1',
  name: 'boxes',
  owns: { keys: 'b', commands: ['Put', 'Take', 'Ring', 'Wake', 'Mistype', 'Poison'], facts: 'box.' },
  decide: (command, world, { now }) => decideBox(command, world, now),
  keysOf: (event) => [event.key],
  evolve: evolveBox,
  births: { evolveApart: evolveBox, keyOf: () => undefined, stateOf: () => undefined, dueOf: () => null, instantOf: () => undefined },
  logOf: (key, partitions) => hash32(key) % partitions,
  write: (_, state) => JSON.stringify(state),
  read: (_, body) => JSON.parse(body) as Box,
  dueOf: (_, state) => (state as Box).ringsAt,
  wake: (key) => ({ type: 'Wake', box: key.slice(2) }),
  views: { tables: [], before: () => undefined, rows: () => undefined, facts: () => undefined },
};

/** Two boxes of different logs, so that one command can span both. */
export function boxesOfTwoLogs(partitions: number): [string, string] {
  const other = Array.from({ length: 100 }, (_, n) => `b${n}`).find((name) => boxes.logOf(boxKey(name), partitions) !== boxes.logOf(boxKey('b'), partitions));
  return ['b', other ?? 'b'];
}

export function boxEngine(store: Store, options: Partial<EngineOptions<BoxCommand>> & { seed?: number } = {}): Engine<BoxCommand> {
  const random = seededRandom(options.seed ?? 1);
  return new Engine({ store, room: boxes, clock: handClock(), random, ids: ids(random), ...options });
}

/** Lets everything happen that waits for nothing but its turn. */
export async function turn(times = 12): Promise<void> {
  for (let n = 0; n < times; n++) await new Promise((resolve) => setImmediate(resolve));
}

/** Lets time pass in small steps, and everything happen that it brings. */
export async function pass(clock: HandClock, ms: number): Promise<void> {
  const end = clock.now() + ms;
  await turn();
  while (clock.now() < end) {
    const next = Math.min(end, clock.nextDue() ?? end);
    clock.advance(Math.max(0, next - clock.now()));
    await turn();
  }
}

/** What a promise came to, or 'waiting' where it came to nothing yet. */
export async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  let state: unknown = 'waiting';
  promise.then(
    (answer) => (state = answer),
    (error: unknown) => (state = error),
  );
  await turn();
  return state;
}
