import { accessSync, constants, existsSync, readFileSync, statfsSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { inspectPostgres } from '../engines/postgres/postgres.ts';
import { inspectSqlite, lockHolder } from '../engines/sqlite/sqlite.ts';
import { isFault } from '../base/errors.ts';
import type { Config } from './config.ts';
import { claimPlace, openStore, type StorePlace } from './open-store.ts';

/** One thing that was looked at. `next`: what to do about it. */
export interface Finding {
  readonly check: string;
  readonly level: 'ok' | 'warning' | 'error';
  readonly message: string;
  readonly next?: string;
}

const ok = (check: string, message: string): Finding => ({ check, level: 'ok', message });
const warning = (check: string, message: string, next: string): Finding => ({ check, level: 'warning', message, next });
const error = (check: string, message: string, next: string): Finding => ({ check, level: 'error', message, next });

const NODE_MIN = 24;
const FREE_ERROR_BYTES = 256 * 1024 * 1024;
const FREE_WARNING_BYTES = 2 * 1024 ** 3;
/** 10,000 connections, and what the store and the process have open besides. */
const DESCRIPTORS_MIN = 10_500;
const VIEWS_BEHIND_WARNING = 20_000;
const CLOCK_WARNING_MS = 5_000;
const REACH_TIMEOUT_MS = 3_000;
const POSTGRES_MIN = 14;

/** File systems by the number that the kernel gives them: on these, locks and fsync are not what they are on a disk. */
const FILE_SYSTEMS: Readonly<Record<number, { readonly name: string; readonly level: 'warning' | 'error'; readonly why: string }>> = {
  0x6969: { name: 'NFS', level: 'error', why: 'locks and fsync over a network do not keep what SQLite needs' },
  0x517b: { name: 'SMB', level: 'error', why: 'locks and fsync over a network do not keep what SQLite needs' },
  0xff534d42: { name: 'CIFS', level: 'error', why: 'locks and fsync over a network do not keep what SQLite needs' },
  0x01021994: { name: 'tmpfs', level: 'warning', why: 'it is memory, and is gone when the machine stops' },
  0x65735546: { name: 'FUSE', level: 'warning', why: 'whether it keeps locks and fsync depends on what is behind it' },
};

/** Looks at an installation as a whole and says what is wrong with it and what to do. Changes nothing. */
export async function examine(config: Config, place: StorePlace, env: Readonly<Record<string, string | undefined>>): Promise<Finding[]> {
  const findings = [nodeVersion(), descriptors(), await port(config, place), ...keys(config)];
  if (place.engine === 'sqlite') findings.push(...(await sqlite(place)));
  else findings.push(...(await postgres(place)));
  for (const name of ['HOLDFAST_REDIS_URL', 'HOLDFAST_NATS_URL']) {
    const url = env[name];
    if (url !== undefined && url !== '') findings.push(await reachable(name, url));
  }
  return findings;
}

function nodeVersion(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= NODE_MIN) return ok('node', `Node.js ${process.versions.node}`);
  return error('node', `Node.js ${process.versions.node} is older than ${NODE_MIN}`, 'run it with npm start, which brings its own, or install a later one');
}

function descriptors(): Finding {
  const [, soft] = /^Max open files\s+(\S+)/m.exec(readOr('/proc/self/limits', '')) ?? [];
  const limit = soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft ?? Number.NaN);
  if (Number.isNaN(limit)) return ok('open files', 'this system does not tell its limit');
  if (limit >= DESCRIPTORS_MIN) return ok('open files', `${limit} may be open`);
  return warning('open files', `${limit} files and sockets may be open, and 10,000 connections are allowed`, `ulimit -n ${DESCRIPTORS_MIN}, or LimitNOFILE= in the service's unit`);
}

function readOr(file: string, otherwise: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return otherwise; // another system
  }
}

async function port({ port: wanted, host }: Config, place: StorePlace): Promise<Finding> {
  const server = createServer();
  const problem = await new Promise<NodeJS.ErrnoException | undefined>((done) => {
    server.once('error', (cause: NodeJS.ErrnoException) => done(cause));
    server.listen(wanted, host, () => done(undefined));
  });
  server.close();
  if (!problem) return ok('port', `${host}:${wanted} is free`);
  const holder = place.engine === 'sqlite' ? lockHolder(place.directory) : undefined;
  if (problem.code === 'EADDRINUSE' && holder) return ok('port', `${host}:${wanted} is in use, and Holdfast runs as process ${holder.pid}`);
  if (problem.code === 'EADDRINUSE') return warning('port', `${host}:${wanted} is in use by another program`, 'choose another one with --port, or end that program');
  return error('port', `${host}:${wanted} cannot be listened on: ${problem.message}`, 'choose an address of this machine with --host, and a port above 1023 with --port');
}

function keys({ adminKey, host }: Config): Finding[] {
  const found = adminKey === undefined ? ok('keys', 'HOLDFAST_ADMIN_KEY is not set: the first start makes a key and prints it once') : ok('keys', 'the admin key comes from HOLDFAST_ADMIN_KEY');
  const open = host !== '127.0.0.1' && host !== 'localhost' && host !== '::1';
  return open ? [found, warning('network', `it listens on ${host} and speaks plain HTTP`, 'put TLS in front, and keep the port from everybody else')] : [found];
}

async function sqlite(place: StorePlace & { engine: 'sqlite' }): Promise<Finding[]> {
  const directory = resolve(place.directory);
  const findings = directoryFindings(directory);
  if (!existsSync(join(directory, 'log.db'))) return [...findings, ok('store', `there is no store in ${directory} yet: the first start makes one`)];
  for (const { file, bytes, schema, known, faults } of inspectSqlite(directory)) findings.push(...fileFindings(file, bytes, { schema, known }, faults));
  if (findings.some(({ level }) => level === 'error')) return findings;
  return [...findings, ...(await storeFindings(place))];
}

function directoryFindings(directory: string): Finding[] {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  try {
    accessSync(existing, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return [error('directory', `${existing} cannot be written by this user`, `chown it to the user that runs Holdfast (this is user ${process.getuid?.() ?? 'unknown'}), or choose another with --data`)];
  }
  const { bavail, bsize, type } = statfsSync(existing);
  const free = bavail * bsize;
  const gib = (free / 1024 ** 3).toFixed(1);
  const system = FILE_SYSTEMS[type];
  const space =
    free < FREE_ERROR_BYTES
      ? error('disk', `${gib} GiB are free below ${directory}`, 'make room: writes are refused with 507 when there is none')
      : free < FREE_WARNING_BYTES
        ? warning('disk', `${gib} GiB are free below ${directory}`, 'make room soon')
        : ok('disk', `${gib} GiB are free below ${directory}`);
  const fileSystem = system && { check: 'file system', level: system.level, message: `${directory} is on ${system.name}: ${system.why}`, next: 'put the data on a disk of this machine, or use PostgreSQL' };
  return [ok('directory', `${directory} can be written`), space, ...(fileSystem ? [fileSystem] : [])];
}

function fileFindings(file: string, bytes: number, { schema, known }: { schema: number; known: number }, faults: readonly string[]): Finding[] {
  const way = file.startsWith('views') ? 'stop the server and run holdfast rebuild: it is made again from the log' : 'stop the server, keep a copy, and restore the newest backup with holdfast restore';
  if (faults.length > 0) return [error(file, `it is damaged: ${faults.slice(0, 3).join('; ')}`, way)];
  if (schema > known) return [error(file, `its layout is ${schema}, and this Holdfast knows ${known}`, 'run the newer Holdfast that wrote it')];
  return [ok(file, `${(bytes / 1e6).toFixed(1)} MB, layout ${schema}, sound`)];
}

/** What can be asked of a store only by opening it. */
async function storeFindings(place: StorePlace): Promise<Finding[]> {
  let claim: AsyncDisposable;
  try {
    claim = await claimPlace(place);
  } catch (cause) {
    if (!isFault(cause)) throw cause;
    const holder = place.engine === 'sqlite' ? lockHolder(place.directory) : undefined;
    const who = holder ? `process ${holder.pid}: ${holder.command}` : 'another process';
    return [ok('lock', `${who} works in it; GET /readyz and /v1/system of that one say how its views and queues are`)];
  }
  await using _claim = claim;
  await using store = await openStore(place);
  const [heads, checkpoints] = [await store.log.heads(), await store.projections.checkpoints('states')];
  const behind = heads.reduce((sum, head, log) => sum + head - (checkpoints[log] ?? 0), 0);
  const findings = [ok('lock', 'nobody works in it')];
  findings.push(behind > VIEWS_BEHIND_WARNING ? warning('views', `they are ${behind} commits behind the log`, 'start the server: it catches up, and /readyz says when') : ok('views', behind === 0 ? 'they have the whole log' : `${behind} commits behind the log, which a start makes good`));
  let newest = 0;
  for (const [log, head] of heads.entries()) if (head > 0) for await (const commit of store.log.read(log, head - 1)) newest = Math.max(newest, ...commit.events.map(({ time }) => time));
  const ahead = newest - Date.now();
  findings.push(
    ahead > CLOCK_WARNING_MS
      ? warning('clock', `the newest fact is ${Math.round(ahead / 1000)} s ahead of this machine's clock, so the clock was set back, or was wrong`, 'check the clock (NTP); until it has passed that instant, holds last longer than they say')
      : ok('clock', 'no fact is later than now'),
  );
  for (const queue of await store.queue.queues()) {
    const { deadLettered, ready } = await store.queue.depth(queue, Date.now());
    if (deadLettered > 0) findings.push(warning('queue', `${deadLettered} messages of ${queue} were set aside`, `look at GET /v1/queues/${queue}/dead-letters, mend what they name, and POST …/retry`));
    else findings.push(ok('queue', `${ready} messages of ${queue} wait, none was set aside`));
  }
  return findings;
}

async function postgres(place: StorePlace & { engine: 'postgres' }): Promise<Finding[]> {
  let server: Awaited<ReturnType<typeof inspectPostgres>>;
  try {
    server = await inspectPostgres(place.url);
  } catch (cause) {
    return [error('postgres', `it cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, 'check HOLDFAST_DATABASE_URL, that the server runs, and that pg_hba.conf lets this user in')];
  }
  const { version, settings, isStandby } = server;
  const findings = [version < POSTGRES_MIN ? error('postgres', `it is version ${version}`, `install version ${POSTGRES_MIN} or later`) : ok('postgres', `version ${version} answers`)];
  if (settings['fsync'] !== 'on') findings.push(error('fsync', `fsync is ${settings['fsync']}: acknowledged writes are lost when the power fails`, 'set fsync = on in postgresql.conf and restart PostgreSQL'));
  if (settings['synchronous_commit'] === 'off') findings.push(error('synchronous_commit', 'it is off: other clients of this server lose acknowledged writes (Holdfast sets it on for its own)', 'set synchronous_commit = on in postgresql.conf and reload'));
  if (settings['full_page_writes'] !== 'on') findings.push(error('full_page_writes', 'it is off: a torn page cannot be mended after a crash', 'set full_page_writes = on, unless the file system writes pages whole'));
  if (isStandby || settings['default_transaction_read_only'] === 'on') findings.push(error('postgres', 'it takes no writes: it is a standby or set to read only', 'name the primary in HOLDFAST_DATABASE_URL'));
  const connections = Number(settings['max_connections'] ?? 0);
  if (connections < 50) findings.push(warning('max_connections', `it is ${connections}, and each process of Holdfast takes up to 32`, 'raise max_connections'));
  if (findings.some(({ level }) => level === 'error')) return findings;
  return [...findings, ...(await storeFindings(place))];
}

function reachable(name: string, text: string): Promise<Finding> {
  if (!URL.canParse(text)) return Promise.resolve(error(name, 'it is no address', `write it as ${name === 'HOLDFAST_NATS_URL' ? 'nats://127.0.0.1:4222' : 'redis://127.0.0.1:6379'}`));
  const { hostname, port: given, protocol } = new URL(text);
  const target = { host: hostname, port: Number(given) || (protocol.startsWith('nats') ? 4222 : 6379) };
  return new Promise((done) => {
    const socket = connect({ ...target, timeout: REACH_TIMEOUT_MS });
    const end = (finding: Finding): void => {
      socket.destroy();
      done(finding);
    };
    const away = (why: string): Finding => error(name, `${target.host}:${target.port} does not answer: ${why}`, 'start it, or take the variable away');
    socket.once('connect', () => end(ok(name, `${target.host}:${target.port} answers`)));
    socket.once('timeout', () => end(away('no connection in time')));
    socket.once('error', (cause) => end(away(cause.message)));
  });
}
