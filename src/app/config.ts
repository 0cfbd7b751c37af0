import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Cap, HoldCaps } from '../rooms/inventory/inventory.ts';
import { ConfigError } from './config-error.ts';
import type { RedisPlace } from './shared-prices.ts';

/** How to run, from flags first and the environment second. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly engine: EngineName;
  readonly databaseUrl: string | undefined;
  /** Where prices are copied for shops to read. */
  readonly redis: RedisPlace | undefined;
  /** The only folder that modules of pricing policies are loaded from, or `off`; anywhere where undefined. */
  readonly modules: string | undefined;
  readonly adminKey: string | undefined;
  readonly publicReads: boolean;
  readonly corsOrigins: readonly string[];
  /** Bounds on live holds of one customer and of one API key. */
  readonly holdCaps: HoldCaps | undefined;
  readonly rateLimit: 'off' | { readonly perSecond: number; readonly burst: number };
  /** Bounds on commands that wait in this process, and on requests under way of one connection; the runtime's and HTTP's own where undefined. */
  readonly waitingCommandsMax: number | undefined;
  readonly pipelinedMax: number | undefined;
  /** A file for the logs; standard error where absent. */
  readonly logFile: string | undefined;
  readonly logLevel: string;
  readonly demo: boolean;
  /** When commits move to the archive, and when they are deleted from there: milliseconds. */
  readonly archive: ArchivePolicy;
  /** Where the archive is; undefined: below `data`, or nowhere. */
  readonly archiveDir: string | undefined;
}

export type ArchivePolicy = 'off' | { readonly afterMs: number; readonly keepMs?: number | undefined };

export const ENGINES = ['sqlite', 'postgres'] as const;
export type EngineName = (typeof ENGINES)[number];

/** Requests a key may make a second, and in one burst, unless HOLDFAST_RATE_LIMIT says otherwise: a shop in a sale. */
const RATE_PER_SECOND = 5_000;
const RATE_BURST = 10_000;
/** Old enough for the archive unless somebody says otherwise: what shops look at and report on by the month is live. */
export const ARCHIVE_AFTER_MS = 30 * 86_400_000;

export function readConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const flags = parseFlags(args);
  const port = Number(flags.port ?? env['HOLDFAST_PORT'] ?? 7070);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new ConfigError(`--port must be a number from 0 to 65535, not ${flags.port ?? env['HOLDFAST_PORT']}`);
  const engine = flags.engine ?? env['HOLDFAST_ENGINE'] ?? 'sqlite';
  if (!isEngine(engine)) throw new ConfigError(`--engine must be one of ${ENGINES.join(', ')}, not ${engine}`);
  const databaseUrl = env['HOLDFAST_DATABASE_URL'];
  if (engine === 'postgres' && !databaseUrl) throw new ConfigError('the postgres engine needs HOLDFAST_DATABASE_URL, such as postgres://user@127.0.0.1:5432/shop');
  const archiveDir = flags['archive-dir'] ?? env['HOLDFAST_ARCHIVE_DIR'];
  return {
    port,
    host: flags.host ?? env['HOLDFAST_HOST'] ?? '127.0.0.1',
    data: flags.data ?? env['HOLDFAST_DATA'] ?? './data',
    engine,
    databaseUrl,
    redis: redisFrom(env),
    modules: modulesFrom(env['HOLDFAST_MODULES']),
    adminKey: adminKeyFrom(env['HOLDFAST_ADMIN_KEY']),
    publicReads: (env['HOLDFAST_PUBLIC_READS'] ?? 'on') !== 'off',
    corsOrigins: (env['HOLDFAST_CORS_ORIGINS'] ?? '').split(',').map((origin) => origin.trim()).filter((origin) => origin !== ''),
    rateLimit: rateLimitFrom(env['HOLDFAST_RATE_LIMIT']),
    holdCaps: holdCapsFrom(env),
    waitingCommandsMax: countFrom('HOLDFAST_WAITING_COMMANDS', env),
    pipelinedMax: countFrom('HOLDFAST_PIPELINED_REQUESTS', env),
    logFile: env['HOLDFAST_LOG_FILE'],
    logLevel: env['HOLDFAST_LOG_LEVEL'] ?? 'info',
    demo: flags.demo ?? false,
    archive: archiveFrom(engine, archiveDir, { after: flags['archive-after'] ?? env['HOLDFAST_ARCHIVE_AFTER'], keep: flags['archive-keep'] ?? env['HOLDFAST_ARCHIVE_KEEP'] }),
    archiveDir,
  };
}

function archiveFrom(engine: EngineName, directory: string | undefined, asked: { after: string | undefined; keep: string | undefined }): ArchivePolicy {
  const nowhere = engine === 'postgres' && directory === undefined;
  if (asked.after === 'off' || (nowhere && asked.after === undefined)) return 'off';
  if (nowhere) throw new ConfigError('archiving from postgres needs --archive-dir, a directory that every node sees');
  const afterMs = asked.after === undefined ? ARCHIVE_AFTER_MS : durationFrom('--archive-after', asked.after);
  const keepMs = asked.keep === undefined || asked.keep === 'off' ? undefined : durationFrom('--archive-keep', asked.keep);
  if (keepMs !== undefined && keepMs <= afterMs) throw new ConfigError('--archive-keep must be longer than --archive-after: it says when archived history is deleted for good');
  return { afterMs, keepMs };
}

const UNITS_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration such as 30d, 12h, 15m or 90s. */
function durationFrom(name: string, text: string): number {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  if (count === undefined || unit === undefined) throw new ConfigError(`${name} must be off or a duration such as 30d, 12h, 15m or 90s, not ${text}`);
  return Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]; // the expression lets no other letter pass
}

interface Flags {
  readonly port?: string;
  readonly host?: string;
  readonly data?: string;
  readonly engine?: string;
  readonly demo?: boolean;
  readonly 'archive-after'?: string;
  readonly 'archive-keep'?: string;
  readonly 'archive-dir'?: string;
}

function parseFlags(args: readonly string[]): Flags {
  const string = { type: 'string' } as const;
  try {
    return parseArgs({ args: [...args], options: { port: string, host: string, data: string, engine: string, demo: { type: 'boolean' }, 'archive-after': string, 'archive-keep': string, 'archive-dir': string } }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

function isEngine(name: string): name is EngineName {
  return (ENGINES as readonly string[]).includes(name);
}

const REDIS_PREFIX = 'holdfast:';

function redisFrom(env: Readonly<Record<string, string | undefined>>): RedisPlace | undefined {
  const url = env['HOLDFAST_REDIS_URL'];
  if (url === undefined || url === '') return undefined;
  if (!URL.canParse(url) || !/^rediss?:$/.test(new URL(url).protocol)) throw new ConfigError('HOLDFAST_REDIS_URL must be like redis://127.0.0.1:6379 or rediss://user:password@host:6380/0');
  const prefix = env['HOLDFAST_REDIS_PREFIX'] ?? REDIS_PREFIX;
  if (!/^[\x21-\x7e]{1,64}$/.test(prefix)) throw new ConfigError('HOLDFAST_REDIS_PREFIX must be 1 to 64 printable characters without spaces');
  return { url, prefix };
}

function modulesFrom(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text === 'off' ? 'off' : resolve(text);
}

function adminKeyFrom(key: string | undefined): string | undefined {
  if (key === undefined || key === '') return undefined;
  if (!/^[\x21-\x7e]{8,256}$/.test(key)) throw new ConfigError('HOLDFAST_ADMIN_KEY must be 8 to 256 printable characters without spaces');
  return key;
}

/** `off`, a number of requests a second, or `<per second>/<burst>`. */
function rateLimitFrom(text: string | undefined): Config['rateLimit'] {
  if (text === undefined || text === '') return { perSecond: RATE_PER_SECOND, burst: RATE_BURST };
  if (text === 'off') return 'off';
  const [perSecond = Number.NaN, burst = perSecond * 2] = text.split('/').map(Number);
  if (!(perSecond > 0) || !(burst > 0)) throw new ConfigError(`HOLDFAST_RATE_LIMIT must be off, a number of requests a second, or <per second>/<burst>, not ${text}`);
  return { perSecond, burst };
}

/** Each `off`, a number of live holds, or `<holds>/<units>`. */
function holdCapsFrom(env: Readonly<Record<string, string | undefined>>): HoldCaps | undefined {
  const customer = capFrom('HOLDFAST_LIVE_HOLDS_PER_CUSTOMER', env);
  const key = capFrom('HOLDFAST_LIVE_HOLDS_PER_KEY', env);
  return customer || key ? { customer, key } : undefined;
}

function countFrom(name: string, env: Readonly<Record<string, string | undefined>>): number | undefined {
  const text = env[name];
  if (text === undefined || text === '') return undefined;
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new ConfigError(`${name} must be a number from 1 to 9999999, not ${text}`);
  return Number(text);
}

function capFrom(name: string, env: Readonly<Record<string, string | undefined>>): Cap | undefined {
  const text = env[name];
  if (text === undefined || text === '' || text === 'off') return undefined;
  const [, holds, units] = /^(\d{1,10})(?:\/(\d{1,10}))?$/.exec(text) ?? [];
  if (holds === undefined || Number(holds) < 1) throw new ConfigError(`${name} must be off, a number of holds, or <holds>/<units>, not ${text}`);
  return { holds: Number(holds), units: units === undefined ? undefined : Number(units) };
}
