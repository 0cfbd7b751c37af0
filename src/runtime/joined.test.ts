import { describe, expect, test } from 'vitest';
import { accepted } from '../base/decision.ts';
import { handClock } from '../base/clock.ts';
import { ids } from '../base/ids.ts';
import { seededRandom } from '../base/random.ts';
import { openMemory } from '../engines/memory/memory.ts';
import { Engine } from './engine.ts';
import { joined } from './joined.ts';
import { Projector } from './projector.ts';
import type { Room } from './room.ts';
import { boxes, boxKey, type Box } from './testing.ts';

/** Bells that ring: another room with a letter, a command and a fact of its own. */
interface Ring {
  readonly type: 'Strike';
  readonly bell: string;
}
const bells: Room<Ring> = {
  ...(boxes as never as Room<Ring>), // its members are replaced where they speak of boxes
  name: 'bells',
  form: 'bells-1',
  owns: { keys: 'e', commands: ['Strike'], facts: 'bell.' },
  decide({ bell }, world, { now }) {
    world.get(`e/${bell}`); // whatever a fact folds into has to be at hand
    return accepted([{ type: 'bell.struck', key: `e/${bell}`, time: now, data: {} }], 'ding');
  },
  keysOf: ({ key }) => [key],
  evolve: ({ key }, states) => states.set(key, ((states.get(key) as number | undefined) ?? 0) + 1),
  births: { ...boxes.births, evolveApart: ({ key }, states) => states.set(key, ((states.get(key) as number | undefined) ?? 0) + 1) },
  dueOf: () => null,
  views: {
    tables: [{ name: 'struck', columns: [{ name: 'id', type: 'text' }], primaryKey: ['id'] }],
    before: () => undefined,
    rows: () => undefined,
    facts: (_, events, rows) => events.forEach(({ key, type }) => rows.upsert('struck', [`${type} ${key}`])),
  },
};

describe('joined rooms', () => {
  test('take the commands of each, fold the facts of each, and lay out the views of each', async () => {
    const store = openMemory({ partitions: 2 });
    const random = seededRandom(1);
    const room = joined(boxes, bells);
    const engine = new Engine({ store, room, clock: handClock(), random, ids: ids(random) });
    await engine.start();
    await Promise.all([engine.execute({ type: 'Put', box: 'a', units: 2 }), engine.execute({ type: 'Strike', bell: 'a' }), engine.execute({ type: 'Strike', bell: 'a' }, { once: { key: 'k/1', fingerprint: 'f' } })]);
    const seen = await engine.read((world) => [(world.get(boxKey('a')) as Box).units, world.get('e/a')]);
    expect(seen).toEqual([2, 2]);
    const projector = new Projector({ store, room: room as never });
    await projector.start();
    await projector.catchUp();
    const log = room.logOf('e/a', 2);
    expect((await store.projections.loadStates(log, ['e/a', boxKey('a')])).bodies.get('e/a')).toBe('2');
    expect(await store.projections.sql.selectFrom('struck').selectAll().execute()).toEqual([{ id: 'bell.struck e/a' }]);
    await engine.close();
  });

  test('are of another form when one of them is', () => {
    expect(joined(boxes, bells).form).not.toBe(joined(boxes, { ...bells, form: 'bells-2' }).form);
  });

  test('refuse two that claim the same letter, command or name of facts', () => {
    const other = (owns: Partial<Room<Ring>['owns']>): Room<Ring> => ({ ...bells, owns: { ...bells.owns, ...owns } });
    expect(() => joined(boxes, other({ keys: 'xb' }))).toThrow('keys that begin with b');
    expect(() => joined(boxes, other({ commands: ['Take'] }))).toThrow('both take Take');
    expect(() => joined(boxes, other({ facts: 'box.' }))).toThrow('facts named box.');
  });

  test('say of a stranger that nobody knows it', () => {
    const room = joined(boxes, bells);
    expect(() => room.logOf('z/1', 2)).toThrow('no room has the key z/1');
    expect(() => room.evolve({ type: 'moon.rose', key: 'e/a', time: 0, data: {} }, { get: () => undefined, set: () => undefined })).toThrow('no room has facts of type moon.rose');
  });
});
