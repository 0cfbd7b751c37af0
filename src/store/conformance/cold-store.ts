import { describe, expect, test } from 'vitest';
import type { ColdStore } from '../store.ts';

export interface ColdHarness {
  /** A fresh, empty place. */
  place(): Promise<string>;
  open(place: string): ColdStore;
  discard(place: string): Promise<void>;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (body: Uint8Array | undefined): string | undefined => (body === undefined ? undefined : new TextDecoder().decode(body));

/** The promises of `cold-store.ts` as tests that every engine of cold storage runs. */
export function coldStoreConformance(name: string, harness: ColdHarness): void {
  const withStore = (body: (store: ColdStore, place: string) => Promise<void>) => async () => {
    const place = await harness.place();
    try {
      await body(harness.open(place), place);
    } finally {
      await harness.discard(place);
    }
  };

  describe(`${name} keeps the promises of cold storage`, () => {
    test('an empty place lists and gives nothing, and deleting nothing is no mistake', withStore(async (store) => {
      expect(await store.list('')).toEqual([]);
      expect(await store.list('0001/')).toEqual([]);
      expect(await store.get('0001/a.zst')).toBeUndefined();
      await store.delete('0001/a.zst');
      expect(store.place).not.toBe('');
    }));

    test('what was put is given whole, in parts, and to whoever opens the place again', withStore(async (store, place) => {
      await store.put('0001/a.zst', bytes('0123456789'));
      for (const opened of [store, harness.open(place)]) {
        expect(textOf(await opened.get('0001/a.zst'))).toBe('0123456789');
        expect(textOf(await opened.get('0001/a.zst', { from: 3, length: 4 }))).toBe('3456');
        expect(textOf(await opened.get('0001/a.zst', { from: 8, length: 4 }))).toBe('89');
        expect(textOf(await opened.get('0001/a.zst', { from: 10, length: 4 }))).toBe('');
        expect(textOf(await opened.get('0001/a.zst', { from: 99, length: 4 }))).toBe('');
      }
    }));

    test('an object may be empty, large, and of any bytes', withStore(async (store) => {
      const large = Uint8Array.from({ length: 3_000_000 }, (_, index) => (index * 31) % 256);
      await store.put('large', large);
      await store.put('empty', bytes(''));
      expect(Buffer.from((await store.get('large')) ?? []).equals(large)).toBe(true);
      expect((await store.get('empty'))?.length).toBe(0);
      expect(await store.list('')).toEqual([{ name: 'empty', bytes: 0 }, { name: 'large', bytes: 3_000_000 }]);
    }));

    test('a list has the objects of a prefix in the order of their names, in folders and out of them', withStore(async (store) => {
      for (const one of ['0002/b.zst', 'archive.json', '0001/b.zst', '0001/a.zst', '0010/c.zst']) await store.put(one, bytes(one));
      expect((await store.list('')).map((object) => object.name)).toEqual(['0001/a.zst', '0001/b.zst', '0002/b.zst', '0010/c.zst', 'archive.json']);
      expect(await store.list('0001/')).toEqual([{ name: '0001/a.zst', bytes: 10 }, { name: '0001/b.zst', bytes: 10 }]);
      expect((await store.list('0001/b')).map((object) => object.name)).toEqual(['0001/b.zst']);
      expect((await store.list('00')).map((object) => object.name)).toEqual(['0001/a.zst', '0001/b.zst', '0002/b.zst', '0010/c.zst']);
    }));

    test('putting the same again changes nothing, and many at once do not disturb each other', withStore(async (store) => {
      const names = Array.from({ length: 20 }, (_, n) => `0003/${n % 5}.zst`);
      await Promise.all(names.map((one) => store.put(one, bytes(`object ${one}`))));
      expect((await store.list('0003/')).map((object) => object.name)).toEqual(['0003/0.zst', '0003/1.zst', '0003/2.zst', '0003/3.zst', '0003/4.zst']);
      for (const one of names) expect(textOf(await store.get(one))).toBe(`object ${one}`);
    }));

    test('what was deleted is gone, and nothing else', withStore(async (store, place) => {
      await store.put('0001/a.zst', bytes('a'));
      await store.put('0001/b.zst', bytes('b'));
      await store.delete('0001/a.zst');
      await store.delete('0001/a.zst');
      expect(await store.get('0001/a.zst')).toBeUndefined();
      expect((await harness.open(place).list('')).map((object) => object.name)).toEqual(['0001/b.zst']);
    }));

    test('a name that leads out of the place, or hides in it, is a bug of the caller', withStore(async (store) => {
      for (const wrong of ['../a', 'a/../b', '/a', 'a//b', '', '.a', 'a/.b', 'A', 'a b', 'a\\b']) {
        await expect(async () => store.put(wrong, bytes('x'))).rejects.toThrow('not a name of an object');
        await expect(async () => store.get(wrong)).rejects.toThrow('not a name of an object');
      }
    }));
  });
}
