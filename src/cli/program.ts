import { Command } from 'commander';
import { addBackup } from './backup/backup.ts';
import { addBench } from './bench/bench.ts';
import { addMigrate } from './migrate/migrate.ts';
import { addRebuild } from './rebuild/rebuild.ts';
import { addExport } from './export/export.ts';
import { addImport } from './import/import.ts';
import { addReplay } from './replay/replay.ts';
import { addDoctor } from './doctor/doctor.ts';
import { addSimulate } from './simulate/simulate.ts';
import { addVerify } from './verify/verify.ts';

/** All commands, with what each of them needs. */
export async function runProgram(args: readonly string[]): Promise<void> {
  const program = new Command('holdfast').description('Real-time commerce backend: stock that never oversells.');
  // For the list of commands: who serves does not come here.
  program.command('serve').description('serve the HTTP interface');
  addReplay(program);
  addBench(program);
  addBackup(program);
  addRebuild(program);
  addExport(program);
  addImport(program);
  addMigrate(program);
  addVerify(program);
  addDoctor(program);
  addSimulate(program);
  await program.parseAsync([...args], { from: 'user' });
}
