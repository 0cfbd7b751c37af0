import { Bug } from '../../base/assert.ts';
import { conflict, Fault } from '../../base/errors.ts';

/** The SQLSTATE of an error that the server sent, or undefined where the connection itself failed. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Whether the connection that gave this error is of no more use. What is not an error of the server is an error of
 * the way to it. A server that has become read only is one that was replaced: the next connection finds its successor.
 */
export function breaksConnection(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return !(error instanceof Fault || error instanceof Bug);
  return state.startsWith('08') || state.startsWith('57P') || state === '25006' || state === '53300' || state === '26000';
}

type Translation = (what: string, cause: unknown) => Error;

const unavailable: Translation = (what, cause) =>
  new Fault('unavailable', `${what}: PostgreSQL went away before it answered; whether it was done is not known`, { retry: 'soon', cause });
const unreached: Translation = (what, cause) =>
  new Fault('unavailable', `${what}: PostgreSQL cannot be reached (${messageOf(cause)}); start it, or correct the URL`, { retry: 'soon', cause });
const refused: Translation = (what, cause) =>
  new Fault('unavailable', `${what}: PostgreSQL refuses this connection (${messageOf(cause)}); correct the URL or the server's settings`, { retry: 'never', cause });
const failed: Translation = (what, cause) =>
  new Fault('storage-failed', `${what}: the server could not read or write its files; look at its disk, then open the store again`, { retry: 'never', cause });
const full: Translation = (what, cause) =>
  new Fault('storage-full', `${what}: the server's disk is full and nothing was stored; make room and try again`, { retry: 'later', cause });
const corrupt: Translation = (what, cause) =>
  new Fault('corrupt', `${what}: the server found damaged pages; restore it from a backup`, { retry: 'never', cause });
const overloaded: Translation = (what, cause) =>
  new Fault('overloaded', `${what}: the server is out of memory or took too long; nothing was stored, try again`, { retry: 'later', cause });
const wrongServer: Translation = (what, cause) =>
  new Fault('unavailable', `${what}: the server takes no writes, it is a standby or set to read only; try again when its successor is up`, { retry: 'later', cause });

/** By SQLSTATE, then by its class (PostgreSQL's manual, appendix A). */
const TRANSLATIONS: Readonly<Record<string, Translation>> = {
  '23505': (what) => conflict(what),
  '40001': (what) => conflict(what),
  '40P01': (what) => conflict(what),
  '25006': wrongServer,
  '53100': full,
  '53200': overloaded,
  '53300': unavailable,
  '55P03': overloaded,
  '57014': overloaded,
  '57P04': refused, // the database was dropped
  '58030': failed,
  '58P01': corrupt, // a file of the table is missing
  XX001: corrupt,
  XX002: corrupt,
  '3D000': refused,
  '42501': refused,
  '08': unavailable,
  '28': refused,
  '57': unavailable,
  '40': unavailable, // 40003: whether the statement was completed is not known
};

/** The fault for whatever `pg` threw while doing `what`; faults and bugs of our own pass as they are. */
export function translate(error: unknown, what: string): Error {
  if (error instanceof Fault || error instanceof Bug) return error;
  const state = sqlState(error);
  if (state === undefined) return (isUnreached(error) ? unreached : unavailable)(what, error);
  const translation = TRANSLATIONS[state] ?? TRANSLATIONS[state.slice(0, 2)];
  if (translation) return translation(what, error);
  return new Bug(`${what}: PostgreSQL rejected our own statement: ${messageOf(error)} (SQLSTATE ${state})`, { cause: error });
}

/** Whether the connection was never made: nothing listens, or the host has no address. */
function isUnreached(error: unknown): boolean {
  return error instanceof Error && 'code' in error && ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(String(error.code));
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
