/** The values asked for most recently, up to a bound on what they weigh together. A value that could not be made is not kept. */
export class Recent<Value extends Promise<unknown>> {
  readonly #weightMax: number;
  readonly #kept = new Map<string, { value: Value; weight: number }>();
  #weight = 0;

  constructor(weightMax: number) {
    this.#weightMax = weightMax;
  }

  get(name: string, weight: number, make: () => Value): Value {
    const known = this.#kept.get(name);
    const value = known?.value ?? make();
    if (known) this.#kept.delete(name);
    else {
      this.#weight += weight;
      value.catch(() => this.#drop(name, value));
    }
    this.#kept.set(name, { value, weight: known?.weight ?? weight });
    for (const [oldest] of this.#kept) {
      if (this.#weight <= this.#weightMax || oldest === name) break;
      this.#drop(oldest);
    }
    return value;
  }

  #drop(name: string, value?: Value): void {
    const known = this.#kept.get(name);
    if (!known || (value && known.value !== value)) return;
    this.#kept.delete(name);
    this.#weight -= known.weight;
  }
}
