/** Cuts the power at moments that chance picks, and judges what each cut left. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { below, chance, pick, seededRandom } from '../../../src/base/random.ts';
import { CrashingDisk, type FileSystem } from './crash-states.ts';
import { Listening, Promises } from './promises.ts';
import type { Recording } from './recording.ts';
import { Judge } from './recovery.ts';

const PARTITIONS = 16;
/** In memory where there is such a place: what is judged needs no disk of its own. */
const IMAGES = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export interface Finding {
  readonly states: number;
  /** Answers that were given before the last of the cuts. */
  readonly answers: number;
  readonly facts: number;
  readonly violations: readonly string[];
}

/** Half of the cuts are right after something was said: that is when a promise is youngest. */
function momentsOf({ deeds }: Recording, count: number, seed: number): number[] {
  const random = seededRandom(seed);
  const said = deeds.flatMap(({ kind }, index) => (kind === 'said' ? [index + 1] : []));
  const moments = Array.from({ length: count }, () => (said.length > 0 && chance(random, 0.5) ? pick(random, said) : below(random, deeds.length + 1)));
  return moments.sort((a, b) => a - b);
}

/** Judges `count` states, or fewer where `violationsMax` of them broke a promise before; `end`: the power goes when all was done. */
export async function cutPower(recording: Recording, count: number, options: { fileSystem: FileSystem; seed: number; violationsMax?: number; moments?: 'any' | 'end' }): Promise<Finding> {
  const { fileSystem, seed, violationsMax = 3, moments = 'any' } = options;
  const judge = await Judge.of(recording.data);
  const random = seededRandom(seed + 1);
  const disk = new CrashingDisk(recording.root, fileSystem);
  const promised = new Promises(PARTITIONS);
  const listening = new Listening();
  const image = mkdtempSync(join(IMAGES, 'holdfast-image-'));
  const violations: string[] = [];
  let [played, states] = [0, 0];
  for (const moment of moments === 'any' ? momentsOf(recording, count, seed) : new Array<number>(count).fill(recording.deeds.length)) {
    for (; played < moment; played++) {
      const deed = recording.deeds[played];
      if (deed?.kind === 'said') for (const answer of listening.hear(deed)) promised.take(answer);
      else if (deed) disk.play(deed);
    }
    disk.writeTo(image, random);
    states++;
    const faults = await judge.faultsOf(join(image, relative(recording.root, recording.data)), promised);
    if (faults.length > 0) violations.push(`after ${moment} of ${recording.deeds.length} deeds, ${fileSystem}, seed ${seed}: ${faults.join('; ')}`);
    if (violations.length >= violationsMax) break;
  }
  rmSync(image, { recursive: true, force: true });
  return { states, answers: promised.answers, facts: judge.facts, violations };
}
