import { flushCompileCache } from 'node:module';
import { readConfig, serve } from '../app/serve.ts';

const USAGE = `holdfast serve [--port 7070] [--host 127.0.0.1] [--data ./data] [--engine sqlite|postgres] [--demo]
               [--archive-after 30d|off] [--archive-dir ./data/archive] [--archive-keep 365d|off]

The same as HOLDFAST_PORT, HOLDFAST_HOST, HOLDFAST_DATA, HOLDFAST_ENGINE, HOLDFAST_ARCHIVE_AFTER, and so on; besides these HOLDFAST_DATABASE_URL, HOLDFAST_REDIS_URL,
HOLDFAST_ADMIN_KEY, HOLDFAST_PUBLIC_READS=on|off, HOLDFAST_RATE_LIMIT=off|<per second>[/<burst>],
HOLDFAST_CORS_ORIGINS, HOLDFAST_LOG_FILE, HOLDFAST_LOG_LEVEL.
`;

/** After a start: those who were waiting for it first. */
const KEEP_COMPILED_MS = 2_000;

/** Serves until it is told to stop, then lets what is under way finish and ends with 0. */
export async function serveCommand(args: readonly string[]): Promise<void> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(USAGE);
    return;
  }
  const config = readConfig(args, process.env);
  const stopping = Promise.withResolvers<void>();
  // Signals may come twice, from npm and from the terminal: the second changes nothing.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.resolve());
  await using server = await serve(config);
  process.stdout.write(`listening on ${server.url}\n`);
  // Node.js keeps it when it ends in peace, and after a `kill -9` the next start would compile everything again.
  setTimeout(flushCompileCache, KEEP_COMPILED_MS).unref();
  await stopping.promise;
}
