const NO_ENTRIES: readonly [string, never][] = [];

/** A map that nearly always has one entry or none, and there are many of it: one object then, where a `Map` is of 250 bytes. */
export class SmallMap<Value> {
  #key: string | undefined;
  #value: Value | undefined;
  /** All entries, once there are two. */
  #all: Map<string, Value> | undefined;

  static of<Value>(entries: Iterable<readonly [string, Value]>): SmallMap<Value> {
    const map = new SmallMap<Value>();
    for (const [key, value] of entries) map.set(key, value);
    return map;
  }

  get size(): number {
    if (this.#all) return this.#all.size;
    return this.#key === undefined ? 0 : 1;
  }

  get(key: string): Value | undefined {
    if (this.#all) return this.#all.get(key);
    return this.#key === key ? this.#value : undefined;
  }

  has(key: string): boolean {
    return this.#all ? this.#all.has(key) : this.#key === key;
  }

  set(key: string, value: Value): void {
    if (this.#all) return void this.#all.set(key, value);
    if (this.#key !== undefined && this.#key !== key) {
      this.#all = new Map([...this, [key, value]]);
      this.#key = this.#value = undefined;
      return;
    }
    this.#key = key;
    this.#value = value;
  }

  keys(): Iterable<string> {
    if (this.#all) return this.#all.keys();
    return this.#key === undefined ? [] : [this.#key];
  }

  [Symbol.iterator](): Iterator<[string, Value]> {
    if (this.#all) return this.#all.entries();
    return this.#key === undefined ? NO_ENTRIES.values() : [[this.#key, this.#value as Value] satisfies [string, Value]].values(); // with a key there is a value
  }
}
