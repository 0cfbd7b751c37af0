import { createHash } from 'node:crypto';
import { Fault } from '../../base/errors.ts';
import { canonicalJson } from '../../base/json.ts';
import { encodeEvents, type LogId, type Store } from '../../store/store.ts';
import { MESSAGES_PER_STEP, settingsOf, type Pair } from './copy.ts';

/** Commits between two looks at anything else. */
const COMMITS_PER_LOOK = 1_000;

interface LogDigest {
  readonly commits: number;
  readonly facts: number;
  readonly sha256: string;
}

/** Reads both stores from one end to the other, and says what they have in common: everything, or it throws. */
export async function compare(pair: Pair): Promise<{ commits: number; facts: number; sha256: string }> {
  const { source, target, onProgress } = pair;
  const total = 2 * (await source.log.heads()).reduce((all, head) => all + head, 0);
  const whole = createHash('sha256');
  let [commits, facts, read] = [0, 0, 0];
  const onRead = async (count: number): Promise<void> => {
    onProgress('comparing', (read += count), total);
    await pair.keep();
  };
  for (let log = 0; log < source.partitions; log++) {
    const [theirs, ours] = [await digestLog(source, log, onRead), await digestLog(target, log, onRead)];
    if (theirs.sha256 !== ours.sha256) throw differs(`log ${log} (${theirs.commits} commits there, ${ours.commits} here)`);
    whole.update(ours.sha256);
    commits += ours.commits;
    facts += ours.facts;
  }
  if ((await digestMessages(source)) !== (await digestMessages(target))) throw differs('the queues');
  if (canonicalJson(await settingsOf(source)) !== canonicalJson(await settingsOf(target))) throw differs('the settings');
  return { commits, facts, sha256: whole.digest('hex') };
}

async function digestLog(store: Store, log: LogId, onRead: (count: number) => Promise<void>): Promise<LogDigest> {
  const hash = createHash('sha256');
  hash.update(`${await store.log.trimmedTo(log)}\n`);
  let [commits, facts] = [0, 0];
  for await (const { position, token, events } of store.log.read(log, await store.log.trimmedTo(log))) {
    hash.update(`${position} ${token} ${encodeEvents(events)}\n`);
    facts += events.length;
    if (++commits % COMMITS_PER_LOOK === 0) await onRead(COMMITS_PER_LOOK);
  }
  await onRead(commits % COMMITS_PER_LOOK);
  return { commits, facts, sha256: hash.digest('hex') };
}

/** Without their places, which are each engine's own. */
async function digestMessages({ transfer }: Store): Promise<string> {
  const hash = createHash('sha256');
  for (let place = 0; ; ) {
    const page = await transfer.messages(place, MESSAGES_PER_STEP);
    const last = page.at(-1);
    if (last === undefined) return hash.digest('hex');
    for (const { message } of page) hash.update(`${canonicalJson({ ...message })}\n`);
    place = last.place;
  }
}

function differs(what: string): Fault {
  return new Fault('corrupt', `${what} came over otherwise than it is in the source, so the target was not released: begin again with an empty one`, { retry: 'never' });
}
