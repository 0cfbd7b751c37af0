import { assert } from '../../base/assert.ts';
import { hash32 } from '../../base/hash.ts';
import { isWide } from '../../base/strings.ts';
import type { Choice } from '../../rooms/pricing/pricing.ts';
import type { Priced } from './items.ts';
import type { Sales } from './sales.ts';

/** By the low bits of the hash: a part that grows is moved in less than a millisecond where there are a million items. */
const PARTS = 64;
const PART_BITS = 6;

/**
 * What is kept of the items that policies price: in columns of numbers, some sixty bytes an item, because a million
 * objects are looked over by whoever collects garbage, again and again. Objects are what few items have: sales, and prices
 * that somebody outside gave.
 */
export class PricedItems {
  readonly #parts = Array.from({ length: PARTS }, () => new Part());
  readonly #sales = new Map<string, Sales>();
  readonly #good = new Map<string, NonNullable<Priced['good']>>();
  readonly #choices = new Choices();
  #size = 0;
  /** Where {@link walk} goes on: the rows of this part below this one. */
  #walking = { part: 0, below: 0 };

  get size(): number {
    return this.#size;
  }

  has(sku: string): boolean {
    const hash = hash32(sku);
    return this.#part(hash).find(sku, hash) !== NONE;
  }

  /** What is kept of an item, as it is now. */
  find(sku: string): Priced | undefined {
    const hash = hash32(sku);
    const part = this.#part(hash);
    const row = part.find(sku, hash);
    return row === NONE ? undefined : { sku, log: part.log(row), firstAt: part.firstAt(row), choice: this.#choices.at(part.choice(row)), sales: this.#sales.get(sku), good: this.#good.get(sku) };
  }

  salesOf(sku: string): Sales | undefined {
    return this.#sales.get(sku);
  }

  /** Keeps an item, in place of what was kept of it. */
  set({ sku, log, firstAt, choice, sales, good }: Priced): void {
    const hash = hash32(sku);
    const part = this.#part(hash);
    let row = part.find(sku, hash);
    if (row === NONE) {
      row = part.add(sku, hash);
      this.#size++;
    }
    part.put(row, log, firstAt, this.#choices.swap(part.choice(row), choice));
    put(this.#sales, sku, sales);
    put(this.#good, sku, good);
  }

  /** Of an item that is kept. */
  setSales(sku: string, sales: Sales | undefined): void {
    put(this.#sales, sku, sales);
  }

  delete(sku: string): boolean {
    const hash = hash32(sku);
    const part = this.#part(hash);
    const row = part.find(sku, hash);
    if (row === NONE) return false;
    this.#choices.swap(part.choice(row), undefined);
    part.remove(row);
    this.#sales.delete(sku);
    this.#good.delete(sku);
    this.#size--;
    return true;
  }

  clear(): void {
    for (const part of this.#parts) part.clear();
    this.#sales.clear();
    this.#good.clear();
    this.#choices.clear();
    this.#size = 0;
    this.#walking = { part: 0, below: 0 };
  }

  /** The items of a log, or all. */
  *skus(log?: number): Generator<string> {
    for (const part of this.#parts) for (let row = part.rows - 1; row >= 0; row--) if (log === undefined || part.log(row) === log) yield part.sku(row);
  }

  /** The items that are priced in one of some ways. */
  *pricedBy(isWanted: (choice: Choice | undefined) => boolean): Generator<string> {
    const wanted = this.#choices.which(isWanted);
    if (wanted.size === 0) return;
    for (const part of this.#parts) for (let row = part.rows - 1; row >= 0; row--) if (wanted.has(part.choice(row))) yield part.sku(row);
  }

  /** {@link pricedBy} among the next `count` items; after the last one comes the first. None that stays is passed over in a round. */
  *walk(count: number, isWanted: (choice: Choice | undefined) => boolean): Generator<string> {
    const wanted = this.#choices.which(isWanted);
    const walking = this.#walking;
    for (let left = Math.min(count, this.#size); left > 0; ) {
      // From the last row down: where one is removed the last comes into its place.
      const part = this.#parts[walking.part] as Part; // one of them
      walking.below = Math.min(walking.below, part.rows);
      if (walking.below === 0) {
        walking.part = (walking.part + 1) % PARTS;
        walking.below = Number.POSITIVE_INFINITY;
        continue;
      }
      left--;
      const row = --walking.below;
      if (wanted.has(part.choice(row))) yield part.sku(row);
    }
  }

  #part(hash: number): Part {
    return this.#parts[hash & (PARTS - 1)] as Part; // one of them
  }
}

function put<Value>(map: Map<string, Value>, sku: string, value: Value | undefined): void {
  if (value !== undefined) map.set(sku, value);
  else map.delete(sku);
}

const NONE = -1;
const ROWS_FIRST = 16;
const BYTES_FIRST = 256;

/** Rows by SKU: open addressing, linear probing, and the last row into the place of one that is removed. */
class Part {
  rows = 0;
  /** A row's number and one; 0 where nothing is. Twice as many as rows at least. */
  #slots = new Uint32Array(2 * ROWS_FIRST);
  #hashes = new Uint32Array(ROWS_FIRST);
  #logs = new Uint16Array(ROWS_FIRST);
  #firstAt = new Float64Array(ROWS_FIRST);
  #choices = new Uint32Array(ROWS_FIRST);
  /** Where a SKU begins, and twice its characters, and one where each takes two bytes. */
  #starts = new Uint32Array(ROWS_FIRST);
  #lengths = new Uint16Array(ROWS_FIRST);
  #bytes = Buffer.alloc(BYTES_FIRST);
  #end = 0;
  /** Bytes of SKUs that are there no more. */
  #waste = 0;

  log = (row: number): number => this.#logs[row] as number; // rows are within bounds, here and below
  firstAt = (row: number): number => this.#firstAt[row] as number;
  choice = (row: number): number => this.#choices[row] as number;

  sku(row: number): string {
    const start = this.#starts[row] as number;
    return this.#bytes.toString(((this.#lengths[row] as number) & 1) === 1 ? 'utf16le' : 'latin1', start, start + this.#width(row));
  }

  find(sku: string, hash: number): number {
    const slot = this.#slotOf(hash, (row) => this.#isOf(row, sku, hash));
    return (this.#slots[slot] as number) - 1;
  }

  add(sku: string, hash: number): number {
    if (this.rows === this.#hashes.length) this.#grow();
    const row = this.rows++;
    const wide = isWide(sku);
    const width = wide ? 2 * sku.length : sku.length;
    assert(sku.length < 32_768, 'a SKU is too long to be kept');
    if (this.#end + width > this.#bytes.length) this.#makeRoom(width);
    this.#bytes.write(sku, this.#end, wide ? 'utf16le' : 'latin1');
    this.#starts[row] = this.#end;
    this.#lengths[row] = 2 * sku.length + (wide ? 1 : 0);
    this.#end += width;
    this.#hashes[row] = hash;
    this.put(row, 0, 0, 0);
    this.#slots[this.#slotOf(hash, () => false)] = row + 1;
    return row;
  }

  put(row: number, log: number, firstAt: number, choice: number): void {
    this.#logs[row] = log;
    this.#firstAt[row] = firstAt;
    this.#choices[row] = choice;
  }

  remove(row: number): void {
    const slots = this.#slots;
    const slotOfRow = (one: number): number => this.#slotOf(this.#hashes[one] as number, (other) => other === one);
    let hole = slotOfRow(row);
    const mask = slots.length - 1;
    // Whatever lies behind it and would have lain there comes there.
    for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const home = this.#home(this.#hashes[(slots[at] as number) - 1] as number);
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = slots[at] as number;
      hole = at;
    }
    slots[hole] = 0;
    this.#waste += this.#width(row);
    const last = --this.rows;
    if (last === row) return;
    slots[slotOfRow(last)] = row + 1;
    for (const column of [this.#hashes, this.#logs, this.#firstAt, this.#choices, this.#starts, this.#lengths]) column[row] = column[last] as number;
  }

  clear(): void {
    this.#slots.fill(0);
    this.rows = 0;
    this.#end = 0;
    this.#waste = 0;
  }

  #width(row: number): number {
    const length = this.#lengths[row] as number;
    return (length & 1) === 1 ? length - 1 : length >>> 1;
  }

  #home(hash: number): number {
    return (hash >>> PART_BITS) & (this.#slots.length - 1);
  }

  /** The slot of the row that is meant, or the free one where it would be. */
  #slotOf(hash: number, isMeant: (row: number) => boolean): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = this.#home(hash);
    while (slots[at] !== 0 && !isMeant((slots[at] as number) - 1)) at = (at + 1) & mask;
    return at;
  }

  #isOf(row: number, sku: string, hash: number): boolean {
    const length = this.#lengths[row] as number;
    if (this.#hashes[row] !== hash || length >>> 1 !== sku.length) return false;
    const start = this.#starts[row] as number;
    if ((length & 1) === 1) return this.sku(row) === sku;
    for (let i = 0; i < sku.length; i++) if (this.#bytes[start + i] !== sku.charCodeAt(i)) return false;
    return true;
  }

  #grow(): void {
    const rows = 2 * this.#hashes.length;
    const larger = <Column extends Uint16Array | Uint32Array | Float64Array>(column: Column, made: Column): Column => {
      made.set(column);
      return made;
    };
    this.#hashes = larger(this.#hashes, new Uint32Array(rows));
    this.#logs = larger(this.#logs, new Uint16Array(rows));
    this.#firstAt = larger(this.#firstAt, new Float64Array(rows));
    this.#choices = larger(this.#choices, new Uint32Array(rows));
    this.#starts = larger(this.#starts, new Uint32Array(rows));
    this.#lengths = larger(this.#lengths, new Uint16Array(rows));
    this.#slots = new Uint32Array(2 * rows);
    for (let row = 0; row < this.rows; row++) this.#slots[this.#slotOf(this.#hashes[row] as number, () => false)] = row + 1;
  }

  /** Without the bytes that nobody needs, and twice as much where these are few. */
  #makeRoom(width: number): void {
    let size = this.#bytes.length;
    while (this.#end - this.#waste + width > size / 2) size *= 2;
    const bytes = Buffer.alloc(size);
    let end = 0;
    // The row that is being added is the last, and has no bytes yet.
    for (let row = 0; row < this.rows - 1; row++) {
      const start = this.#starts[row] as number;
      this.#bytes.copy(bytes, end, start, start + this.#width(row));
      this.#starts[row] = end;
      end += this.#width(row);
    }
    this.#bytes = bytes;
    this.#end = end;
    this.#waste = 0;
  }
}

/** Ways in which items are priced, by a number; 0 of an item that was not looked at since the start. There are few, and those that no item has any more are let go. */
class Choices {
  #numbers = new Map<Choice, number>();
  #all: { choice: Choice | undefined; items: number }[] = [{ choice: undefined, items: 0 }];
  #free: number[] = [];

  at(number: number): Choice | undefined {
    return this.#all[number]?.choice;
  }

  /** One item is priced in another way than before. */
  swap(before: number, choice: Choice | undefined): number {
    const number = choice === undefined ? 0 : (this.#numbers.get(choice) ?? this.#add(choice));
    if (number === before) return number;
    this.#count(number, 1);
    this.#count(before, -1);
    return number;
  }

  which(isWanted: (choice: Choice | undefined) => boolean): Set<number> {
    return new Set(this.#all.flatMap(({ choice }, number) => ((number === 0 || choice !== undefined) && isWanted(choice) ? [number] : [])));
  }

  clear(): void {
    this.#numbers.clear();
    this.#all = [{ choice: undefined, items: 0 }];
    this.#free = [];
  }

  #add(choice: Choice): number {
    const number = this.#free.pop() ?? this.#all.length;
    this.#all[number] = { choice, items: 0 };
    this.#numbers.set(choice, number);
    return number;
  }

  #count(number: number, by: 1 | -1): void {
    const one = this.#all[number];
    if (!one?.choice) return;
    one.items += by;
    if (one.items > 0) return;
    this.#numbers.delete(one.choice);
    one.choice = undefined;
    this.#free.push(number);
  }
}
