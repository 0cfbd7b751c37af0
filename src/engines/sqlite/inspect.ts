import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { logFile, SCHEMA_VERSION } from './schema.ts';
import { damagedRows } from './view-rows.ts';

/** One file of a store, as it was found. */
export interface InspectedFile {
  readonly file: string;
  readonly bytes: number;
  /** Layout of the file, and the one that this Holdfast writes. */
  readonly schema: number;
  readonly known: number;
  /** What SQLite finds wrong with it; empty where nothing is. */
  readonly faults: readonly string[];
}

/** Faults that SQLite names of one file: the first say what is to be done. */
const FAULTS_MAX = 10;

/** Looks at the files of a store without changing them; another process may work in it. `but`: tables whose rows somebody else looks at. */
export function inspectSqlite(directory: string, but: ReadonlySet<string> = new Set()): InspectedFile[] {
  const log = logFile(directory);
  const views = readdirSync(directory).filter((name) => /^views(?:-\d+)?\.db$/.test(name)).map((name) => join(directory, name));
  return [...(existsSync(log) ? [inspect(log, () => [])] : []), ...views.map((file) => inspect(file, (connection) => damagedRows(connection, but)))];
}

/** `look`: what is wrong with rows that SQLite finds in order. */
function inspect(file: string, look: (connection: DatabaseSync) => string[]): InspectedFile {
  const about = { file: basename(file), bytes: statSync(file).size, known: SCHEMA_VERSION };
  try {
    const database = new DatabaseSync(file, { timeout: 1_000 });
    try {
      database.exec('PRAGMA query_only = ON');
      const schema = Number(database.prepare('PRAGMA user_version').get()?.['user_version']);
      // Not the quick one: that takes indexes at their word.
      const said = database.prepare(`PRAGMA integrity_check(${FAULTS_MAX})`).all().map((row) => String(row['integrity_check']));
      const faults = said.filter((line) => line !== 'ok');
      return { ...about, schema, faults: faults.length > 0 || schema !== SCHEMA_VERSION ? faults : look(database) };
    } finally {
      database.close();
    }
  } catch (error) {
    return { ...about, schema: 0, faults: [error instanceof Error ? error.message : String(error)] };
  }
}

/** The process that holds a store's lock, where the operating system tells: on Linux. */
export function lockHolder(directory: string): { readonly pid: number; readonly command: string } | undefined {
  try {
    const { ino } = statSync(join(directory, 'lock.db'));
    const line = readFileSync('/proc/locks', 'utf8').split('\n').find((text) => text.includes(`:${ino} `) && text.includes('WRITE'));
    const pid = Number(line?.split(/\s+/)[4]);
    if (!Number.isInteger(pid) || pid <= 0) return undefined;
    return { pid, command: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim() };
  } catch {
    return undefined; // another system, or the process has just ended
  }
}
