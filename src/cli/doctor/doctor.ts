/** `holdfast doctor`: what is wrong with this installation, and what to do about each thing. */
import type { Command } from 'commander';
import { examine, placeOf, readConfig, type Finding } from '../../app/app.ts';
import { addPlace, type PlaceFlags } from '../place.ts';

interface Flags extends PlaceFlags {
  readonly json?: boolean;
  readonly port?: string;
  readonly host?: string;
}

/** Puts `doctor` among the commands. */
export function addDoctor(program: Command): void {
  addPlace(program.command('doctor'))
    .description('what is wrong with this installation and what to do: exit code 1 where something is, 0 also with warnings')
    .option('--port <port>', 'that the server listens on')
    .option('--host <host>', 'that the server listens on')
    .option('--json', 'every finding as JSON')
    .action(async ({ json = false, ...flags }: Flags) => {
      const args = Object.entries(flags).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
      const config = readConfig(args, process.env);
      const findings = await examine(config, placeOf(config), process.env);
      process.stdout.write(json ? `${JSON.stringify({ findings }, undefined, 2)}\n` : report(findings));
      process.exitCode = findings.some(({ level }) => level === 'error') ? 1 : 0;
    });
}

const SIGNS = { ok: 'ok      ', warning: 'WARNING ', error: 'ERROR   ' } as const;

function report(findings: readonly Finding[]): string {
  const lines = findings.map(({ level, check, message, next }) => `${SIGNS[level]}${check}: ${message}${next === undefined ? '' : `\n        → ${next}`}`);
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  const [errors, warnings] = [count('error'), count('warning')];
  return `${lines.join('\n')}\n${errors === 0 && warnings === 0 ? 'nothing is wrong' : `${errors} errors, ${warnings} warnings`}\n`;
}
