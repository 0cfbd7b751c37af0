/** `holdfast migrate`: from an embedded store to PostgreSQL, or back. */
import type { Command } from 'commander';
import { migrate, type StorePlace } from '../../app/app.ts';
import { progressBar } from '../progress-bar.ts';

interface Flags {
  readonly from: string;
  readonly to: string;
  readonly archiveDir?: string;
}

/** Puts `migrate` among the commands. */
export function addMigrate(program: Command): void {
  const where = 'a directory, or postgres://user:password@host:port/database';
  program
    .command('migrate')
    .description('move a store to another engine, with the same facts, positions, cursors, queues and keys; run it again where it was cut off')
    .requiredOption('--from <place>', where)
    .option('--archive-dir <directory>', 'where the archive of the source is, if not below its directory', process.env['HOLDFAST_ARCHIVE_DIR'])
    .requiredOption('--to <place>', `${where}; it must be empty`)
    .action(async ({ from, to, archiveDir }: Flags) => {
      using bar = progressBar(process.stderr);
      const { commits, facts, messages, settings, sha256 } = await migrate({ from: { ...placeAt(from), archive: archiveDir }, to: placeAt(to), onProgress: bar.update });
      bar[Symbol.dispose]();
      process.stdout.write(`migrated ${commits} commits with ${facts} facts, ${messages} messages and ${settings} settings; both sides are the same (SHA-256 ${sha256})\n`);
    });
}

function placeAt(text: string): StorePlace {
  return /^postgres(ql)?:\/\//.test(text) ? { engine: 'postgres', url: text } : { engine: 'sqlite', directory: text };
}
