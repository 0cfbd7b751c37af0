import { describe, expect, test } from 'vitest';
import { handClock } from '../../base/clock.ts';
import { ids } from '../../base/ids.ts';
import { seededRandom } from '../../base/random.ts';
import { openMemory, type MemoryStore } from '../../engines/memory/memory.ts';
import { Consumer, Engine } from '../../runtime/runtime.ts';
import { rooms, type Command } from '../rooms.ts';
import { BundleThresholds } from './bundle-thresholds.ts';

const define = (sku: string, definition: object): Command => ({ type: 'DefineItem', sku, mode: 'replace', definition: { ...definition } });
const receive = (sku: string, change: number): Command => ({ type: 'AdjustStock', sku, location: 'main', bucket: 'sellable', change, reason: 'received' });
const hold = (sku: string, quantity: number, ttlSeconds = 900): Command => ({ type: 'ReserveStock', lines: [{ sku, quantity }], ttlSeconds });
const bundle = (sku: string, components: Readonly<Record<string, number>>, more: object = {}): Command => define(sku, { components: Object.entries(components).map(([part, quantity]) => ({ sku: part, quantity })), ...more });

/** A shop with its consumer, and what it said of bundles. */
class Shop implements AsyncDisposable {
  readonly clock = handClock();
  readonly store: MemoryStore;
  readonly engine: Engine<Command>;
  readonly #listener: BundleThresholds;
  readonly #consumer: Consumer;
  #told = 0;

  constructor(store: MemoryStore = openMemory({ partitions: 3 })) {
    this.store = store;
    this.engine = new Engine<Command>({ store, room: rooms, clock: this.clock, random: seededRandom(1), ids: ids(seededRandom(1)), alone: true });
    this.#listener = new BundleThresholds({ engine: this.engine, clock: this.clock });
    this.#consumer = new Consumer({ store, engine: this.engine, clock: this.clock, holder: 'one', listener: this.#listener });
  }

  async open(): Promise<this> {
    await this.engine.start();
    this.#consumer.start();
    return this;
  }

  /** Does all this, one after another, and gives what was then said of bundles: which way, the threshold, what is available, and to which channel. */
  async after(...commands: readonly Command[]): Promise<(string | number)[][]> {
    for (const command of commands) expect(await this.engine.execute(command)).toMatchObject({ ok: true });
    await this.settle();
    const said: (string | number)[][] = [];
    for (let log = 0; log < this.store.partitions; log++) {
      for await (const { events } of this.store.log.read(log, 0)) {
        for (const { type, key, data } of events as unknown as { type: string; key: string; data: { direction: string; threshold: number; available: number; channel?: string } }[]) {
          if (type === 'inventory.threshold.crossed' && key.startsWith('i/bundle')) said.push([data.direction, data.threshold, data.available, ...(data.channel === undefined ? [] : [data.channel])]);
        }
      }
    }
    return said.slice(this.#told, (this.#told = said.length));
  }

  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; ) {
      await this.#consumer.settled();
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#listener.isIdle ? quiet + 1 : 0;
    }
  }

  save(): Promise<void> {
    return this.#consumer.save();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#consumer[Symbol.asyncDispose]();
    this.#listener.standBy();
    await this.engine.close();
  }
}

const lamp = [define('shade', { thresholds: [] }), define('foot', { thresholds: [] }), bundle('bundle', { shade: 1, foot: 2 }, { thresholds: [0, 3] })];

describe('thresholds of a bundle', () => {
  test('are told of once per crossing, whichever component moved', async () => {
    await using shop = await new Shop().open();
    expect(await shop.after(...lamp, receive('shade', 5), receive('foot', 10))).toEqual([]);
    expect(await shop.after(hold('foot', 3))).toEqual([['down', 3, 3]]);
    expect(await shop.after(receive('shade', 20))).toEqual([]);
    expect(await shop.after(hold('bundle', 3))).toEqual([['down', 0, 0]]);
    expect(await shop.after(receive('foot', 8))).toEqual([['up', 0, 4], ['up', 3, 4]]);
  });

  test('follow a hold that ran out, a bundle in the bundle, and what the bundle is made of by now', async () => {
    await using shop = await new Shop().open();
    await shop.after(...lamp, receive('shade', 5), receive('foot', 10), define('spare', { thresholds: [] }), receive('spare', 9), bundle('bundle of bundles', { bundle: 2, spare: 1 }, { thresholds: [1] }));
    const { answer } = (await shop.engine.execute(hold('shade', 3, 60))) as unknown as { answer: { id: string } };
    expect(await shop.after()).toEqual(expect.arrayContaining([['down', 3, 2], ['down', 1, 1]]));
    shop.clock.advance(60_000);
    expect(await shop.after({ type: 'ExpireReservation', id: answer.id })).toEqual(expect.arrayContaining([['up', 3, 5], ['up', 1, 2]]));
    expect(await shop.after(bundle('bundle', { spare: 3 }, { thresholds: [0, 3] }))).toEqual(expect.arrayContaining([['down', 3, 3], ['down', 1, 1]]));
  });

  test('are told of for each channel that something is withheld from of a component', async () => {
    await using shop = await new Shop().open();
    await shop.after(define('shade', { channelBuffers: { web: 2 } }), define('foot', {}), bundle('bundle', { shade: 1, foot: 1 }), receive('shade', 4), receive('foot', 9));
    expect(await shop.after(hold('shade', 2))).toEqual([['down', 0, 0, 'web']]);
    expect(await shop.after(hold('shade', 2))).toEqual([['down', 0, 0]]);
    expect(await shop.after(receive('shade', 9))).toEqual([['up', 0, 9], ['up', 0, 7, 'web']]);
  });

  test('are crossed by nothing where they are new, and forgotten with the bundle', async () => {
    await using shop = await new Shop().open();
    await shop.after(...lamp, receive('shade', 5), receive('foot', 10));
    expect(await shop.after(bundle('bundle', { shade: 1, foot: 2 }, { thresholds: [0, 4, 9] }))).toEqual([]);
    expect(await shop.after(hold('shade', 1))).toEqual([['down', 4, 4]]);
    expect(await shop.after({ type: 'RemoveItem', sku: 'bundle' }, hold('shade', 4))).toEqual([]);
  });

  test('that were crossed before a crash are told of after it', async () => {
    const crashed = await new Shop().open();
    await crashed.after(...lamp, receive('shade', 5), receive('foot', 10));
    await crashed.save();
    await crashed.engine.execute(hold('shade', 5));
    const store = openMemory({ from: crashed.store.crash(seededRandom(2)) });
    await crashed[Symbol.asyncDispose]();
    await using shop = await new Shop(store).open();
    expect(await shop.after()).toEqual([['down', 3, 0], ['down', 0, 0]]);
  });
});
