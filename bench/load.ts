/**
 * Load over HTTP/1.1: some connections, each with one request under way, over plain sockets. It reads every answer,
 * counts them by status and ends only when the last one is in, so that the books can be checked to the unit.
 *
 * A request costs it 9.3 µs of processor time where wrk takes 8.5 (docs/performance.md), so nothing is won by asking for
 * wrk, which neither says what was answered nor waits for the last answers.
 */
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { answer, ask } from './child.ts';
import { Histogram, type Waits } from './histogram.ts';

export interface LoadSpec {
  readonly port: number;
  readonly path: string;
  /** JSON bodies, posted in turn. */
  readonly bodies: readonly string[];
  /** In place of `path` and `bodies`: what is read, in turn. */
  readonly gets?: readonly string[];
  readonly key: string;
  readonly connections: number;
  readonly seconds: number;
  /** Of these seconds so many come first whose waits are not counted: what starts beside it takes its own time from everybody. */
  readonly leadInSeconds?: number;
  /** At most so many requests a second, all told; without it each connection asks again at once. */
  readonly perSecondMax?: number;
  /** So many arrive a second, whatever becomes of those before: one for whom no connection is free goes away, and is counted. */
  readonly arrivalsPerSecond?: number;
  /** Count this text in the bodies of answers, such as `"status":201` in those of batches. */
  readonly counting?: string;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly seconds: number;
  readonly waits: Waits;
  readonly byStatus: Readonly<Record<string, number>>;
  /** Who found no connection free. */
  readonly wentAway: number;
  /** How often {@link LoadSpec.counting} was found. */
  readonly counted: number;
}

export const load = (spec: LoadSpec): Promise<LoadResult> => ask(new URL(import.meta.url), spec);

/** How an answer begins, as far as we care. */
interface Head {
  readonly status: number;
  readonly bodyStart: number;
  readonly bodyBytes: number;
}

class Load {
  readonly #spec: LoadSpec;
  readonly #requests: readonly Buffer[];
  readonly #histogram = new Histogram();
  readonly #byStatus: Record<string, number> = {};
  readonly #idle: Connection[] = [];
  #start = performance.now();
  #end: number;
  readonly #done = Promise.withResolvers<void>();
  #sent = 0;
  #received = 0;
  #counted = 0;
  #wentAway = 0;
  #underWay = 0;
  #pacing: NodeJS.Timeout | undefined;

  constructor(spec: LoadSpec) {
    this.#spec = spec;
    this.#requests = spec.gets?.map((path) => readOf(spec, path)) ?? spec.bodies.map((body) => requestOf(spec, body));
    this.#end = this.#start + spec.seconds * 1000;
  }

  async run(): Promise<LoadResult> {
    const sockets = await Promise.all(Array.from({ length: this.#spec.connections }, () => this.#open()));
    // Nobody arrives before there is something to arrive at.
    if (this.#rate !== undefined) this.#begin();
    if (this.#rate !== undefined) this.#pacing = setInterval(() => this.#pace(), 2);
    await this.#done.promise;
    clearInterval(this.#pacing);
    for (const socket of sockets) socket.destroy();
    const seconds = (performance.now() - this.#start) / 1000;
    return { perSecond: this.#received / seconds, seconds, waits: this.#histogram.waits, byStatus: this.#byStatus, wentAway: this.#wentAway, counted: this.#counted };
  }

  #open(): Promise<Socket> {
    const opened = Promise.withResolvers<Socket>();
    const connection = new Connection(this.#spec.port, {
      ready: (socket) => {
        this.#next(connection);
        opened.resolve(socket);
      },
      settled: (status, body, askedAt) => this.#settled(connection, status, body, askedAt),
      failed: (error) => {
        opened.reject(error);
        this.#done.reject(error);
      },
    });
    return opened.promise;
  }

  #settled(connection: Connection, status: number, body: Buffer | undefined, askedAt: number): void {
    this.#underWay--;
    this.#received++;
    this.#byStatus[status] = (this.#byStatus[status] ?? 0) + 1;
    if (askedAt - this.#start >= (this.#spec.leadInSeconds ?? 0) * 1000) this.#histogram.add(performance.now() - askedAt);
    if (body !== undefined && this.#spec.counting !== undefined) this.#counted += occurrences(body, this.#spec.counting);
    this.#next(connection);
  }

  #next(connection: Connection): void {
    const now = performance.now();
    if (now >= this.#end) {
      if (this.#underWay === 0) this.#done.resolve();
    } else if (this.#rate === undefined) this.#send(connection, now);
    else this.#idle.push(connection);
  }

  #begin(): void {
    this.#start = performance.now();
    this.#end = this.#start + this.#spec.seconds * 1000;
  }

  get #rate(): number | undefined {
    return this.#spec.arrivalsPerSecond ?? this.#spec.perSecondMax;
  }

  /** Sends what is due by now, as far as connections are free. */
  #pace(): void {
    const now = performance.now();
    if (now >= this.#end && this.#underWay === 0) return this.#done.resolve();
    const due = Math.floor(((Math.min(now, this.#end) - this.#start) / 1000) * (this.#rate ?? 0));
    while (this.#sent + this.#wentAway < due && now < this.#end) {
      // In turn: one that is never used is hung up on.
      const connection = this.#idle.shift();
      if (connection === undefined && this.#spec.arrivalsPerSecond === undefined) return;
      if (connection === undefined) {
        this.#wentAway = due - this.#sent;
        return;
      }
      this.#send(connection, now);
    }
  }

  #send(connection: Connection, now: number): void {
    const request = this.#requests[this.#sent++ % this.#requests.length];
    if (request === undefined) throw new RangeError('a load needs at least one body');
    this.#underWay++;
    connection.send(request, now, this.#spec.counting !== undefined);
  }
}

interface ConnectionEvents {
  readonly ready: (socket: Socket) => void;
  readonly settled: (status: number, body: Buffer | undefined, askedAt: number) => void;
  readonly failed: (error: Error) => void;
}

/** Read into by every connection in turn: what a callback does not keep is gone at the next. */
const incoming = Buffer.allocUnsafe(256 * 1024);

/** One request after another; what is kept of an answer is its status, and its body only where wanted. */
class Connection {
  readonly #events: ConnectionEvents;
  readonly #socket: Socket;
  #asked = 0;
  #wantsBody = false;
  /** Bytes of a head that has not come in full, or of a wanted body. */
  #kept: Buffer[] = [];
  #status = 0;
  /** Bytes of the body yet to come; undefined while the head is not in. */
  #left: number | undefined;

  constructor(port: number, events: ConnectionEvents) {
    this.#events = events;
    const onread = { buffer: incoming, callback: (bytes: number): boolean => (this.#read(incoming.subarray(0, bytes)), true) };
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true, onread }, () => events.ready(this.#socket));
    this.#socket.on('error', events.failed);
    this.#socket.on('close', () => events.failed(new Error('the server closed a connection')));
  }

  send(request: Buffer, now: number, wantsBody: boolean): void {
    this.#asked = now;
    this.#wantsBody = wantsBody;
    this.#socket.write(request);
  }

  #read(bytes: Buffer): void {
    let body = bytes;
    if (this.#left === undefined) {
      const whole = this.#kept.length === 0 ? bytes : Buffer.concat([...this.#kept, bytes]);
      const head = headOf(whole);
      if (head === undefined) {
        this.#kept = [Buffer.from(whole)];
        return;
      }
      this.#kept = [];
      this.#status = head.status;
      this.#left = head.bodyBytes;
      body = whole.subarray(head.bodyStart);
    }
    this.#left -= body.length;
    if (this.#wantsBody) this.#kept.push(Buffer.from(body));
    if (this.#left <= 0) this.#settle();
  }

  #settle(): void {
    const body = this.#wantsBody ? Buffer.concat(this.#kept) : undefined;
    if (this.#left !== 0) this.#events.failed(new Error('more bytes came than an answer has'));
    this.#left = undefined;
    this.#kept = [];
    this.#events.settled(this.#status, body, this.#asked);
  }
}

function headOf(bytes: Buffer): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = bytes.toString('latin1', 0, end);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const status = Number(head.slice(9, 12));
  if (length === undefined && status !== 204) throw new Error(`an answer without a length: ${head}`);
  return { status, bodyStart: end + 4, bodyBytes: Number(length ?? 0) };
}

function requestOf({ port, path, key }: LoadSpec, body: string): Buffer {
  const bytes = Buffer.byteLength(body);
  return Buffer.from(`POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n${body}`);
}

function readOf({ port, key }: LoadSpec, path: string): Buffer {
  return Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nauthorization: Bearer ${key}\r\n\r\n`);
}

function occurrences(bytes: Buffer, text: string): number {
  let count = 0;
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + text.length)) count++;
  return count;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer<LoadSpec>((spec) => new Load(spec).run());
