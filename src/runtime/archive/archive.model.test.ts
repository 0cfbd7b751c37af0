import { expect, test } from 'vitest';
import { isFault } from '../../base/errors.ts';
import { below, chance, pick, seededRandom, systemRandom } from '../../base/random.ts';
import type { Commit } from '../../store/store.ts';
import { DAY, openYard, readAll, readAt, readTogether, type Yard } from './testing.ts';

const SEED = Number(process.env['HOLDFAST_SEED'] ?? systemRandom().u32() >>> 1);
const RUNS = process.env['HOLDFAST_LONG'] === '1' ? 100 : 6;
const STEPS = 60;

/** Two nodes on one log and one archive, each of whose calls may break off before or after it took effect. */
async function play(seed: number): Promise<void> {
  const random = seededRandom(seed);
  let stormy = true;
  const interfere = (): void => {
    if (stormy && chance(random, 0.06)) throw new Error('broken off');
  };
  const policy = { charactersMax: 500 + below(random, 4_000), ...(chance(random, 0.5) ? { keepMs: (3 + below(random, 6)) * DAY } : undefined) };
  await using first = openYard({ interfere, beforeTrim: interfere, ...policy });
  const second = openYard({ interfere, beforeTrim: interfere, ...policy, live: first.live, objects: first.cold.objects, clock: first.clock, holder: 'node-2' });
  const nodes: readonly Yard[] = [first, second];
  const written: Commit[][] = [[], [], []];

  const grow = async (): Promise<void> => {
    const log = below(random, 3);
    const known = written[log] ?? [];
    await first.grow(log, 1 + below(random, 12));
    known.push(...(await readAll(first.live.log, log, known.length)));
  };
  const archive = async (): Promise<void> => {
    try {
      await pick(random, nodes).archiver.run();
    } catch (error) {
      // A broken run, or the other node's lease: the next one goes on.
      if (!isFault(error, 'fenced') && !(error instanceof Error && error.message === 'broken off')) throw error;
      first.clock.advance(chance(random, 0.5) ? 61_000 : 0);
    }
  };
  const read = async (): Promise<void> => {
    const log = below(random, 3);
    const known = written[log] ?? [];
    const after = below(random, known.length + 1);
    const { log: reader, archive: from } = pick(random, nodes);
    const deleted = await from.deletedTo(log);
    try {
      expect(await readAll(reader, log, after)).toEqual(known.slice(after));
      expect(await readTogether(reader, new Map([[log, after]]))).toEqual(known.slice(after));
      const places = known.slice(after).map(({ position }) => position).filter(() => chance(random, 0.3));
      expect(await readAt(reader, log, places)).toEqual(places.map((position) => known[position - 1]));
    } catch (error) {
      if (error instanceof Error && error.message === 'broken off') return;
      // Only what the policy deleted may be lost.
      if (!isFault(error, 'history-lost') || after >= deleted) throw error;
    }
  };

  for (let step = 0; step < STEPS; step++) {
    const drawn = below(random, 10);
    if (drawn < 3) await grow();
    else if (drawn < 5) first.clock.advance(below(random, 2 * DAY));
    else if (drawn < 7) await archive();
    else await read();
  }
  stormy = false;
  first.clock.advance(61_000);
  await first.archiver.run();
  for (const [log, known] of written.entries()) {
    const deleted = await second.archive.deletedTo(log);
    expect(await readAll(second.log, log, deleted)).toEqual(known.slice(deleted));
    if (policy.keepMs === undefined) expect(deleted).toBe(0);
    for (const segment of (await second.archive.segments(log)).chain) await second.archive.check(segment);
  }
}

test(`whatever breaks off, every commit that the policy keeps is read once and as it was written (${RUNS} runs from seed ${SEED})`, async () => {
  for (let run = 0; run < RUNS; run++) await expect(play(SEED + run), `seed ${SEED + run}`).resolves.toBeUndefined();
}, 600_000);
