import type { Item } from '../../rooms/inventory/inventory.ts';
import type { EventRecord, Position } from '../../store/store.ts';
import { Ledger, type LedgerEvent } from '../ledger.ts';
import type { Tell } from './violation.ts';

/** The buckets of a level, as the ledger calls them and as the room does. */
const BUCKETS = [['sellable', 'onHand'], ['damaged', 'damaged'], ['qualityControl', 'qualityControl'], ['inTransit', 'inTransit'], ['allocated', 'allocated'], ['reserved', 'reserved']] as const;

/** What is kept of each item while its facts come. */
export interface Account {
  /** The one string that names it, so that looking it up again is cheap. */
  readonly key: string;
  readonly ledger: Ledger;
  /** The newest commit that says something about it. */
  position: Position;
}

/** The books of every item of one log, added up fact by fact, beside and without the room's own folding. */
export class Books {
  readonly #accounts = new Map<string, Account>();
  readonly #tell: Tell;
  readonly #log: number;

  constructor(log: number, tell: Tell) {
    this.#log = log;
    this.#tell = tell;
  }

  accountOf(key: string): Account | undefined {
    return this.#accounts.get(key);
  }

  open(key: string): Account {
    const account = { key, ledger: new Ledger(), position: 0 };
    this.#accounts.set(key, account);
    return account;
  }

  add(event: EventRecord, { ledger }: Account, position: Position): void {
    const before = ledger.oversold;
    ledger.add(event as unknown as LedgerEvent); // facts under an item's key are the room's facts about it
    if (ledger.oversold > before) {
      this.#tell({ check: 'promises', log: this.#log, position, key: event.key, expected: '0', found: String(ledger.oversold - before), message: `${event.type} promised ${ledger.oversold - before} units beyond what was free or may be backordered` });
    }
    const { location, onHand } = event.data;
    if (event.type === 'inventory.shortfall.detected' || typeof onHand !== 'number' || typeof location !== 'string') return;
    const sum = ledger.at(location).sellable;
    if (sum !== onHand) this.#tell({ check: 'sums', log: this.#log, position, key: event.key, expected: String(sum), found: String(onHand), message: `${event.type} says that ${onHand} are on hand at ${location}, and the facts up to it add up to ${sum}` });
  }

  /** Compares with what the room folded the same facts to. */
  compare(key: string, item: Item): void {
    const ledger = this.#accounts.get(key)?.ledger ?? new Ledger();
    const differs = (what: string, expected: number, found: number): void => {
      if (expected !== found) this.#tell({ check: 'sums', log: this.#log, key, expected: String(expected), found: String(found), message: `${what}: the facts add up to ${expected}, the level is ${found}` });
    };
    for (const location of new Set([...item.levels.keys(), ...ledger.places()])) {
      const level = item.levels.get(location);
      const sums = ledger.at(location);
      for (const [bucket, member] of BUCKETS) {
        const found = level?.[member] ?? 0;
        differs(`${bucket} at ${location}`, sums[bucket], found);
        if (found < 0) this.#tell({ check: 'sums', log: this.#log, key, expected: '0 or more', found: String(found), message: `${bucket} at ${location} is below zero` });
      }
    }
    differs('units backordered', ledger.backordered, item.backordered);
    differs('facts', ledger.version, item.version);
  }
}
