import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import progress from 'cli-progress';
import { ConfigError } from '../../app/app.ts';
import { HoldfastClient } from '../../client/client.ts';
import { Latencies } from '../replay/latencies.ts';

export interface BenchOptions {
  readonly url?: string | undefined;
  readonly key: string | undefined;
  readonly connections: number;
  readonly seconds: number;
  readonly items: number;
  readonly batch: number;
}

interface Service {
  readonly url: string;
  readonly key: string;
}

/** What was counted: holds acknowledged and refused, and everything else that was answered. */
interface Counts {
  held: number;
  refused: number;
  failed: number;
}

const STOCK_PER_ITEM = 1_000_000_000;

/** Measures and says what it found. Gives the exit code: 1 where the books and the acknowledgements differ. */
export async function benchCommand(options: BenchOptions, to: { out: (text: string) => void; err: NodeJS.WritableStream }): Promise<number> {
  await using service = options.url === undefined ? await startScratch() : given(options.url, options.key);
  const client = new HoldfastClient({ baseUrl: service.url, key: service.key });
  const skus = Array.from({ length: options.items }, (_, i) => `bench-${randomBytes(4).toString('hex')}-${i}`);
  await stock(client, skus);
  const counts: Counts = { held: 0, refused: 0, failed: 0 };
  const latencies = new Latencies();
  const bar = new progress.SingleBar({ format: 'holding {bar} {value}/{total} s  {held} holds', stream: to.err, hideCursor: true, clearOnComplete: true }, progress.Presets.shades_classic);
  bar.start(options.seconds, 0, { held: 0 });
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const ticking = setInterval(() => bar.update(Math.min(options.seconds, Math.floor(seconds())), { held: counts.held }), 200);
  await load({ service, skus, options, counts, latencies, isOver: () => seconds() >= options.seconds });
  const took = seconds();
  clearInterval(ticking);
  bar.stop();
  const reserved = await reservedUnits(client, skus);
  to.out(`${Math.round(counts.held / took).toLocaleString('en')} durable holds/s (${counts.held} in ${took.toFixed(1)} s, ${options.connections} connections, ${options.items} ${options.items === 1 ? 'item' : 'items'}, ${options.batch} a request)\n`);
  to.out(`answer time p50 ${latencies.quantile(0.5).toFixed(1)} ms, p99 ${latencies.quantile(0.99).toFixed(1)} ms; refused ${counts.refused}, failed ${counts.failed}\n`);
  to.out(`books: ${counts.held} units acknowledged, ${reserved} reserved${reserved === counts.held ? '' : ': THEY DIFFER'}\n`);
  return reserved === counts.held && counts.failed === 0 ? 0 : 1;
}

function given(url: string, key: string | undefined): Service & AsyncDisposable {
  if (key === undefined || key === '') throw new ConfigError('a service at --url needs --key, or HOLDFAST_KEY');
  return { url, key, [Symbol.asyncDispose]: async () => undefined };
}

/** A service on a store that is thrown away, as a process of its own, as its users run it. */
async function startScratch(): Promise<Service & AsyncDisposable> {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const key = randomBytes(24).toString('base64url');
  const [main = ''] = process.argv.slice(1);
  const env = { ...process.env, HOLDFAST_ADMIN_KEY: key, HOLDFAST_RATE_LIMIT: '10000000', HOLDFAST_LOG_FILE: join(directory, 'log') };
  const child = spawn(process.execPath, [main, 'serve', '--port', '0', '--data', join(directory, 'data')], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /^listening on (\S+)$/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
    void exited.then(() => reject(new Error('the scratch service did not start')));
  });
  return {
    url,
    key,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function stock(client: HoldfastClient, skus: readonly string[]): Promise<void> {
  for (const sku of skus) {
    await client.items.put(sku, {});
    await client.items.adjust(sku, { change: STOCK_PER_ITEM, reason: 'received' }, { waitSeconds: 30 });
  }
}

async function reservedUnits(client: HoldfastClient, skus: readonly string[]): Promise<number> {
  let reserved = 0;
  for (const sku of skus) reserved += (await client.items.availability(sku)).reserved;
  return reserved;
}

interface Load {
  readonly service: Service;
  readonly skus: readonly string[];
  readonly options: BenchOptions;
  readonly counts: Counts;
  readonly latencies: Latencies;
  readonly isOver: () => boolean;
}

/** Every connection asks again as soon as it was answered. */
async function load(work: Load): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: work.options.connections });
  let turn = 0;
  const one = async (): Promise<void> => {
    while (!work.isOver()) {
      const began = performance.now();
      await ask(agent, work, turn++);
      work.latencies.add(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: work.options.connections }, one));
  agent.destroy();
}

async function ask(agent: Agent, { service, skus, options, counts }: Load, turn: number): Promise<void> {
  const hold = (i: number): object => ({ lines: [{ sku: skus[(turn * options.batch + i) % skus.length], quantity: 1 }] });
  const [path, body] = options.batch === 1 ? ['/v1/reservations', hold(0)] : ['/v1/reservations/batch', { reservations: Array.from({ length: options.batch }, (_, i) => hold(i)) }];
  const { status, text } = await post(agent, new URL(path, service.url), service.key, JSON.stringify(body));
  if (status === 201) counts.held++;
  else if (status === 409) counts.refused++;
  else if (status !== 200) counts.failed++;
  else {
    for (const result of (JSON.parse(text) as { results: { status: number }[] }).results) {
      if (result.status === 201) counts.held++;
      else if (result.status === 409) counts.refused++;
      else counts.failed++;
    }
  }
}

function post(agent: Agent, url: URL, key: string, body: string): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const sent = request(url, { agent, method: 'POST', headers }, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
