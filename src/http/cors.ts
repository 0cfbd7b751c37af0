import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

const EXPOSED = 'etag, location, holdfast-cursor, idempotent-replayed, preference-applied, retry-after, x-request-id';
const REQUEST_HEADERS = 'authorization, content-type, idempotency-key, if-match, if-none-match, prefer, holdfast-cursor, last-event-id, x-request-id';

/** Which pages of other origins may read answers: none unless they are listed, all with `*`. Keys travel in headers, never in cookies. */
export class Cors {
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  get isOn(): boolean {
    return this.#origins.size > 0;
  }

  /** Where no origin is listed nothing is installed and nothing is paid. */
  install(fastify: FastifyInstance): void {
    if (!this.isOn) return;
    fastify.addHook('onRequest', (request, reply, done) => {
      this.#allow(request, reply);
      if (request.method === 'OPTIONS') preflight(reply);
      else done();
    });
    fastify.options('*', (_request, reply) => preflight(reply));
  }

  #allow(request: FastifyRequest, reply: FastifyReply): void {
    reply.header('vary', 'Origin');
    const { origin } = request.headers;
    if (origin === undefined || !(this.#origins.has(origin) || this.#origins.has('*'))) return;
    reply.header('access-control-allow-origin', origin).header('access-control-expose-headers', EXPOSED);
  }
}

function preflight(reply: FastifyReply): void {
  reply.code(204).headers({ 'access-control-allow-methods': 'GET, HEAD, PUT, POST, PATCH, DELETE', 'access-control-allow-headers': REQUEST_HEADERS, 'access-control-max-age': '600' });
  reply.send();
}
