/**
 * Moves the stock of one item after another and watches for its new price, both ways that people do: by asking again and
 * again, and by listening to the stream of all prices. Waits count from the answer that the adjustment was accepted.
 */
import { Agent, request as ask } from 'node:http';
import { fileURLToPath } from 'node:url';
import { answer, ask as askChild } from './child.ts';
import { Histogram, type Waits } from './histogram.ts';

export interface ProbeSpec {
  readonly port: number;
  readonly key: string;
  /** Items whose stock nobody else moves. */
  readonly skus: readonly string[];
  readonly seconds: number;
  /** Of these seconds so many come first whose waits are not counted. */
  readonly leadInSeconds: number;
  readonly perSecond: number;
}

export interface ProbeResult {
  readonly get: Waits;
  readonly stream: Waits;
  readonly count: number;
}

export const probe = (spec: ProbeSpec): Promise<ProbeResult> => askChild(new URL(import.meta.url), spec);

/** A price that has not come by then is lost. */
const PATIENCE_MS = 10_000;
/** Between two looks at one price: a reader in a hurry. */
const LOOK_MS = 1;

class Probe {
  readonly #spec: ProbeSpec;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #get = new Histogram();
  readonly #stream = new Histogram();
  /** By SKU: when the stream told its newest price. */
  readonly #heard = new Map<string, number>();
  #count = 0;

  constructor(spec: ProbeSpec) {
    this.#spec = spec;
  }

  async run(): Promise<ProbeResult> {
    const { seconds, leadInSeconds, perSecond, skus } = this.#spec;
    const stop = await this.#listen();
    const began = performance.now();
    const under: Promise<void>[] = [];
    for (let n = 0; n < seconds * perSecond; n++) {
      await rest(began + (n * 1000) / perSecond - performance.now());
      // An item has had its price again long before its turn comes back.
      under.push(this.#one(skus[n % skus.length] ?? '', n < leadInSeconds * perSecond ? 'not counted' : 'counted'));
    }
    await Promise.all(under);
    stop();
    this.#agent.destroy();
    return { get: this.#get.waits, stream: this.#stream.waits, count: this.#count };
  }

  async #one(sku: string, mode: 'counted' | 'not counted'): Promise<void> {
    const before = this.#priceIn(await this.#call('GET', `/v1/prices/${sku}`));
    this.#heard.delete(sku);
    await this.#call('POST', `/v1/items/${sku}/adjustments`, { change: 1, reason: 'correction' });
    const acknowledged = performance.now();
    while (this.#priceIn(await this.#call('GET', `/v1/prices/${sku}`)) === before) {
      if (performance.now() - acknowledged > PATIENCE_MS) throw new Error(`the price of ${sku} did not move`);
      await rest(LOOK_MS);
    }
    const readable = performance.now() - acknowledged;
    while (!this.#heard.has(sku)) {
      if (performance.now() - acknowledged > PATIENCE_MS) throw new Error(`the stream said nothing of ${sku}`);
      await rest(LOOK_MS);
    }
    if (mode === 'not counted') return;
    this.#get.add(readable);
    this.#stream.add(Math.max(0, (this.#heard.get(sku) ?? 0) - acknowledged));
    this.#count++;
  }

  #priceIn(body: string): number {
    return (JSON.parse(body) as { price: { amount: number } }).price.amount; // as the contract says
  }

  #call(method: string, path: string, body?: object): Promise<string> {
    const { port, key } = this.#spec;
    const done = Promise.withResolvers<string>();
    const sent = ask({ host: '127.0.0.1', port, method, path, agent: this.#agent, headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) } }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => ((response.statusCode ?? 500) < 300 ? done.resolve(text) : done.reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`))));
    });
    sent.on('error', done.reject);
    sent.end(body && JSON.stringify(body));
    return done.promise;
  }

  /** Hears all new prices, also those of other items, and notes when each of ours came. */
  #listen(): Promise<() => void> {
    const { port, key } = this.#spec;
    const open = Promise.withResolvers<() => void>();
    const sent = ask({ host: '127.0.0.1', port, path: '/v1/events/stream?type=pricing.price.changed', headers: { authorization: `Bearer ${key}` } }, (response) => {
      let rest = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        const now = performance.now();
        const text = rest + chunk;
        for (const [, sku = ''] of text.matchAll(/"subject":"(PROBE-\d+)"/g)) if (!this.#heard.has(sku)) this.#heard.set(sku, now);
        rest = text.slice(text.lastIndexOf('\n') + 1);
      });
      response.on('error', () => undefined); // we hung up
      open.resolve(() => void sent.destroy());
    });
    sent.on('error', open.reject);
    sent.end();
    return open.promise;
  }
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, Math.max(0, ms)));

if (process.argv[1] === fileURLToPath(import.meta.url)) answer<ProbeSpec>((spec) => new Probe(spec).run());
