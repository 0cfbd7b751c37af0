import { passing } from '../../base/crash-points.ts';
import { Fault } from '../../base/errors.ts';
import { canonicalJson } from '../../base/json.ts';
import { encodeEvents, type Commit, type LogId, type Position, type Store } from '../../store/store.ts';
import type { Progress } from '../backup/take.ts';
import { NOTE } from './note.ts';

export interface Pair {
  readonly source: Store;
  readonly target: Store;
  readonly onProgress: Progress;
  /** To be called every so often: others are kept off both stores. */
  readonly keep: () => Promise<void>;
}

/** What goes over in one transaction. */
const COMMITS_PER_STEP = 1_000;
const FACTS_PER_STEP = 10_000;
export const MESSAGES_PER_STEP = 1_000;

/** Settings that speak of the place and not of what is stored. */
const OF_THE_PLACE: ReadonlySet<string> = new Set([NOTE, 'archive']);

export async function copyLogs(pair: Pair): Promise<void> {
  const heads = await pair.source.log.heads();
  const total = heads.reduce((all, head) => all + head, 0);
  let done = 0;
  for (const log of heads.keys()) {
    await copyLog(pair, log, (position) => pair.onProgress('commits', done + position, total));
    done += heads[log] ?? 0;
  }
}

async function copyLog(pair: Pair, log: LogId, onPosition: (position: Position) => void): Promise<void> {
  const { source, target, keep } = pair;
  const begun = await source.log.trimmedTo(log);
  if ((await target.log.head(log)) === 0 && begun > 0) await target.transfer.beginAfter(log, begun);
  const from = await target.log.head(log);
  await checkSame(pair, log, from);
  let step: Commit[] = [];
  let facts = 0;
  const send = async (): Promise<void> => {
    if (step.length === 0) return;
    await target.transfer.addCommits(log, step);
    passing('migrate.commits');
    onPosition(step.at(-1)?.position ?? 0);
    await keep();
    step = [];
    facts = 0;
  };
  for await (const commit of source.log.read(log, from)) {
    step.push(commit);
    facts += commit.events.length;
    if (step.length >= COMMITS_PER_STEP || facts >= FACTS_PER_STEP) await send();
  }
  await send();
}

/** Going on where it was cut off makes sense only on a copy of the same store. */
async function checkSame({ source, target }: Pair, log: LogId, head: Position): Promise<void> {
  if (head === 0 || head === (await target.log.trimmedTo(log))) return;
  const [theirs, ours] = [await commitAt(source, log, head), await commitAt(target, log, head)];
  if (theirs !== ours) throw new Fault('unavailable', `the target was begun from another store: log ${log} differs at position ${head}; begin with an empty one`, { retry: 'never' });
}

async function commitAt({ log: { read } }: Store, log: LogId, position: Position): Promise<string | undefined> {
  for await (const { token, events } of read(log, position - 1)) return `${token} ${encodeEvents(events)}`;
  return undefined;
}

/** Those that are there already are left alone, so a second run changes nothing. */
export async function copyMessages({ source, target, onProgress, keep }: Pair): Promise<number> {
  let copied = 0;
  for (let place = 0; ; ) {
    const page = await source.transfer.messages(place, MESSAGES_PER_STEP);
    const last = page.at(-1);
    if (last === undefined) return copied;
    await target.transfer.addMessages(page.map(({ message }) => message));
    passing('migrate.messages');
    copied += page.length;
    onProgress('messages', copied, copied + (page.length === MESSAGES_PER_STEP ? MESSAGES_PER_STEP : 0));
    place = last.place;
    await keep();
  }
}

export async function copySettings({ source, target }: Pair): Promise<number> {
  const settings = await settingsOf(source);
  for (const { name, value } of settings) {
    if (await target.settings.swap(name, undefined, value)) continue;
    if (canonicalJson(await target.settings.get(name)) !== canonicalJson(value)) throw new Fault('unavailable', `the target has another setting ${name}: begin with an empty one`, { retry: 'never' });
  }
  return settings.length;
}

export async function settingsOf({ settings }: Store): ReturnType<Store['settings']['list']> {
  return (await settings.list('')).filter(({ name }) => !OF_THE_PLACE.has(name));
}
