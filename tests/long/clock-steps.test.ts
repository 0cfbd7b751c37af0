import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HoldfastClient } from '../../src/client/client.ts';
import { Books } from '../proof/books.ts';
import { sqlitePlace } from '../proof/places.ts';
import { canPreload, preloaded } from '../proof/preloaded.ts';
import { ServerProcess } from '../proof/server-process.ts';

const SECOND = 1_000;
const HOUR = 3_600_000;
const DAY = 86_400_000;
const STEPS = [SECOND, -SECOND, HOUR, -HOUR, DAY, -DAY];
const SHORT_S = 6;
/** What slewing may make of a short hold, and what it takes to ask. */
const SLACK_MS = 250;

/** Sets the wall clock of a running server. */
class WallClock implements Disposable {
  readonly #home = mkdtempSync(join(tmpdir(), 'holdfast-clock-'));
  readonly file = join(this.#home, 'off');
  #offMs = 0;

  constructor() {
    writeFileSync(this.file, Buffer.alloc(8));
  }

  step(ms: number): void {
    this.#offMs += ms;
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(BigInt(this.#offMs));
    const handle = openSync(this.file, 'r+');
    writeSync(handle, bytes, 0, bytes.length, 0);
    closeSync(handle);
  }

  [Symbol.dispose](): void {
    rmSync(this.#home, { recursive: true });
  }
}

interface Made {
  readonly id: string;
  /** Between these instants of our own clock it was made. */
  readonly from: number;
  readonly to: number;
}

async function hold(client: HoldfastClient, ttlSeconds: number): Promise<Made> {
  const from = performance.now();
  const { id } = await client.reservations.create({ lines: [{ sku: 'LAMP', quantity: 1 }], ttlSeconds });
  return { id, from, to: performance.now() };
}

/** Asks until it has expired; says what came too early. */
async function watch(client: HoldfastClient, { id, from, to }: Made): Promise<string[]> {
  for (;;) {
    const asked = performance.now();
    const { status } = await client.reservations.get(id);
    const answered = performance.now();
    if (status === 'expired') return answered < from + SHORT_S * SECOND - SLACK_MS ? [`${id} had expired ${Math.round(answered - from)} ms after it was asked for`] : [];
    if (asked > to + SHORT_S * SECOND + SLACK_MS) return [`${id} was ${status} ${Math.round(asked - to)} ms after it was made`];
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe.runIf(canPreload('the stepped clock'))('the clock of the machine is set while a server runs', () => {
  test('by a second, an hour and a day, forth and back: nothing expires early, late or twice', async () => {
    await using place = await sqlitePlace();
    using wall = new WallClock();
    await using server = await ServerProcess.start(place, { LD_PRELOAD: preloaded('stepped-clock.c') ?? '', CLOCK_FILE: wall.file });
    const client = server.client({ attemptsMax: 3 });
    await client.items.put('LAMP', {});
    await client.items.adjust('LAMP', { change: 1_000, reason: 'received' }, { waitSeconds: 20 });
    const long = await hold(client, 7_200);
    const short: Made[] = [];
    for (const step of STEPS) {
      const before = await hold(client, SHORT_S);
      wall.step(step);
      const after = await hold(client, SHORT_S);
      short.push(before, after);
      expect({ step, faults: [...(await watch(client, before)), ...(await watch(client, after))] }).toEqual({ step, faults: [] });
    }
    expect((await client.reservations.get(long.id)).status).toBe('held');
    await expectExpiredOnce(client, short);
  });
});

/** Each of them left one fact that it expired, and its unit is free again. */
async function expectExpiredOnce(client: HoldfastClient, holds: readonly Made[]): Promise<void> {
  const expired = async (): Promise<string[]> => {
    const found: string[] = [];
    for (let after = 'earliest'; ; ) {
      const page = await client.eventsPage({ after, types: ['inventory.reservation.expired'], limit: 200 });
      found.push(...page.events.map(({ data }) => String((data as { reservationId?: string }).reservationId)));
      if (page.events.length === 0) return found;
      after = page.cursor;
    }
  };
  await expect.poll(async () => (await expired()).length, { timeout: 15_000 }).toBeGreaterThanOrEqual(holds.length);
  expect((await expired()).sort()).toEqual(holds.map(({ id }) => id).sort());
  const books = new Books();
  await books.readOn(client);
  expect(books.faults).toEqual([]);
  expect(await client.items.availability('LAMP')).toMatchObject({ onHand: 1_000, reserved: 1 });
}
