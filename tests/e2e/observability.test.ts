import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ROOT, startServer, type RunningServer } from './running-server.ts';

const FOLDER = join(ROOT, 'deploy/observability');
const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
const canCheck = hasPromtool || process.env['CI'] === 'true'; // in CI a missing promtool is a failure
if (!canCheck) console.warn('\n*** SKIPPED: nobody checks the metrics and the alerts, because this machine has no promtool: apt-get install -y prometheus ***\n');

/** What the server says of itself after a bit of everything. */
let server: RunningServer;
let served: string;

beforeAll(async () => {
  server = await startServer();
  const { client } = server;
  await client.items.put('lamp', { name: 'Desk lamp' });
  await ask('POST', '/v1/items/lamp/adjustments', { change: 3, reason: 'received' }, { prefer: 'wait=10' });
  const listening = new AbortController();
  const stream = await fetch(`${server.url}/v1/events/stream`, { headers: { authorization: `Bearer ${server.key}` }, signal: listening.signal });
  const chunks = (stream.body as ReadableStream<Uint8Array>).getReader(); // an answer of 200 has a body
  const sold = await ask('POST', '/v1/reservations', { lines: [{ sku: 'lamp', quantity: 2 }], ttlSeconds: 1 });
  expect(sold.status).toBe(201);
  expect((await ask('POST', '/v1/reservations', { lines: [{ sku: 'lamp', quantity: 2 }] })).status).toBe(409);
  for (let heard = ''; !heard.includes('inventory.reservation.expired'); ) {
    const { value, done } = await chunks.read();
    if (done) throw new Error(`the stream ended after ${heard}`);
    heard += Buffer.from(value).toString();
  }
  await vi.waitFor(async () => expect((served = await (await fetch(`${server.url}/metrics`)).text())).toContain('holdfast_consumer_lag_commits{consumer="views"} 0\n'), { timeout: 20_000 });
  listening.abort();
}, 120_000);
afterAll(() => server?.[Symbol.asyncDispose]());

function ask(method: string, path: string, body?: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${server.url}${path}`, { method, headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json', ...headers }, ...(body === undefined ? undefined : { body: JSON.stringify(body) }) });
}

async function promtool(args: readonly string[], input = ''): Promise<string> {
  const child = spawn('promtool', args, { cwd: FOLDER });
  let said = '';
  for (const output of [child.stdout, child.stderr]) output.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  return code === 0 ? '' : `promtool ended with ${code}: ${said}`;
}

const valueOf = (sample: string): number => Number(served.split('\n').find((line) => line.startsWith(`${sample} `))?.slice(sample.length + 1));

describe('the metrics of a server that did something', () => {
  test.skipIf(!canCheck)('are such that promtool finds nothing', async () => {
    expect(await promtool(['check', 'metrics'], served)).toBe('');
  });

  test('count what was decided and refused, and measure appends, syncs, late expiries and deliveries', () => {
    expect(valueOf('holdfast_engine_commands_refused_total{code="insufficient-stock"}')).toBe(1);
    expect(valueOf('holdfast_holds_granted_total')).toBe(1);
    expect(valueOf('holdfast_engine_append_duration_seconds_count')).toBeGreaterThanOrEqual(4);
    expect(valueOf('holdfast_engine_append_size_facts_count')).toBe(valueOf('holdfast_engine_append_duration_seconds_count'));
    expect(valueOf('holdfast_engine_append_size_facts_sum')).toBe(valueOf('holdfast_engine_facts_total'));
    expect(valueOf('holdfast_store_append_size_bytes_sum')).toBeGreaterThan(100);
    expect(valueOf('holdfast_store_sync_duration_seconds_count')).toBeGreaterThanOrEqual(valueOf('holdfast_store_append_size_bytes_count'));
    expect(valueOf('holdfast_timer_lateness_seconds_count')).toBe(1);
    expect(valueOf('holdfast_timer_lateness_seconds_sum')).toBeLessThan(5);
    expect(valueOf('holdfast_feed_deliveries_total')).toBeGreaterThanOrEqual(2);
    expect(valueOf('holdfast_feed_hand_out_duration_seconds_count')).toBeGreaterThanOrEqual(2);
    expect(valueOf('holdfast_http_event_streams')).toBe(1);
    expect(valueOf('holdfast_queue_messages{queue="commands",state="deadLettered"}')).toBe(0);
    expect(valueOf('holdfast_engine_state{state="ready"}')).toBe(1);
    expect(valueOf('holdfast_data_size_bytes{file="log.db"}')).toBeGreaterThan(4_096);
    expect(valueOf('holdfast_data_free_bytes')).toBeLessThanOrEqual(valueOf('holdfast_data_capacity_bytes'));
  });

  test('have labels whose values do not grow with items, shoppers or orders', () => {
    expect(served).not.toContain('lamp');
    expect(served.split('\n').filter((line) => line.startsWith('holdfast_')).length).toBeLessThan(1_000);
  });
});

/** Names of metrics as they are served: a histogram's are three. */
function servedNames(): Set<string> {
  return new Set([...served.matchAll(/^([a-zA-Z_:][\w:]*)(?:\{| )/gm)].map(([, name]) => name ?? ''));
}

const metricNames = (text: string): string[] => [...text.matchAll(/\b(?:holdfast|process|nodejs)_\w+/g)].map(([name]) => name);

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

function dashboardExpressions(): string[] {
  const { panels } = JSON.parse(readFileSync(join(FOLDER, 'dashboard.json'), 'utf8')) as { panels: readonly Panel[] }; // a dashboard of Grafana
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}

describe('the dashboard and the alerts', () => {
  test('speak only of metrics that the server serves', () => {
    const names = servedNames();
    const alerts = metricNames(readFileSync(join(FOLDER, 'alerts.yml'), 'utf8').replaceAll(/^ *#.*$/gm, ''));
    const shown = metricNames(dashboardExpressions().join('\n'));
    expect(alerts.length).toBeGreaterThan(10);
    expect(shown.length).toBeGreaterThan(30);
    expect([...alerts, ...shown].filter((name) => !names.has(name))).toEqual([]);
  });

  test('show or watch every metric of the service itself, or it is not worth serving', () => {
    const used = new Set(metricNames([...dashboardExpressions(), readFileSync(join(FOLDER, 'alerts.yml'), 'utf8'), 'label_values(holdfast_build_info)'].join('\n')).map((name) => name.replace(/_(?:bucket|sum|count)$/, '')));
    const families = [...served.matchAll(/^# TYPE (holdfast_\w+) /gm)].map(([, name]) => name ?? '');
    expect(families.filter((name) => !used.has(name))).toEqual([]);
  });

  test.skipIf(!canCheck)('are rules that Prometheus takes, and that fire when they should and not when they should not', async () => {
    expect(await promtool(['check', 'config', 'prometheus.yml'])).toBe('');
    expect(await promtool(['check', 'rules', 'alerts.yml'])).toBe('');
    expect(await promtool(['test', 'rules', 'alerts.test.yml'])).toBe('');
  });

  test.skipIf(!canCheck)('ask questions that Prometheus understands', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-rules-'));
    const rules = dashboardExpressions().map((expr, i) => ({ record: `panel:${i}`, expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*') }));
    await writeFile(join(folder, 'panels.json'), JSON.stringify({ groups: [{ name: 'panels', rules }] })); // JSON is YAML
    expect(await promtool(['check', 'rules', join(folder, 'panels.json')])).toBe('');
    await rm(folder, { recursive: true });
  });
});
