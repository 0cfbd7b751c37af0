import { parseArgs } from 'node:util';

/** How to run, from flags first and the environment second. */
export interface Config {
  readonly port: number;
  readonly host: string;
  readonly data: string;
  readonly engine: EngineName;
  readonly databaseUrl: string | undefined;
  readonly adminKey: string | undefined;
  readonly publicReads: boolean;
  readonly corsOrigins: readonly string[];
  readonly rateLimit: 'off' | { readonly perSecond: number; readonly burst: number };
  /** A file for the logs; standard error where absent. */
  readonly logFile: string | undefined;
  readonly logLevel: string;
  readonly demo: boolean;
}

export const ENGINES = ['sqlite', 'postgres'] as const;
export type EngineName = (typeof ENGINES)[number];

/** Said when flags or environment cannot be understood; its message tells what to write instead. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Requests a key may make a second, and in one burst, unless HOLDFAST_RATE_LIMIT says otherwise: a shop in a sale. */
const RATE_PER_SECOND = 5_000;
const RATE_BURST = 10_000;

export function readConfig(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Config {
  const flags = parseFlags(args);
  const port = Number(flags.port ?? env['HOLDFAST_PORT'] ?? 7070);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new ConfigError(`--port must be a number from 0 to 65535, not ${flags.port ?? env['HOLDFAST_PORT']}`);
  const engine = flags.engine ?? env['HOLDFAST_ENGINE'] ?? 'sqlite';
  if (!isEngine(engine)) throw new ConfigError(`--engine must be one of ${ENGINES.join(', ')}, not ${engine}`);
  const databaseUrl = env['HOLDFAST_DATABASE_URL'];
  if (engine === 'postgres' && !databaseUrl) throw new ConfigError('the postgres engine needs HOLDFAST_DATABASE_URL, such as postgres://user@127.0.0.1:5432/shop');
  return {
    port,
    host: flags.host ?? env['HOLDFAST_HOST'] ?? '127.0.0.1',
    data: flags.data ?? env['HOLDFAST_DATA'] ?? './data',
    engine,
    databaseUrl,
    adminKey: adminKeyFrom(env['HOLDFAST_ADMIN_KEY']),
    publicReads: (env['HOLDFAST_PUBLIC_READS'] ?? 'on') !== 'off',
    corsOrigins: (env['HOLDFAST_CORS_ORIGINS'] ?? '').split(',').map((origin) => origin.trim()).filter((origin) => origin !== ''),
    rateLimit: rateLimitFrom(env['HOLDFAST_RATE_LIMIT']),
    logFile: env['HOLDFAST_LOG_FILE'],
    logLevel: env['HOLDFAST_LOG_LEVEL'] ?? 'info',
    demo: flags.demo ?? false,
  };
}

function parseFlags(args: readonly string[]): { port?: string; host?: string; data?: string; engine?: string; demo?: boolean } {
  const string = { type: 'string' } as const;
  try {
    return parseArgs({ args: [...args], options: { port: string, host: string, data: string, engine: string, demo: { type: 'boolean' } } }).values;
  } catch (error) {
    throw new ConfigError(error instanceof Error ? error.message : String(error));
  }
}

function isEngine(name: string): name is EngineName {
  return (ENGINES as readonly string[]).includes(name);
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
