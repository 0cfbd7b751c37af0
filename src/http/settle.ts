import type { Settled } from '../runtime/runtime.ts';
import type { Answer, Call } from './call.ts';
import { invalidRequest, refusalProblem } from './problem.ts';

/** The headers of every answer to a write. */
export function writeHeaders(settled: { readonly cursor: string; readonly replayed: boolean }): Record<string, string> {
  return settled.replayed ? { 'holdfast-cursor': settled.cursor, 'idempotent-replayed': 'true' } : { 'holdfast-cursor': settled.cursor };
}

/** What a write came to: the answer as the route shapes it, or the refusal as a problem. */
export function answerTo<T>(settled: Settled, shape: (answer: T, headers: Record<string, string>) => Answer): Answer {
  const headers = writeHeaders(settled);
  if (!settled.ok) throw refusalProblem(settled.refusal, headers);
  return shape(settled.answer as unknown as T, headers); // the room's answer to this very command
}

/** The version in an If-Match of the form `"7"`. What cannot match any version matches none. */
export function ifVersion(call: Call<never, never> | Call): { ifVersion?: number } {
  const header = call.request.headers['if-match'];
  if (header === undefined) return {};
  const version = /^"(\d{1,15})"$/.exec(header.trim())?.[1];
  return { ifVersion: version === undefined ? -1 : Number(version) };
}

export const versionTag = (version: number): string => `"${version}"`;

/** Whether the reader has this already. */
export function isUnchanged(call: Call<never, never> | Call, etag: string): boolean {
  const header = call.request.headers['if-none-match'];
  if (header === undefined) return false;
  return header.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
}

/** What the caller would like about the time of the answer (RFC 7240). */
export interface Preference {
  readonly waitSeconds: number | undefined;
  readonly respondAsync: boolean;
}

export function preferenceOf(call: Call<never, never> | Call, waitSecondsMax: number): Preference {
  const header = call.header('prefer');
  if (header === undefined) return { waitSeconds: undefined, respondAsync: false };
  const parts = header.split(/[,;]/).map((part) => part.trim().toLowerCase());
  const wait = parts.find((part) => part.startsWith('wait='))?.slice('wait='.length);
  if (wait !== undefined && !/^"?\d{1,6}"?$/.test(wait)) throw invalidRequest([{ pointer: '/prefer', detail: 'wait must be a number of seconds', in: 'header' }]);
  return { waitSeconds: wait === undefined ? undefined : Math.min(waitSecondsMax, Number(wait.replaceAll('"', ''))), respondAsync: parts.includes('respond-async') };
}
