/**
 * The facts of a commit from its text. A record of a reservation or of an order is half of what such a commit says, and
 * has in it the very text of the state that is saved: where it is written as `JSON.stringify` writes it, that text is
 * taken as it stands, and no object is made of it. Of the rest most are facts of holds of units at one place, written
 * in one way: those are read by pattern, in half the time. Everything else is parsed, in one piece.
 */
import { decodeEvents, type EventRecord, type LogId, type Position } from '../../store/store.ts';
import type { JsonObject } from '../../base/json.ts';
import { copied } from './records.ts';

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
/** A hold of units at one place, or what became of it; an order's only where it was confirmed. */
const HELD = new RegExp(
  `\\["(inventory\\.reservation\\.(?:held|confirmed|released|expired))","(i/${PLAIN})",(${INSTANT}),\\{"reservationId":"(${PLAIN})","quantity":(${INSTANT}),"backordered":(${INSTANT}),` +
    `"allocations":\\[\\{"location":"(${PLAIN})","quantity":(${INSTANT})\\}\\],"expiresAt":(${INSTANT})(?:,"orderId":"(${PLAIN})")?\\}\\]`,
  'y',
);
/** Units of an order that left one place. */
const FULFILLED = new RegExp(
  `\\["inventory\\.allocation\\.fulfilled","(i/${PLAIN})",(${INSTANT}),\\{"orderId":"(${PLAIN})","location":"(${PLAIN})","quantity":(${INSTANT}),"onHand":(${INTEGER}),` +
    `"freed":\\[\\{"location":"(${PLAIN})","quantity":(${INSTANT})\\}\\],"backordered":(${INSTANT})\\}\\]`,
  'y',
);
const MARK = '["inventory.';
const LEFT_OUT: JsonObject = {};

/** Throws as `decodeEvents` does. */
export function readFacts(text: string, at: { log: LogId; position: Position }): Fact[] {
  const found: Fact[] = [];
  // What is left once each fact that a pattern knows was replaced by null.
  let rest = '';
  let done = 0;
  for (let from = text.indexOf(MARK); from >= 0; from = text.indexOf(MARK, Math.max(from + 1, done))) {
    const pattern = patternAt(text, from + MARK.length);
    if (!pattern) continue;
    pattern.lastIndex = from;
    const match = pattern.exec(text);
    if (!match) continue;
    found.push(pattern === RECORD ? recordOf(match) : pattern === HELD ? heldOf(match) : fulfilledOf(match));
    rest += `${text.slice(done, from)}null`;
    done = pattern.lastIndex;
  }
  if (found.length === 0) return decodeEvents(text, at).map(parsed);
  return together(rest + text.slice(done), found) ?? decodeEvents(text, at).map(parsed);
}

/** By the name of the fact, which begins here. */
function patternAt(text: string, name: number): RegExp | undefined {
  if (text.startsWith('reservation.', name)) return text.startsWith('recorded"', name + 12) ? RECORD : HELD;
  if (text.startsWith('allocation.fulfilled"', name)) return FULFILLED;
  return text.startsWith('order.recorded"', name) ? RECORD : undefined;
}

function recordOf([, reservation, , at, order = '', , time, record]: RegExpExecArray): Fact {
  return reservation === undefined
    ? { type: 'inventory.order.recorded', key: order, time: Number(time), data: LEFT_OUT, record }
    : { type: 'inventory.reservation.recorded', key: reservation, time: Number(at), data: LEFT_OUT, record };
}

function heldOf([, type = '', key = '', time, id = '', quantity, backordered, location = '', units, expiresAt, orderId]: RegExpExecArray): Fact {
  const share = { reservationId: apart(id), quantity: Number(quantity), backordered: Number(backordered), allocations: [{ location: apart(location), quantity: Number(units) }], expiresAt: Number(expiresAt) };
  return { type: ownText(type), key, time: Number(time), data: orderId === undefined ? share : { ...share, orderId }, record: undefined };
}

function fulfilledOf([, key = '', time, orderId = '', location = '', quantity, onHand, place = '', units, backordered]: RegExpExecArray): Fact {
  const data = { orderId, location: apart(location), quantity: Number(quantity), onHand: Number(onHand), freed: [{ location: apart(place), quantity: Number(units) }], backordered: Number(backordered) };
  return { type: 'inventory.allocation.fulfilled', key, time: Number(time), data, record: undefined };
}

/** What V8 cuts from a text that is longer than this keeps all of that text in memory, and books keep what they are told. */
const COPIED_MAX = 12;

function apart(text: string): string {
  return text.length <= COPIED_MAX ? text : copied(text);
}

/** undefined where that is not what `encodeEvents` writes. */
function together(rest: string, found: readonly Fact[]): Fact[] | undefined {
  try {
    const rows = JSON.parse(rest) as (null | [string, string, number, JsonObject])[];
    if (!Array.isArray(rows)) return undefined;
    const facts = new Array<Fact>(rows.length);
    let next = 0;
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i];
      if (row === null) facts[i] = found[next++] as Fact; // one for each null
      else {
        const [type, key, time, data] = row as [string, string, number, JsonObject]; // as `encodeEvents` writes it
        facts[i] = { type: ownText(type), key, time, data, record: undefined };
      }
    }
    return next === found.length ? facts : undefined;
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
