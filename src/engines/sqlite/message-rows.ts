/** Messages as they are stored: what was put and never changes has one checksum, what became of it another. */
import type { MessageStatus } from '../../store/store.ts';
import { checksum, verify } from './checksums.ts';
import type { Bindable } from './database.ts';

/** By the numbers that stand for them in the file. */
export const STATUSES = ['ready', 'claimed', 'done', 'dead'] as const satisfies readonly MessageStatus[];
export const [READY, CLAIMED, DONE, DEAD] = [0, 1, 2, 3] as const;

/** What of a message never changes, by the names of its columns. */
export interface PutCells {
  readonly id: Bindable;
  readonly queue: Bindable;
  readonly lane: Bindable;
  readonly body: Bindable;
  readonly batch: Bindable;
  readonly line: Bindable;
  readonly enqueued_ms: Bindable;
}

/** What becomes of a message: written anew with every change, and so is its checksum. */
export interface StandingCells {
  readonly id: Bindable;
  readonly status: Bindable;
  readonly attempts: Bindable;
  readonly from_ms: Bindable;
  readonly finished_ms: Bindable;
  readonly result: Bindable;
  readonly error: Bindable;
}

/** A message as it is stored. */
export interface MessageRow extends PutCells, StandingCells {
  readonly id: string;
  readonly queue: string;
  readonly lane: string;
  readonly body: string;
  readonly batch: string | null;
  readonly line: number | null;
  readonly status: number;
  readonly attempts: number;
  readonly from_ms: number;
  readonly enqueued_ms: number;
  readonly finished_ms: number | null;
  readonly result: string | null;
  readonly error: string | null;
  readonly crc: number;
  readonly standing_crc: number;
}

export const MESSAGE_COLUMNS = 'id, queue, lane, body, batch, line, status, attempts, from_ms, enqueued_ms, finished_ms, result, error, crc, standing_crc';

export const checksumOfPut = (cells: PutCells): number => checksum(...putCells(cells));
export const checksumOfStanding = (cells: StandingCells): number => checksum(...standingCells(cells));

export function verifyPut(file: string, cells: PutCells & { readonly crc: Bindable }): void {
  verify(file, `the message ${cells.id}`, cells.crc, ...putCells(cells));
}

export function verifyStanding(file: string, cells: StandingCells & { readonly standing_crc: Bindable }): void {
  verify(file, `what became of the message ${cells.id}`, cells.standing_crc, ...standingCells(cells));
}

const putCells = ({ id, queue, lane, body, batch, line, enqueued_ms: enqueuedMs }: PutCells): Bindable[] => [id, queue, lane, body, batch, line, enqueuedMs];
const standingCells = ({ id, status, attempts, from_ms: fromMs, finished_ms: finishedMs, result, error }: StandingCells): Bindable[] => [id, status, attempts, fromMs, finishedMs, result, error];
