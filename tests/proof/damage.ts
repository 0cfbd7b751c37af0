/** What becomes of a store of which a bit turned over, or of which a part is missing: found out and named, or without consequence. */
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { below, pick, type Random } from '../../src/base/random.ts';
import { canonicalJson, type Json } from '../../src/base/json.ts';
import { openSqlite } from '../../src/engines/sqlite/sqlite.ts';
import { rooms } from '../../src/processes/processes.ts';
import { Projector } from '../../src/runtime/runtime.ts';
import type { Store } from '../../src/store/store.ts';
import { drained } from './audit.ts';
import type { Place } from './places.ts';
import { ServerProcess } from './server-process.ts';
import { newShop, openShop } from './shoppers.ts';

const SKUS = ['HOT-1', 'HOT-2', 'COLD-1'];
const ANSWERS = 150;
/** In memory where there is such a place: a damaged copy needs no disk of its own. */
const COPIES = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A store that was stopped, or killed, and everything that it says. */
export interface Sound extends Disposable {
  readonly directory: string;
  readonly files: readonly string[];
  readonly commands: readonly string[];
  readonly truth: readonly string[];
}

export async function makeSound(end: 'stopped' | 'killed', seed: number): Promise<Sound> {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-damage-'));
  const directory = join(home, 'data');
  const place: Place = { engine: 'sqlite', flags: ['--data', directory], env: {}, async [Symbol.asyncDispose]() {} };
  const server = await ServerProcess.start(place);
  const client = server.client();
  for (const sku of SKUS) {
    await client.items.put(sku, {});
    await client.items.adjust(sku, { change: 150, reason: 'received' }, { waitSeconds: 10 });
  }
  const shop = newShop(SKUS, seed);
  await openShop(shop, client, () => shop.ledger.answered.length >= ANSWERS);
  await client.keys.create('till', ['write']);
  // What nobody was told yet may go with the end of the WAL: nothing is under way when the process ends.
  await atRest(server);
  await (end === 'stopped' ? server.stop() : server.kill());
  const commands = shop.ledger.answered.flatMap(({ answer }) => (answer.body as { commandId?: string }).commandId ?? []); // looked at before use
  const files = readdirSync(directory).filter((name) => !name.startsWith('lock') && !name.endsWith('-shm') && statSync(join(directory, name)).size > 0);
  const sound = { directory, files, commands };
  const truth = await inCopy(directory, (copy) => said(copy, sound.commands));
  return { ...sound, truth, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) };
}

/** Waits until no accepted work is left, and a moment for what was said of the last of it. */
async function atRest(server: ServerProcess): Promise<void> {
  await drained(server.client());
  await new Promise((resolve) => setTimeout(resolve, 200));
}

async function inCopy<T>(directory: string, work: (copy: string) => Promise<T>): Promise<T> {
  const copy = join(mkdtempSync(join(COPIES, 'holdfast-copy-')), 'data');
  mkdirSync(copy);
  for (const name of readdirSync(directory)) if (!name.endsWith('-shm')) copyFileSync(join(directory, name), join(copy, name));
  try {
    return await work(copy);
  } finally {
    rmSync(join(copy, '..'), { recursive: true, force: true });
  }
}

/** Everything that a store says when it is asked for everything. Throws where it finds itself damaged. */
async function said(directory: string, commands: readonly string[]): Promise<string[]> {
  await using store = await openSqlite({ directory, threads: 'inline', scrub: true });
  await store.scrubbed;
  await store.ping();
  // Views that are behind are no damage: they follow from the log.
  const projector = new Projector({ store, room: rooms as never }); // it folds and never decides
  await projector.start();
  await projector.catchUp();
  const lines = [`${store.partitions} logs`];
  for (let log = 0; log < store.partitions; log++) lines.push(...(await saidOfLog(store, log)));
  for (const { name, value } of await store.settings.list('')) lines.push(`${name} ${JSON.stringify(value)}`);
  for (const id of commands) lines.push(`${id} ${JSON.stringify(await store.queue.find(id))}`);
  lines.push(`queues ${JSON.stringify(await store.queue.queues())}`);
  for (const { name } of rooms.views.tables) if (name !== PASTS) lines.push(...(await store.projections.sql.selectFrom(name).selectAll().execute()).map((row) => `${name} ${JSON.stringify(row)}`));
  return lines;
}

/** Which pasts of an item are saved depends on how many facts each step of the projector folds: any of them will do. */
const PASTS = 'item_pasts';

async function saidOfLog(store: Store, log: number): Promise<string[]> {
  const lines: string[] = [];
  const keys = new Set<string>();
  for await (const commit of store.log.read(log, 0)) {
    lines.push(JSON.stringify(commit));
    for (const event of commit.events) for (const key of event.key.startsWith('k/') ? [event.key] : rooms.keysOf(event)) keys.add(key);
  }
  const { upTo, bodies } = await store.projections.loadStates(log, [...keys]);
  return [...lines, `log ${log} up to ${upTo}`, ...[...bodies].map(([key, body]) => `${key} ${canonicalJson(JSON.parse(body) as Json)}`).sort()];
}

export type Damage = (copy: string, sound: Sound, random: Random) => string;

export const DAMAGES: Readonly<Record<'flip' | 'truncate' | 'remove', Damage>> = {
  flip(copy, { files }, random) {
    const name = pick(random, files);
    const bytes = readFileSync(join(copy, name));
    const at = below(random, bytes.length);
    const bit = below(random, 8);
    bytes.writeUInt8((bytes[at] ?? 0) ^ (1 << bit), at);
    writeFileSync(join(copy, name), bytes);
    return `bit ${bit} of byte ${at} of ${name}`;
  },
  truncate(copy, { files }, random) {
    const name = pick(random, files);
    const length = below(random, statSync(join(copy, name)).size);
    truncateSync(join(copy, name), length);
    return `${name} cut to ${length}`;
  },
  remove(copy, { files }, random) {
    const name = pick(random, files);
    rmSync(join(copy, name));
    return `${name} removed`;
  },
};

export interface Verdict {
  /** The store said that it is damaged, and which file. */
  named: number;
  /** Everything was as before. */
  harmless: number;
  readonly wrong: string[];
}

/** Damages a store so many times, each time anew, and asks it everything. */
export async function damageAll(sound: Sound, damage: Damage, times: number, random: Random): Promise<Verdict> {
  const verdict: Verdict = { named: 0, harmless: 0, wrong: [] };
  for (let n = 0; n < times; n++) {
    await inCopy(sound.directory, async (copy) => {
      const what = damage(copy, sound, random);
      try {
        judge(verdict, what, sound.truth, await said(copy, sound.commands));
      } catch (error) {
        // Whatever keeps it from answering, it says where to look.
        if (error instanceof Error && error.message.includes(copy)) verdict.named++;
        else verdict.wrong.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
      }
    });
  }
  return verdict;
}

function judge(verdict: Verdict, what: string, truth: readonly string[], seen: readonly string[]): void {
  const differing = truth.findIndex((line, index) => line !== seen[index]);
  if (differing >= 0) verdict.wrong.push(`${what}: ${seen[differing]} instead of ${truth[differing]}`);
  else if (seen.length > truth.length) verdict.wrong.push(`${what}: ${seen[truth.length]} besides`);
  else verdict.harmless++;
}
