import { connect, type Socket } from 'node:net';
import { freemem } from 'node:os';
import { describe, expect, test } from 'vitest';
import { isProblem } from '../../src/client/client.ts';
import { sqlitePlace } from '../proof/places.ts';
import { ServerProcess } from '../proof/server-process.ts';

const SOCKETS = Number(process.env['HOLDFAST_SLOW_SOCKETS'] ?? 1_000);
const CUT_OFF_WITHIN_MS = 15_000;
/** A machine with other things to do looks at its timers late, and takes what is sent late too; the figure is printed. */
const SLACK_MS = 15_000;
const SHOPPERS = 8;
const SLOWLY_MS = 1_000;

/** The system keeps up to four megabytes for each connection whose answers nobody takes: a thousand of them only where it has as much, or where asked for. */
const READERS = process.env['HOLDFAST_SLOW_READERS'] === '1' || freemem() > 8 * 2 ** 30;

/** What a hostile client sends at once, and what it sends every second. */
interface Slow {
  readonly first: string;
  readonly drip: string;
  readonly reads: boolean;
}

const head = (server: ServerProcess, line: string): string => `${line} HTTP/1.1\r\nhost: shop\r\nauthorization: Bearer ${server.key}\r\n`;

const KINDS: Readonly<Record<string, (server: ServerProcess) => Slow>> = {
  headers: (server) => ({ first: head(server, 'GET /v1/items/LAMP/availability'), drip: 'x-more: and more\r\n', reads: true }),
  bodies: (server) => ({ first: `${head(server, 'POST /v1/reservations')}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{`, drip: ' ', reads: true }),
  // More than the system keeps for a connection, asked for at once and never taken; it costs the server little to make.
  readers: (server) => ({ first: `${head(server, 'GET /openapi.json')}\r\n`.repeat(ASKED_AT_ONCE), drip: '\r\n', reads: false }),
};

/** Connects, is slow, and says after how long it was cut off; undefined where it was not. */
function beSlow(server: ServerProcess, { first, drip, reads }: Slow): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const socket: Socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1' });
  const began = performance.now();
  let dripping: NodeJS.Timeout | undefined;
  const end = (cutOffMs: number | undefined): void => {
    clearInterval(dripping);
    clearTimeout(patience);
    socket.destroy();
    resolve(cutOffMs);
  };
  const patience = reads ? setTimeout(() => end(undefined), CUT_OFF_WITHIN_MS + SLACK_MS + 5_000) : undefined;
  socket.once('connect', () => {
    socket.write(first);
    dripping = setInterval(() => socket.write(drip), SLOWLY_MS);
  });
  if (reads) socket.resume();
  else {
    // Who does not read does not hear of the end either: the server is asked how many connections it has.
    socket.pause();
    void connectionsGone(server).then(end);
  }
  if (reads) socket.once('close', () => end(performance.now() - began));
  socket.on('error', () => socket.destroy());
  return promise;
}

const FDS_OF_OTHERS = 200;
const ASKED_AT_ONCE = 20;

/** After how long the server has closed its many connections; asked by all who wait for that, and looked up once. */
function connectionsGone(server: ServerProcess): Promise<number | undefined> {
  const known = watches.get(server) ?? watchConnections(server);
  watches.set(server, known);
  return known;
}
const watches = new Map<ServerProcess, Promise<number | undefined>>();

/** From when the server has answered the first request of each: making gigabytes of answers takes a busy machine a while. */
async function watchConnections(server: ServerProcess): Promise<number | undefined> {
  let asked: number | undefined;
  for (const late = performance.now() + PATIENCE_MS; performance.now() < (asked === undefined ? late : asked + CUT_OFF_WITHIN_MS + SLACK_MS); ) {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    const answers = Number(/^holdfast_http_request_duration_seconds_count\{[^}]*route="\/openapi.json"[^}]*\} (\d+)$/m.exec(metrics)?.[1] ?? 0);
    if (asked === undefined && answers > SOCKETS * (ASKED_AT_ONCE - 1)) asked = performance.now();
    if (asked !== undefined && Number(/^process_open_fds (\d+)$/m.exec(metrics)?.[1]) < FDS_OF_OTHERS) return performance.now() - asked;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return undefined;
}
const PATIENCE_MS = 120_000;

/** Shoppers who go on until told; gives what each of their holds took. */
async function shop(server: ServerProcess, over: () => boolean): Promise<number[]> {
  const client = server.client();
  const waits: number[] = [];
  const shopper = async (): Promise<void> => {
    while (!over()) {
      const began = performance.now();
      try {
        const { id } = await client.reservations.create({ lines: [{ sku: 'LAMP', quantity: 1 }] });
        await client.reservations.release(id, {});
      } catch (error) {
        // To be told to come again is an answer, and counts with the time that it took.
        if (!isProblem(error, 'unavailable') && !isProblem(error, 'overloaded')) throw error;
      }
      waits.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: SHOPPERS }, shopper));
  return waits;
}

const p99 = (waits: readonly number[]): number => waits.toSorted((a, b) => a - b)[Math.floor(waits.length * 0.99)] ?? Number.NaN;

describe(`${SOCKETS} clients with slow`, () => {
  test.each(Object.keys(KINDS).filter((kind) => kind !== 'readers' || READERS))('%s are cut off within 15 s, and shoppers go on', { timeout: 300_000 }, async (kind) => {
    await using place = await sqlitePlace();
    await using server = await ServerProcess.start(place);
    const client = server.client();
    await client.items.put('LAMP', {});
    await client.items.adjust('LAMP', { change: 1_000_000, reason: 'received' }, { waitSeconds: 20 });
    const until = performance.now() + 5_000;
    const before = await shop(server, () => performance.now() > until);
    let over = false;
    const during = shop(server, () => over);
    const slow = KINDS[kind]?.(server);
    if (!slow) throw new RangeError(kind);
    const ends = await Promise.all(Array.from({ length: SOCKETS }, () => beSlow(server, slow)));
    over = true;
    const waits = await during;
    const cutOff = ends.filter((ms) => ms !== undefined);
    console.log(`slow ${kind}: ${cutOff.length} of ${SOCKETS} cut off after ${Math.round(Math.max(...cutOff))} ms at most; p99 of a hold and its release ${p99(before).toFixed(1)} ms before, ${p99(waits).toFixed(1)} ms meanwhile (${waits.length} holds)`);
    expect(cutOff).toHaveLength(SOCKETS);
    expect(Math.max(...cutOff)).toBeLessThan(CUT_OFF_WITHIN_MS + SLACK_MS);
    expect(waits.length).toBeGreaterThan(0);
  });
});
