/**
 * SKUs that are to be priced, each once however often it is asked for: oldest first, and while one is worked on it is
 * not handed out again but noted.
 */
export class Pending {
  readonly #waiting = new Set<string>();
  readonly #working = new Set<string>();
  readonly #again = new Set<string>();

  get size(): number {
    return this.#waiting.size;
  }

  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#working.size === 0;
  }

  has(sku: string): boolean {
    return this.#waiting.has(sku) || this.#working.has(sku);
  }

  mark(sku: string): void {
    if (this.#working.has(sku)) this.#again.add(sku);
    else this.#waiting.add(sku);
  }

  /** Hands out some. Who took them says of each when it is done. */
  take(count: number): string[] {
    const taken: string[] = [];
    for (const sku of this.#waiting) {
      if (taken.length >= count) break;
      taken.push(sku);
    }
    for (const sku of taken) {
      this.#waiting.delete(sku);
      this.#working.add(sku);
    }
    return taken;
  }

  /** Hands out one that nobody marked; false where it is on its way already. */
  claim(sku: string): boolean {
    if (this.has(sku)) {
      this.mark(sku);
      return false;
    }
    this.#working.add(sku);
    return true;
  }

  done(sku: string): void {
    this.#working.delete(sku);
    if (this.#again.delete(sku)) this.#waiting.add(sku);
  }

  failed(sku: string): void {
    this.#working.delete(sku);
    this.#again.delete(sku);
    this.#waiting.add(sku);
  }

  clear(): void {
    this.#waiting.clear();
    this.#working.clear();
    this.#again.clear();
  }
}
