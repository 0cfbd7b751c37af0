import { createHash } from 'node:crypto';
import { docsPage, DOCS_STYLE } from '../docs-page.ts';
import { asyncApi } from '../asyncapi.ts';
import { openApi, type Document } from '../openapi.ts';
import { route, type Route } from '../route.ts';
import { Type } from '../type.ts';

const HTML_POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The description of all routes, these among them. */
export function docsRoutes(routes: readonly Route[], about: { version: string; publicReads: boolean }): Route[] {
  const own: Route[] = [];
  own.push(
    text('/openapi.json', { operation: 'getOpenApi', summary: 'This interface as OpenAPI 3.1', type: 'application/json; charset=utf-8' }, () => JSON.stringify(documented())),
    text('/asyncapi.json', { operation: 'getAsyncApi', summary: 'The facts that leave as AsyncAPI 3.0', type: 'application/json; charset=utf-8' }, () => JSON.stringify(asyncApi(routes, about))),
    text('/docs', { operation: 'getDocs', summary: 'This interface as a page to read', type: 'text/html; charset=utf-8', policy: HTML_POLICY }, () => docsPage(documented())),
    text('/docs/style.css', { operation: 'getDocsStyle', summary: 'The look of that page', type: 'text/css; charset=utf-8' }, () => DOCS_STYLE),
  );
  const documented = (): Document => openApi([...routes, ...own], about);
  return own;
}

/** A text that does not change while the server runs; it is made when somebody first asks. */
function text(path: string, about: { operation: string; summary: string; type: string; policy?: string }, make: () => string): Route {
  let made: { text: string; etag: string } | undefined;
  return route({
    method: 'GET',
    path,
    operation: about.operation,
    summary: about.summary,
    tag: 'Documentation',
    access: 'public',
    answers: { 200: { description: about.summary, ...(about.type.startsWith('application/json') ? { schema: Type.Unsafe<object>({ type: 'object' }) } : { type: about.type.split(';', 1)[0] ?? about.type }) }, 304: { description: 'The reader has it already.' } },
    handle(call) {
      made ??= withTag(make());
      const head = { headers: { etag: made.etag, 'cache-control': 'no-cache' }, policy: about.policy };
      return call.header('if-none-match') === made.etag ? { status: 304, ...head } : { status: 200, ...head, text: made.text, type: about.type };
    },
  });
}

function withTag(made: string): { text: string; etag: string } {
  return { text: made, etag: `"${createHash('sha256').update(made).digest('base64url').slice(0, 22)}"` };
}
