/**
 * The page at `/`: stock, live. Plain files that lie beside this one are read once and served from memory; they ask the
 * same interface as everybody, so that the page can show nothing that a program could not.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/** A token that only reads, for a short while. */
export interface ReadToken {
  readonly token: string;
  readonly expiresAt: string;
}

export interface PageOptions {
  /** In the demo whoever opens the page gets a read token from here; elsewhere the page asks for an API key. */
  readonly demoToken?: () => ReadToken | Promise<ReadToken>;
}

const TYPES = { html: 'text/html; charset=utf-8', css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8', svg: 'image/svg+xml' } as const;
const ASSETS = ['page.css', 'page.js', 'session.js', 'stream.js', 'metrics.js', 'chart.js', 'items.js', 'prices.js', 'facts.js', 'mark.svg'] as const;

/** Everything the page needs comes from this server, and nothing may frame it. */
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function pageRoutes(fastify: FastifyInstance, options: PageOptions): void {
  const { demoToken } = options;
  const page = load('index.html');
  const text = demoToken === undefined ? page : page.replace('data-mode="key"', 'data-mode="demo"');
  fastify.get('/', fileRoute(TYPES.html, text));
  for (const name of ASSETS) fastify.get(`/assets/${name}`, fileRoute(typeOf(name), load(name)));
  if (demoToken) {
    fastify.get('/demo/session', async (_request, reply) => {
      void reply.header('cache-control', 'no-store');
      return demoToken();
    });
  }
}

function load(name: string): string {
  return readFileSync(join(import.meta.dirname, 'files', name), 'utf8');
}

function typeOf(name: (typeof ASSETS)[number]): string {
  return TYPES[name.slice(name.lastIndexOf('.') + 1) as keyof typeof TYPES]; // each of ASSETS ends in one of these
}

/** Serves a text that does not change while the server runs; after an update its ETag makes browsers fetch it again. */
function fileRoute(type: string, text: string): (request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  const etag = `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"`;
  return (request, reply) => {
    void reply.headers({ etag, 'cache-control': 'no-cache', 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
    return request.headers['if-none-match'] === etag ? reply.code(304).send() : reply.type(type).send(text);
  };
}
