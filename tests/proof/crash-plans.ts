/** Where the rounds of the proof of crashes are killed: half of them while the store is busy with more than shoppers. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CrashPoint } from '../../src/base/crash-points.ts';
import { below, chance, pick, type Random } from '../../src/base/random.ts';
import type { Books } from './books.ts';
import { holdfast } from './killed-commands.ts';
import type { Place } from './places.ts';
import type { ServerProcess } from './server-process.ts';

/** What a store does besides taking orders. */
export type Activity = 'snapshot' | 'archive' | 'import' | 'migration';

/** A round's point, and how often it may be passed before; without one it is killed at a random moment. */
export interface Plan {
  readonly activity?: Activity;
  readonly at?: readonly [CrashPoint, number];
}

type Points = readonly (readonly [CrashPoint, number])[];

/** By how often the points may be passed before. A snapshot is the saving of states with the views, and the copying of them into their file. */
const POINTS: Readonly<Record<Activity, Points>> = {
  snapshot: [['views.apply', 6], ['views.committed', 6], ['views.checkpoint', 1]],
  archive: [['log.trim', 12], ['archive.packed', 4], ['archive.trimmed', 4]],
  import: [['import.begun', 3], ['import.taken', 3]],
  migration: [['migrate.noted', 1], ['migrate.commits', 8], ['migrate.messages', 1], ['migrate.settings', 1], ['migrate.compared', 1], ['migrate.views', 1], ['migrate.released', 1]],
};
const COMMITS: Points = [['log.append', 60], ['log.committed', 60], ['log.checkpoint', 4], ['queue.put', 20], ['queue.claim', 20], ['queue.finish', 20]];

/** A migration reads and writes all there is, so it is every so many rounds only. */
const MIGRATION_EVERY = 12;

function oneOf(points: Points, random: Random): readonly [CrashPoint, number] {
  const [point, most] = pick(random, points);
  return [point, 1 + below(random, most)];
}

/** What the next round is killed at. A point may not be reached in time, so activities come until they have had half of all kills and one more. */
export function nextPlan(round: number, { kills, inActivities }: { kills: number; inActivities: number }, random: Random): Plan {
  if (round % MIGRATION_EVERY === 0) return { activity: 'migration', at: oneOf(POINTS.migration, random) };
  if (inActivities * 2 <= kills + 1) {
    const activity = pick(random, ['snapshot', 'archive', 'import'] as const);
    return { activity, at: oneOf(POINTS[activity], random) };
  }
  return chance(random, 0.5) ? { at: oneOf(COMMITS, random) } : {};
}

const SUPPLIES = Array.from({ length: 10 }, (_, index) => `SUPPLY-${index}`);
/** Three parts, as they are sent. */
const LINES = 6_000;

/** Files that are imported through the service while it is killed; every line has a name, by which the books see whether it came twice. */
export class Supplies {
  readonly #directory: string;
  #files = 0;
  #unfinished: string | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Begins another file; whatever becomes of it. */
  async begin(server: ServerProcess): Promise<void> {
    const number = ++this.#files;
    const file = join(this.#directory, `supplies-${number}.csv`);
    await writeFile(file, `sku,change,reason,reference\n${Array.from({ length: LINES }, (_, line) => `${SUPPLIES[line % SUPPLIES.length]},1,received,supply-${number}-${line}\n`).join('')}`);
    this.#unfinished = file;
    await holdfast(commandOf(server, file));
  }

  /** Goes on where it was cut off. */
  async finish(server: ServerProcess): Promise<void> {
    if (this.#unfinished === undefined) return;
    const { code, out, err } = await holdfast(commandOf(server, this.#unfinished));
    if (code !== 0) throw new Error(`the import of ${this.#unfinished} ended with ${code}: ${out}${err}`);
    await rm(this.#unfinished);
    this.#unfinished = undefined;
  }

  /** Lines that are missing from the facts; of those that came twice the books tell. */
  missing({ adjustments }: Books): string[] {
    const missing: string[] = [];
    for (let number = 1; number <= this.#files; number++) for (let line = 0; line < LINES; line++) if (!adjustments.has(`supply-${number}-${line}`)) missing.push(`line ${line} of import ${number} is lost`);
    return missing;
  }

  get lines(): number {
    return this.#files * LINES;
  }
}

const commandOf = (server: ServerProcess, file: string): string[] => ['import', file, '--url', server.url, '--key', server.key, '--create-items'];

/** Moves an embedded store that nobody works on, killed on the way; gives where it is then, and whether it really was killed. */
export async function moveKilled(place: Place, target: string, at: readonly [CrashPoint, number]): Promise<{ place: Place; killed: boolean }> {
  const [flag = '', from = '', ...rest] = place.flags;
  const args = ['migrate', '--from', from, '--to', target];
  const first = await holdfast(args, at);
  const killed = first.code === null;
  // Whoever was killed after the end has nothing left to do.
  const last = killed && at[0] !== 'migrate.released' ? await holdfast(args) : first;
  if (last.code !== 0 && !killed) throw new Error(`the migration ended with ${last.code}: ${last.err}`);
  if (last.code !== 0 && at[0] !== 'migrate.released') throw new Error(`the migration that was killed at ${at.join(':')} ended with ${last.code}: ${last.err}`);
  await rm(from, { recursive: true });
  return { place: { ...place, flags: [flag, target, ...rest] }, killed };
}
