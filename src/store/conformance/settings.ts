import { expect, test } from 'vitest';
import type { Settings } from '../store.ts';
import { onFreshPlace, onFreshStore, type Harness } from './harness.ts';
import { onlyIf } from './lifecycle.ts';

export function settingsPromises(harness: Harness): void {
  const withSettings = (body: (settings: Settings) => Promise<void>) => () => onFreshStore(harness, ({ settings }) => body(settings));

  test('a setting is stored only where the present value is the expected one', withSettings(async (settings) => {
    expect(await settings.get('colour')).toBeUndefined();
    expect(await settings.swap('colour', 'red', 'blue')).toBe(false);
    expect(await settings.get('colour')).toBeUndefined();
    expect(await settings.swap('colour', undefined, 'red')).toBe(true);
    expect(await settings.swap('colour', undefined, 'blue')).toBe(false);
    expect(await settings.swap('colour', 'green', 'blue')).toBe(false);
    expect(await settings.get('colour')).toBe('red');
    expect(await settings.swap('colour', 'red', 'blue')).toBe(true);
    expect(await settings.get('colour')).toBe('blue');
  }));

  test('swapping for nothing removes a setting, where it is as expected', withSettings(async (settings) => {
    await settings.swap('a', undefined, 1);
    expect(await settings.swap('a', 2, undefined)).toBe(false);
    expect(await settings.swap('a', 1, undefined)).toBe(true);
    expect(await settings.get('a')).toBeUndefined();
    expect(await settings.list('')).toEqual([]);
    expect(await settings.swap('a', undefined, undefined)).toBe(true);
    expect(await settings.list('')).toEqual([]);
  }));

  test('any JSON is a value, null too, and equality does not mind the order of members', withSettings(async (settings) => {
    const values = [null, false, 0, '', [], {}, 1.5, 'text "quoted"', { b: [1, { c: null }], a: 'é' }];
    for (const [n, value] of values.entries()) expect(await settings.swap(`v${n}`, undefined, value)).toBe(true);
    for (const [n, value] of values.entries()) expect(await settings.get(`v${n}`)).toEqual(value);
    expect(await settings.swap('v0', undefined, 1)).toBe(false);
    expect(await settings.swap('v0', null, 1)).toBe(true);
    expect(await settings.swap('v8', { a: 'é', b: [1, { c: null }] }, 'found')).toBe(true);
  }));

  test('settings are listed by prefix, which is text and not a pattern', withSettings(async (settings) => {
    for (const name of ['key/a', 'key/b', 'key', 'keyring', 'KEY/c', 'k_y/d', 'k%', 'a key/']) await settings.swap(name, undefined, name);
    const listed = async (prefix: string): Promise<string[]> => {
      const found = await settings.list(prefix);
      expect(found.every(({ name, value }) => name === value)).toBe(true);
      return found.map(({ name }) => name).toSorted();
    };
    expect(await listed('key/')).toEqual(['key/a', 'key/b']);
    expect(await listed('k_y')).toEqual(['k_y/d']);
    expect(await listed('k%')).toEqual(['k%']);
    expect(await listed('')).toHaveLength(8);
    expect(await listed('z')).toEqual([]);
  }));

  test('of many who swap the same value at once exactly one succeeds', withSettings(async (settings) => {
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => settings.swap('n', undefined, n)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await settings.get('n')).toBe(answers.indexOf(true));
  }));

  onlyIf(harness.sharing, 'stores on one place do not see each other')('a counter that two stores raise by swapping misses no count', () =>
    onFreshPlace(harness, async (place) => {
      await using mine = await harness.open(place);
      await using theirs = await harness.open(place);
      const raise = async (settings: Settings): Promise<void> => {
        for (let swapped = false; !swapped; ) {
          const count = await settings.get('count');
          swapped = await settings.swap('count', count, Number(count ?? 0) + 1);
        }
      };
      await Promise.all([mine, theirs, mine, theirs].flatMap(({ settings }) => [raise(settings), raise(settings), raise(settings)]));
      expect(await mine.settings.get('count')).toBe(12);
    }));
}
