/** `holdfast rebuild`: states and views made again from the log, where no server runs. */
import type { Command } from 'commander';
import { rebuildPlace } from '../../app/app.ts';
import { addPlace, storePlace, type PlaceFlags } from '../place.ts';
import { progressBar } from '../progress-bar.ts';

/** Puts `rebuild` among the commands. */
export function addRebuild(program: Command): void {
  addPlace(program.command('rebuild').description('make saved states and views again from the log; a running server does it with POST /v1/views/rebuild')).action(
    async (flags: PlaceFlags) => {
      using bar = progressBar(process.stderr);
      const { commits, facts, seconds } = await rebuildPlace(storePlace(flags), bar.update);
      bar[Symbol.dispose]();
      const n = (value: number): string => value.toLocaleString('en');
      process.stdout.write(`made the views again from ${n(facts)} facts in ${n(commits)} commits in ${seconds.toFixed(1)} s, ${n(Math.round(facts / Math.max(seconds, 0.001)))} facts/s\n`);
    },
  );
}
