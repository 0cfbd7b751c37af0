import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { pageRoutes, type PageOptions } from './page.ts';

let server: FastifyInstance;
const start = (options: PageOptions = {}): void => {
  server = Fastify();
  pageRoutes(server, options);
};
beforeEach(() => start());
afterEach(() => server.close());

describe('the page', () => {
  test('is HTML that asks for a key, under a policy that lets nothing in from outside', async () => {
    const answer = await server.inject('/');
    expect(answer.statusCode).toBe(200);
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    expect(answer.headers['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
    expect(answer.body).toContain('<html lang="en" data-mode="key">');
  });

  test('has no script, style or request that its policy would stop', async () => {
    const { body } = await server.inject('/');
    expect(body).not.toMatch(/<style|style=|<script(?![^>]* src="\/assets\/)|\son\w+=|https?:\/\//);
  });

  test('is told in the demo to fetch its token, which is handed out anew each time and never cached', async () => {
    await server.close();
    let made = 0;
    start({ demoToken: () => ({ token: `token-${++made}`, expiresAt: '2026-01-01T00:00:00.000Z' }) });
    expect((await server.inject('/')).body).toContain('data-mode="demo"');
    expect((await server.inject('/demo/session')).json()).toEqual({ token: 'token-1', expiresAt: '2026-01-01T00:00:00.000Z' });
    const again = await server.inject('/demo/session');
    expect(again.json()).toMatchObject({ token: 'token-2' });
    expect(again.headers['cache-control']).toBe('no-store');
  });

  test('hands out no token outside the demo', async () => {
    expect((await server.inject('/demo/session')).statusCode).toBe(404);
  });
});

describe('the files of the page', () => {
  test('are all served, each with a type and an ETag that answers 304', async () => {
    for (const name of readdirSync(join(import.meta.dirname, 'files')).filter((file) => file !== 'index.html')) {
      const answer = await server.inject(`/assets/${name}`);
      expect([name, answer.statusCode]).toEqual([name, 200]);
      expect(answer.headers['content-type']).toMatch(/^(text\/(css|javascript); charset=utf-8|image\/svg\+xml)$/);
      const again = await server.inject({ url: `/assets/${name}`, headers: { 'if-none-match': String(answer.headers['etag']) } });
      expect([again.statusCode, again.body]).toEqual([304, '']);
    }
  });

  test('name only files that are served', async () => {
    const pages = ['/', ...readdirSync(join(import.meta.dirname, 'files')).filter((file) => /\.(js|css)$/.test(file)).map((file) => `/assets/${file}`)];
    const named = new Set<string>();
    for (const page of pages) {
      const { body } = await server.inject(page);
      for (const [, path] of body.matchAll(/(?:from|href=|src=)\s*['"](\/assets\/[^'"]+|\.\/[^'"]+\.js)['"]/g)) named.add(String(path).replace('./', '/assets/'));
    }
    expect(named.size).toBeGreaterThan(5);
    for (const path of named) expect([path, (await server.inject(path)).statusCode]).toEqual([path, 200]);
  });

  test('cannot be left by a path', async () => {
    for (const path of ['/assets/../page.ts', '/assets/%2e%2e/page.ts', '/assets/index.html']) expect((await server.inject(path)).statusCode).toBe(404);
  });
});
