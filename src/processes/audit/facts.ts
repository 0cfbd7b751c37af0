/**
 * The facts of a commit from its text. A record of a reservation or of an order is half of what such a commit says, and
 * has in it the very text of the state that is saved: where it is written as `JSON.stringify` writes it, that text is
 * taken as it stands, and no object is made of it. Everything else is parsed, in one piece.
 */
import { decodeEvents, type EventRecord, type LogId, type Position } from '../../store/store.ts';
import type { JsonObject } from '../../base/json.ts';

/** `record`: the state that the fact records, as JSON; then `data` is left out. */
export interface Fact extends EventRecord {
  readonly record: string | undefined;
}

/** Text in which nothing is escaped. */
const PLAIN = '[^"\\\\\\x00-\\x1f]*';
/** Such numbers are exact, and written in one way only. */
const INTEGER = '(?:0|-?[1-9]\\d{0,14})';
const INSTANT = '(?:0|[1-9]\\d{0,14})';
/** Records are lines of allocations of places, and their members have names that are words. */
const DEPTH = 5;

/** JSON that `JSON.stringify` writes again as it stands, down to a depth: each comma has something after it. */
function plainValue(depth: number): string {
  const scalars = `"${PLAIN}"|${INTEGER}|true|false|null`;
  if (depth === 0) return `(?:${scalars})`;
  return `(?:${scalars}|\\[(?:${plainValue(depth - 1)}(?:,(?!\\])|(?=\\])))*\\]|${plainObject(depth)})`;
}

function plainObject(depth: number): string {
  return `\\{(?:"[A-Za-z]+":${plainValue(depth - 1)}(?:,(?=")|(?=\\})))*\\}`;
}

/** Such a fact: its key, id and time, as a reservation's or as an order's, and its record. That names itself as the key does, which is what it is saved under. */
const RECORD = new RegExp(
  `\\["inventory\\.(?:` +
    `reservation\\.recorded","(r/(${PLAIN}))",(${INSTANT}),\\{"reservation":(?=\\{"id":"\\2")|` +
    `order\\.recorded","(o/(${PLAIN}))",(${INSTANT}),\\{"order":(?=\\{"orderId":"\\5"))` +
    `(${plainObject(DEPTH)})\\}\\]`,
  'y',
);
const MARK = '.recorded","';
const LEFT_OUT: JsonObject = {};

/** Throws as `decodeEvents` does. */
export function readFacts(text: string, at: { log: LogId; position: Position }): Fact[] {
  if (!text.includes(MARK)) return decodeEvents(text, at).map(parsed);
  const records: Fact[] = [];
  // What is left once each such fact was replaced by null.
  let rest = '';
  let done = 0;
  for (let mark = text.indexOf(MARK); mark >= 0; mark = text.indexOf(MARK, Math.max(mark + 1, done))) {
    const from = text.lastIndexOf('[', mark);
    RECORD.lastIndex = from;
    const found = RECORD.exec(text);
    if (!found) continue;
    records.push(recordOf(found));
    rest += `${text.slice(done, from)}null`;
    done = RECORD.lastIndex;
  }
  return together(rest + text.slice(done), records) ?? decodeEvents(text, at).map(parsed);
}

function recordOf([, reservation, , at, order = '', , time, record]: RegExpExecArray): Fact {
  return reservation === undefined
    ? { type: 'inventory.order.recorded', key: order, time: Number(time), data: LEFT_OUT, record }
    : { type: 'inventory.reservation.recorded', key: reservation, time: Number(at), data: LEFT_OUT, record };
}

/** undefined where that is not what `encodeEvents` writes. */
function together(rest: string, records: readonly Fact[]): Fact[] | undefined {
  try {
    const rows = JSON.parse(rest) as (null | [string, string, number, JsonObject])[];
    if (!Array.isArray(rows)) return undefined;
    const facts = new Array<Fact>(rows.length);
    let next = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      if (row === null) facts[i] = records[next++] as Fact; // one for each null
      else {
        const [type, key, time, data] = row as [string, string, number, JsonObject]; // as `encodeEvents` writes it
        facts[i] = { type: ownText(type), key, time, data, record: undefined };
      }
    }
    return next === records.length ? facts : undefined;
  } catch {
    return undefined;
  }
}

/** A fact that was read in some other way. */
export function parsed({ type, key, time, data }: EventRecord): Fact {
  return { type: ownText(type), key, time, data, record: undefined };
}

const types = new Map<string, string>();
const TYPES_MAX = 1_000;

/** The one string that a type is elsewhere, too: a dozen comparisons follow, and the same string is equal at a glance. */
function ownText(type: string): string {
  const known = types.get(type);
  if (known !== undefined || types.size >= TYPES_MAX) return known ?? type;
  // V8 keeps each name of a member once, and so each text in a program.
  const [own = type] = Object.keys({ [type]: true });
  types.set(own, own);
  return own;
}
