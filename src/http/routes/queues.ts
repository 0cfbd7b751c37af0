import { rfc3339 } from '../../base/clock.ts';
import type { Floor } from '../floor.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import { page, readCursor } from '../lists.ts';
import { problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, id, instant, listOf, nullable, paging } from '../schemas.ts';
import { Type } from '../type.ts';

export function queueRoutes(floor: Floor): Route[] {
  return [list(floor), deadLetters(floor), retry(floor)];
}

function list({ services: { store, clock } }: Floor): Route {
  const figures = closed(
    { name: Type.String(), ready: Type.Integer(), scheduled: Type.Integer(), inFlight: Type.Integer(), deadLettered: Type.Integer(), oldestAgeSeconds: nullable<number>('number', { description: 'null: nothing waits.' }) },
    { title: 'Queue' },
  );
  return route({
    method: 'GET',
    path: '/v1/queues',
    operation: 'listQueues',
    summary: 'How much work waits, and for how long',
    tag: 'Queues',
    access: 'read',
    answers: { 200: { description: 'The queues.', schema: Type.Array(figures) } },
    async handle() {
      const now = clock.now();
      const names = await store.queue.queues();
      const queues = await Promise.all(
        names.map(async (name) => {
          const { ready, scheduled, inFlight, deadLettered, oldestMs } = await store.queue.depth(name, now);
          return { name, ready, scheduled, inFlight, deadLettered, oldestAgeSeconds: oldestMs === null ? null : Math.max(0, now - oldestMs) / 1000 };
        }),
      );
      return { status: 200, body: queues };
    },
  });
}

function deadLetters({ services: { store } }: Floor): Route {
  const letter = closed(
    { id: id(), queue: Type.String(), attempts: Type.Integer(), error: nullable<string>('string'), batch: nullable<string>('string'), line: nullable<number>('integer'), enqueuedAt: instant() },
    { title: 'DeadLetter' },
  );
  return route({
    method: 'GET',
    path: '/v1/queues/:name/dead-letters',
    operation: 'listDeadLetters',
    summary: 'Work that failed again and again and was set aside',
    tag: 'Queues',
    access: 'read',
    query: closed(paging),
    answers: { 200: { description: 'A page.', schema: listOf(letter, 'DeadLetterList') } },
    problems: ['unknown-queue', 'invalid-cursor'],
    async handle(call) {
      const { limit, cursor } = call.query;
      const after = String(readCursor('dead-letters', cursor)?.[0] ?? '');
      const name = call.param('name');
      const letters = await store.queue.deadLetters(name, after, (limit ?? PAGE_DEFAULT) + 1);
      if (letters.length === 0 && !(await store.queue.queues()).includes(name)) throw problem('unknown-queue', `There is no queue ${name}.`);
      const { items, nextCursor } = page(letters, limit, { list: 'dead-letters', placeOf: (one) => [one.id] });
      return { status: 200, body: { items: items.map(({ id, queue, attempts, error, batch, line, enqueuedMs }) => ({ id, queue, attempts, error, batch, line, enqueuedAt: rfc3339(enqueuedMs) })), nextCursor } };
    },
  });
}

function retry({ services: { store, clock, commands } }: Floor): Route {
  return route({
    method: 'POST',
    path: '/v1/queues/:name/dead-letters/:id/retry',
    operation: 'retryDeadLetter',
    summary: 'Try work again that was set aside',
    tag: 'Queues',
    access: 'write',
    answers: { 202: { description: 'It is in the queue again, at its old place.', schema: closed({ id: id(), status: Type.Literal('ready') }) } },
    problems: ['unknown-dead-letter'],
    async handle(call) {
      const [name, id] = [call.param('name'), call.param('id')];
      const report = await store.queue.find(id);
      // Made again, as with an Idempotency-Key, the request finds its work where it put it.
      const isBack = report?.queue === name && report.status !== 'dead' && call.header('idempotency-key') !== undefined;
      if (!isBack && (report?.queue !== name || !(await store.queue.revive(id, clock.now())))) throw problem('unknown-dead-letter', `There is no dead letter ${id} in ${name}.`);
      commands.start();
      return { status: 202, headers: isBack ? { 'idempotent-replayed': 'true' } : {}, body: { id, status: 'ready' } };
    },
  });
}
