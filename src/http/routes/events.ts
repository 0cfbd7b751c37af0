import type { OutgoingHttpHeaders } from 'node:http';
import { must } from '../../base/assert.ts';
import { HistoryLost, type FeedQuestion, type Page, type PageQuestion } from '../../distribution/feed/feed.ts';
import { cursorCovers, parseCursor, type Cursor } from '../../store/store.ts';
import type { Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { CURSOR_LENGTH_MAX, EVENT_TYPES_MAX, PAGE_DEFAULT, PAGE_MAX, WAIT_SECONDS_MAX } from '../limits.ts';
import { statesCover } from '../lists.ts';
import { problem, type InputFault } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, cloudEvent, id, optional } from '../schemas.ts';
import type { Services } from '../services.ts';
import { Type } from '../type.ts';

export function eventRoutes(floor: Floor): Route[] {
  return [events(floor), stream(floor)];
}

const EVENTS = { method: 'GET', tag: 'Events', access: 'read' } as const;

const filter = {
  type: optional(Type.Array(id(), { maxItems: EVENT_TYPES_MAX, description: 'Exact types; all unless given.' })),
  key: optional(id('Facts with this subject only.')),
};
const after = (description: string) => optional(Type.String({ minLength: 1, maxLength: CURSOR_LENGTH_MAX, description }));

function events(floor: Floor): Route {
  const { services } = floor;
  return route({
    ...EVENTS,
    path: '/v1/events',
    operation: 'getEvents',
    summary: 'Facts after a cursor, waiting for the next one where there is none',
    query: closed({
      after: after('`earliest` (the default): the oldest kept. `now`: what comes from here on. Or a cursor.'),
      ...filter,
      limit: optional(Type.Integer({ minimum: 1, maximum: PAGE_MAX, default: PAGE_DEFAULT })),
      wait: optional(Type.Integer({ minimum: 0, maximum: WAIT_SECONDS_MAX, default: 0, description: 'Seconds to wait where there is nothing yet.' })),
    }),
    headers: ['holdfast-cursor'],
    answers: { 200: { description: 'A page; an empty one is the end for now. `cursor` goes on after it.', schema: closed({ events: Type.Array(cloudEvent), cursor: Type.String() }, { title: 'EventsPage' }) } },
    problems: ['invalid-cursor', 'history-lost', 'view-behind'],
    async handle(call) {
      const { after = 'earliest', type, key, limit = PAGE_DEFAULT, wait = 0 } = call.query;
      await statesCover(call, services);
      const question = { after: await startOf(services, { text: after, pointer: '/after', in: 'query' }), types: type, key };
      const { entries, cursor } = await (wait === 0 ? services.feed.page({ ...question, limit, waitMs: 0 }) : waitForPage(floor, call, { ...question, limit, waitMs: wait * 1000 })).catch(rethrown);
      return { status: 200, headers: { 'cache-control': 'no-store' }, text: `{"events":[${entries.map(({ json }) => json).join(',')}],"cursor":${JSON.stringify(cursor)}}` };
    },
  });
}

/** Waits no longer than somebody is there to be answered. */
async function waitForPage({ services, streams }: Floor, call: Pick<Call, 'caller' | 'reply' | 'waitFor'>, question: PageQuestion): Promise<Page> {
  const place = streams.wait(must(call.caller, 'nobody reads events without a key'));
  const { raw } = call.reply;
  raw.once('close', place.giveUp);
  call.waitFor(question.waitMs);
  try {
    return await services.feed.page({ ...question, signal: place.signal });
  } finally {
    raw.off('close', place.giveUp);
    place.leave();
  }
}

function rethrown(error: unknown): never {
  if (error instanceof HistoryLost) throw problem('history-lost', 'The facts after this cursor are no longer kept. Start again from the earliest.', { members: { earliest: error.earliest }, cause: error });
  throw error;
}

function stream({ services, streams, keys }: Floor): Route {
  return route({
    ...EVENTS,
    path: '/v1/events/stream',
    operation: 'streamEvents',
    summary: 'Facts as they happen, as Server-Sent Events',
    tokenInQuery: true,
    query: closed({
      after: after('`now` (the default), `earliest`, or a cursor. Last-Event-ID goes before it.'),
      ...filter,
      access_token: optional(Type.String({ maxLength: 512, description: 'A token of `POST /v1/tokens`, for those who cannot send headers.' })),
    }),
    headers: ['last-event-id'],
    answers: {
      200: {
        description: 'Each fact as `id:` (the cursor after it) and `data:` (the CloudEvent), without an `event:` field. A comment at least every 15 s. An event `reset` where the facts after the cursor are no longer kept.',
        type: 'text/event-stream',
        headers: ['holdfast-cursor'],
      },
    },
    problems: ['invalid-cursor'],
    async handle(call): Promise<'later'> {
      const { query, reply, requestId } = call;
      const caller = must(call.caller, 'nobody listens without a key');
      const from = await startOf(services, placeOf(call.header('last-event-id'), query.after));
      const shown = call.header('authorization')?.replace(/^Bearer +/i, '') ?? query.access_token ?? '';
      const source = streams.open({ after: from, types: query.type, key: query.key }, { caller, endsAtMs: keys.endOf(shown) }, reply.raw);
      reply.headers({ 'x-request-id': requestId, 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
      // Where the oldest is asked for, nobody knows yet where that will be when it is read.
      if (from !== 'earliest') reply.header('holdfast-cursor', source.cursor);
      const headers = reply.getHeaders() as OutgoingHttpHeaders; // no route sets a number where the types want text
      reply.hijack();
      reply.raw.writeHead(200, headers);
      source.begin();
      return 'later';
    },
  });
}

/** A browser that comes back repeats the address it first asked for, and says in the header how far it came. */
function placeOf(lastEventId: string | undefined, after = 'now'): Place {
  return lastEventId === undefined || lastEventId === '' ? { text: after, pointer: '/after', in: 'query' } : { text: lastEventId, pointer: '/last-event-id', in: 'header' };
}

interface Place {
  readonly text: string;
  readonly pointer: string;
  readonly in: NonNullable<InputFault['in']>;
}

/** From where facts are asked for. A cursor past everything that was ever written is of another store: waiting for it would be in vain. */
async function startOf({ engine, store }: Services, { text, ...where }: Place): Promise<FeedQuestion['after']> {
  if (text === 'earliest' || text === 'now') return text;
  const cursor: Cursor | undefined = parseCursor(text, engine.partitions);
  const isOurs = cursor !== undefined && (cursorCovers(engine.heads, cursor) || cursorCovers(await store.log.heads(), cursor));
  if (isOurs) return cursor;
  const detail = cursor === undefined ? 'The cursor is not one of ours.' : 'The cursor is past everything that was written here.';
  throw problem('invalid-cursor', detail, { members: { errors: [{ ...where, detail }] } });
}
