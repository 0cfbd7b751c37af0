import { freshDatabase } from '../database.ts';
import { inProcess, type InProcessResult } from '../in-process.ts';
import { plainFile } from '../peers/plain-file.ts';
import { postgresBatching } from '../peers/postgres-batching.ts';
import { hasRedis, redisLua } from '../peers/redis-lua.ts';
import { atLeast, type Line } from '../report.ts';
import { inRounds, type Rounds, type Sample } from '../rounds.ts';
import type { Settings, Suite } from './suite.ts';

/** The engine without HTTP, next to the peers that also commit in groups, and to the disk itself. */
export const engine: Suite = { name: 'engine', about: 'holds in process on SQLite', run };

const MANY = 4_000;
/** More than memory keeps as objects, asked for without any rhyme. */
const MANY_ITEMS = 100_000;

const CALLERS = [64, 512] as const;
type Peer = 'PostgreSQL batching' | 'Redis Lua';
type Name = 'engine' | 'all' | 'all, many items' | 'engine, 64' | `${Peer}, ${(typeof CALLERS)[number]}` | 'file';

async function run({ seconds, warmUpSeconds, rounds }: Settings): Promise<Line[]> {
  await using database = await freshDatabase();
  const withRedis = hasRedis();
  let last: InProcessResult | undefined;
  let viewsBehindSeconds = 0;
  const ours = async (parts: 'engine' | 'all', callers: number, items = 1): Promise<Sample> => {
    const result = await inProcess({ parts, callers, items, seconds, warmUpSeconds });
    if (callers === MANY && items === 1) last = result;
    viewsBehindSeconds = Math.max(viewsBehindSeconds, result.viewsBehindSeconds ?? 0);
    return { perSecond: result.perSecond, p99: result.waits.p99 };
  };
  const postgres = (callers: number) => async (): Promise<Sample> =>
    database === undefined ? ABSENT : sampleOf(await postgresBatching({ url: database.url, callers, seconds, warmUpSeconds }));
  const redis = (callers: number) => async (): Promise<Sample> => (withRedis ? sampleOf(await redisLua({ callers, seconds, warmUpSeconds })) : ABSENT);
  const measured = await inRounds<Name>(rounds, {
    'PostgreSQL batching, 64': postgres(64),
    'Redis Lua, 64': redis(64),
    engine: () => ours('engine', MANY),
    file: async () => plainFile({ bytesPerHold: last?.bytesPerHold ?? 0, holdsPerBatch: last?.holdsPerCommit ?? 0, seconds: Math.min(seconds, 2) }),
    all: () => ours('all', MANY),
    'all, many items': () => ours('all', MANY, MANY_ITEMS),
    'engine, 64': () => ours('engine', 64),
    'PostgreSQL batching, 512': postgres(512),
    'Redis Lua, 512': redis(512),
  });
  console.error(`  the views had every hold at most ${viewsBehindSeconds.toFixed(1)} s after the last was acknowledged`);
  return linesOf(measured);
}

const ABSENT: Sample = { perSecond: Number.NaN };

const sampleOf = (result: { perSecond: number; waits: { p99: number } }): Sample => ({ perSecond: result.perSecond, p99: result.waits.p99 });

function linesOf(measured: Rounds<Name>): Line[] {
  const unit = '/s';
  const versus = (ours: Name, name: string, other: Name, words: string): Line => ({
    name,
    figure: measured.perSecond(ours),
    unit,
    beside: { name: words, figure: measured.perSecond(other) },
    ratio: measured.ratio(ours, other),
  });
  const figure = measured.perSecond('engine');
  const inProcessWords = 'in process, 4,000 callers';
  const goals = { 'PostgreSQL batching': 5, 'Redis Lua': 2 };
  const peers: Line[] = (Object.keys(goals) as Peer[]).flatMap((peer) =>
    CALLERS.flatMap((callers): Line[] => {
      const line = versus('engine', inProcessWords, `${peer}, ${callers}`, `${peer}, ${callers} callers`);
      // The goals were set against 64 callers; 512 are shown because both peers gain from them.
      return Number.isNaN(line.figure / (line.beside?.figure ?? 0)) ? [] : [callers === 64 ? { ...line, ...atLeast(line.ratio ?? 0, goals[peer]) } : line];
    }),
  );
  return [
    { ...versus('engine', inProcessWords, 'file', 'the same bytes, plain file'), ...atLeast(figure, 250_000) },
    { name: 'in process, 4,000 callers, p99', figure: measured.p99('engine'), unit: 'ms' },
    versus('all', 'in process, views laid out meanwhile', 'engine', inProcessWords),
    versus('all, many items', 'in process, 100,000 items at random, views laid out meanwhile', 'all', 'one item'),
    versus('engine, 64', 'in process, 64 callers', 'engine', inProcessWords),
    ...peers,
  ];
}
