/** 16 MB. Of a million keys that were never added one in a million is taken for one that was, of ten million one in two hundred. */
const BITS = 2 ** 27;
const PROBES = 4;

/** Keys that were added, but not which: a filter after Bloom, its probes after Kirsch and Mitzenmacher. */
export class KeyFilter {
  readonly #words = new Uint32Array(BITS / 32);
  #first = 0;
  #step = 0;

  add(key: string): void {
    this.#hash(key);
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = this.#bit(probe);
      this.#words[bit >>> 5] = (this.#words[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
  }

  /** False only of a key that was never added. */
  mayHave(key: string): boolean {
    this.#hash(key);
    for (let probe = 0; probe < PROBES; probe++) {
      const bit = this.#bit(probe);
      if (((this.#words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }

  #bit(probe: number): number {
    return (this.#first + probe * this.#step) % BITS;
  }

  /** Two of 32 bits: of a million keys some share one, and none share both. FNV-1a and its like, finished as murmur3 is. */
  #hash(key: string): void {
    let [a, b] = [0x811c9dc5, 0x9747b28c];
    for (let i = 0; i < key.length; i++) {
      const unit = key.charCodeAt(i);
      a = Math.imul(a ^ unit, 0x01000193);
      b = Math.imul(b ^ unit, 0x5bd1e995);
      b ^= b >>> 15;
    }
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b);
    b = Math.imul(b ^ (b >>> 13), 0xc2b2ae35);
    this.#first = (a ^ (a >>> 16)) >>> 0;
    this.#step = (b ^ (b >>> 16)) >>> 0;
  }
}
