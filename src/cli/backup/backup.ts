/** `holdfast backup` and `holdfast restore`: copies of an embedded store, taken while a server works in it. */
import type { Command } from 'commander';
import { backUp, restore, type Manifest } from '../../app/app.ts';
import { progressBar } from '../progress-bar.ts';

interface Flags {
  readonly data: string;
}

/** Puts `backup` and `restore` among the commands. */
export function addBackup(program: Command): void {
  const data = process.env['HOLDFAST_DATA'] ?? './data';
  program
    .command('backup')
    .description('copy an embedded store, while a server works in it or not')
    .argument('<to>', 'the directory that becomes the backup; it must not exist yet')
    .option('--data <directory>', 'the store', data)
    .option('--archive-dir <directory>', 'where the archive is, if not below the store', process.env['HOLDFAST_ARCHIVE_DIR'])
    .option('--no-views', 'leave out what can be made again: smaller, and the first start on it takes longer')
    .action(async (to: string, { data: from, views, archiveDir: archive }: Flags & { views: boolean; archiveDir?: string }) => {
      using bar = progressBar(process.stderr);
      const manifest = await backUp({ from, to, archive, views: views ? 'with' : 'without', onProgress: bar.update });
      bar[Symbol.dispose]();
      process.stdout.write(`backed up ${from} to ${to}: ${told(manifest)}\n`);
    });
  program
    .command('restore')
    .description('make an embedded store of a backup')
    .argument('<from>', 'the backup')
    .option('--data <directory>', 'the directory that becomes the store; it must be empty', data)
    .action(async (from: string, { data: to }: Flags) => {
      using bar = progressBar(process.stderr);
      const manifest = await restore({ from, to, onProgress: bar.update });
      bar[Symbol.dispose]();
      process.stdout.write(`restored ${from} to ${to}: ${told(manifest)}\n`);
    });
}

function told({ files, heads, cursor, takenAt }: Manifest): string {
  const megabytes = files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  const commits = heads.reduce((sum, head) => sum + head, 0);
  return `${commits} commits, ${megabytes.toFixed(1)} MB in ${files.length} files, taken at ${takenAt}, cursor ${cursor}`;
}
