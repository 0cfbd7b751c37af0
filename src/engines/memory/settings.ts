import { canonicalJson, type Json } from '../../base/json.ts';

export type SettingsImage = readonly (readonly [string, string])[];

/** Values are canonical JSON text: equal values are equal text, whatever the order of their members. */
export class MemorySettings {
  readonly #values: Map<string, string>;

  constructor(image: SettingsImage) {
    this.#values = new Map(image);
  }

  image(): SettingsImage {
    return [...this.#values];
  }

  get(name: string): Json | undefined {
    const text = this.#values.get(name);
    return text === undefined ? undefined : (JSON.parse(text) as Json); // the text was made by canonicalJson
  }

  swap(name: string, expected: string | undefined, value: string | undefined): boolean {
    if (this.#values.get(name) !== expected) return false;
    if (value === undefined) this.#values.delete(name);
    else this.#values.set(name, value);
    return true;
  }

  list(prefix: string): { name: string; value: Json }[] {
    return [...this.#values.keys()].filter((name) => name.startsWith(prefix)).sort().map((name) => ({ name, value: this.get(name) ?? null }));
  }
}

export function encodeSetting(value: Json | undefined): string | undefined {
  return value === undefined ? undefined : canonicalJson(value);
}
