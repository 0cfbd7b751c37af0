/** Books that nobody but the auditor keeps: each item's and each transfer's facts in their order, and what they come to. */
import type { Commit, EventRecord, Store } from '../../src/store/store.ts';
import type { InventoryEvent } from '../../src/rooms/inventory/inventory.ts';
import { ItemBook } from './item-book.ts';
import { brokenTransfers } from './transfers.ts';

/** Goes through the logs commit by commit, each time from where it was. */
export class Auditor {
  readonly facts: InventoryEvent[] = [];
  /** Keys of the answers that were remembered, once for each time. */
  readonly answered: string[] = [];
  readonly #books = new Map<string, ItemBook>();
  readonly #positions: number[] = [];

  /** Enters what is new, and says what is wrong with it. No fact may speak of an instant after the `latest` of its commit. */
  async audit(store: Store, latest: (log: number, position: number) => number): Promise<string[]> {
    const errors: string[] = [];
    for (let log = 0; log < store.partitions; log++) {
      for await (const commit of store.log.read(log, this.#positions[log] ?? 0)) {
        this.#enter(commit);
        this.#positions[log] = commit.position;
        const aheadMs = Math.max(...commit.events.map(({ time }) => time)) - latest(log, commit.position);
        if (aheadMs > 0) errors.push(`commit ${commit.position} of log ${log} is ${aheadMs} ms ahead of its time`);
        errors.push(...this.#takeErrors((book) => book.takeErrors()).map((error) => `${error}, in commit ${commit.position} of log ${log}`));
      }
    }
    return errors;
  }

  /** What is wrong once everything that was to come has come. */
  auditAtRest(now: number): string[] {
    return [...this.#takeErrors((book, key) => book.takeErrorsAtRest(now, (channel) => this.#net(key, channel, now))), ...brokenTransfers(this.facts)];
  }

  /** What is left of an item to a channel; of a bundle, as often as all that it is made of suffices. */
  #net(key: string, channel: string, now: number): number {
    const book = this.#books.get(key);
    const { components = [], channelBuffers } = book?.definition ?? {};
    if (components.length > 0) return Math.min(...components.map(({ sku, quantity }) => Math.floor(this.#net(`i/${sku}`, channel, now) / quantity)));
    return (book?.net(now) ?? 0) - (channelBuffers?.[channel] ?? 0);
  }

  #takeErrors(of: (book: ItemBook, key: string) => readonly string[]): string[] {
    return [...this.#books].flatMap(([key, book]) => of(book, key).map((error) => `${key}: ${error}`));
  }

  #enter(commit: Commit): void {
    for (const event of commit.events.filter(isAboutItem) as unknown as InventoryEvent[]) { // of this room by their type
      const book = this.#books.get(event.key) ?? new ItemBook();
      this.#books.set(event.key, book);
      book.enter(event);
    }
    for (const event of commit.events) {
      if (event.type === 'runtime.command.answered') this.answered.push(event.key);
      else this.facts.push(event as unknown as InventoryEvent); // every other fact is the room's
    }
  }
}

function isAboutItem(event: EventRecord): boolean {
  return event.key.startsWith('i/');
}
