import { assert } from '../../base/assert.ts';
import { isColdName, type ColdObject, type ColdStore } from '../../store/store.ts';

/** What a call on a cold store is about, for whoever makes it fail. */
export interface ColdCall {
  readonly operation: 'put' | 'get' | 'list' | 'delete';
  readonly name: string;
  /** Before or after its effect. */
  readonly when: 'before' | 'after';
}

export interface MemoryColdStore extends ColdStore {
  /** What is stored, to be looked at and spoilt. */
  readonly objects: Map<string, Uint8Array>;
}

/** Cold storage in memory. `interfere` is called around every call, and may throw. */
export function openMemoryColdStore(options: { readonly objects?: Map<string, Uint8Array>; readonly interfere?: (call: ColdCall) => void | Promise<void> } = {}): MemoryColdStore {
  const { objects = new Map<string, Uint8Array>(), interfere = (): void => undefined } = options;
  const run = async <T>(operation: ColdCall['operation'], name: string, effect: () => T): Promise<T> => {
    await interfere({ operation, name, when: 'before' });
    const value = effect();
    await interfere({ operation, name, when: 'after' });
    return value;
  };
  const known = (name: string): string => {
    assert(isColdName(name), `${name} is not a name of an object`);
    return name;
  };
  return {
    objects,
    place: 'memory',
    async put(name, body) {
      const copy = Uint8Array.from(body);
      await run('put', known(name), () => void objects.set(name, copy));
    },
    get: (name, range) => run('get', known(name), () => objects.get(name)?.slice(range?.from ?? 0, range && range.from + range.length)),
    list: (prefix) => run('list', prefix, () => listed(objects, prefix)),
    delete: (name) => run('delete', known(name), () => void objects.delete(name)),
  };
}

function listed(objects: ReadonlyMap<string, Uint8Array>, prefix: string): ColdObject[] {
  return [...objects]
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, { length }]) => ({ name, bytes: length }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
