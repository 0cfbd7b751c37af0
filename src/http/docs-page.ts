import { PROBLEM_HELP } from './problem-help.ts';
import type { Document } from './openapi.ts';

/** What of the OpenAPI document the page reads. */
interface Api {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly required?: boolean; readonly description?: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>>;
  readonly 'x-scope': string;
}

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: string | number | boolean;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly format?: string;
}

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
/** Words of ours: only `code` is marked in them, and the code of a problem leads to what it means. */
const prose = (text: string): string =>
  escape(text).replaceAll(/`([^`]+)`/g, (_, code: string) => (Object.hasOwn(PROBLEM_HELP, code) ? `<a href="#${code}"><code>${code}</code></a>` : `<code>${code}</code>`));

/** The OpenAPI document as a page to read: no script, one style sheet of its own. */
export function docsPage(document: Document): string {
  const api = document as unknown as Api; // made by `openApi`, which has these members
  const operations = Object.entries(api.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })));
  const sections = api.tags.map(({ name }) => ({ name, operations: operations.filter(({ operation }) => operation.tags.includes(name)) }));
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(api.info.title)} – interface</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<nav aria-label="Contents">
<p class="name"><a href="/">${escape(api.info.title)}</a> <small>${escape(api.info.version)}</small></p>
<ul>${sections.map(({ name, operations: listed }) => `<li><a href="#${slug(name)}">${escape(name)}</a><ul>${listed.map(({ operation, method, path }) => `<li><a href="#${operation.operationId}"><b class="${method.toLowerCase()}">${method}</b> ${escape(path)}</a></li>`).join('')}</ul></li>`).join('')}
<li><a href="#schemas">Shapes</a></li><li><a href="#problems">Problems</a></li></ul>
</nav>
<main>
<h1>${escape(api.info.title)}</h1>
<p>${prose(api.info.description)}</p>
<p>Send <code>Authorization: Bearer &lt;key&gt;</code>. A key with the scope <code>write</code> may also read, and one with <code>admin</code> may do everything. The same as data: <a href="/openapi.json">openapi.json</a>; the facts that leave: <a href="/asyncapi.json">asyncapi.json</a>.</p>
${sections.map(({ name, operations: listed }) => `<section><h2 id="${slug(name)}">${escape(name)}</h2>${listed.map(operationHtml).join('')}</section>`).join('\n')}
<section><h2 id="schemas">Shapes</h2>${Object.entries(api.components.schemas).map(([name, schema]) => `<article><h3 id="schema-${name}">${escape(name)}</h3>${schema.description === undefined ? '' : `<p>${prose(schema.description)}</p>`}${membersHtml(schema)}</article>`).join('')}</section>
<section><h2 id="problems">Problems</h2><p>A problem’s <code>type</code> leads here.</p><dl>${Object.entries(PROBLEM_HELP).map(([code, help]) => `<dt id="${code}"><code>${code}</code></dt><dd>${prose(help)}</dd>`).join('')}</dl></section>
</main>
</body>
</html>
`;
}

const slug = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

function operationHtml({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const { operationId, summary, parameters, requestBody, responses } = operation;
  const scope = operation['x-scope'];
  const body = requestBody?.content['application/json']?.schema;
  return `<article><h3 id="${operationId}"><b class="${method.toLowerCase()}">${method}</b> <code>${escape(path)}</code></h3>
<p>${prose(summary)}. <span class="scope">${scope === 'public' ? 'No key is needed.' : `Scope: ${scope}.`}</span></p>
${parameters.length === 0 ? '' : `<table><caption>Parameters</caption>${parameters.map((one) => `<tr><th scope="row"><code>${escape(one.name)}</code>${one.required === true ? ' <small>required</small>' : ''}</th><td>${one.in}</td><td>${typeHtml(one.schema)}${describe(one.description ?? one.schema.description)}</td></tr>`).join('')}</table>`}
${body ? `<p class="label">Body: ${typeHtml(body)}</p>${body.$ref === undefined ? membersHtml(body) : ''}` : ''}
<table><caption>Answers</caption>${Object.entries(responses).map(([status, { description, content }]) => `<tr><th scope="row">${status}</th><td>${prose(description)}</td><td>${Object.values(content ?? {}).map(({ schema }) => typeHtml(schema)).join('')}</td></tr>`).join('')}</table></article>`;
}

const describe = (text: string | undefined): string => (text === undefined ? '' : `<br><small>${prose(text)}</small>`);

function membersHtml(schema: Schema): string {
  if (schema.anyOf) return `<p>One of:</p>${schema.anyOf.map(membersHtml).join('')}`;
  if (!schema.properties) return `<p>${typeHtml(schema)}</p>`;
  const required = new Set(schema.required);
  return `<table>${Object.entries(schema.properties).map(([name, member]) => `<tr><th scope="row"><code>${escape(name)}</code>${required.has(name) ? ' <small>required</small>' : ''}</th><td>${typeHtml(member)}${describe(member.description)}</td></tr>`).join('')}</table>`;
}

/** A type in a few words. */
function typeHtml(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(schema.$ref.lastIndexOf('/') + 1);
    return `<a href="#schema-${name}">${escape(name)}</a>`;
  }
  if (schema.enum) return schema.enum.map((value) => `<code>${escape(String(value))}</code>`).join(' · ');
  if (schema.const !== undefined) return `<code>${escape(JSON.stringify(schema.const))}</code>`;
  if (schema.anyOf) return schema.anyOf.map(typeHtml).join(' or ');
  if (schema.items) return `list of ${schema.items.properties && schema.items.$ref === undefined ? `{ ${Object.keys(schema.items.properties).map(escape).join(', ')} }` : typeHtml(schema.items)}${schema.maxItems === undefined ? '' : `, at most ${schema.maxItems.toLocaleString('en')}`}`;
  const [values] = Object.values(schema.patternProperties ?? {});
  if (values) return `map of ${typeHtml(values)}`;
  if (schema.properties) return `{ ${Object.keys(schema.properties).map(escape).join(', ')} }`;
  const type = schema.type === undefined ? 'anything' : Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type);
  return `${escape(schema.format === 'date-time' ? 'instant' : type)}${rangeOf(schema)}`;
}

function rangeOf({ minimum, maximum }: Schema): string {
  if (minimum !== undefined && maximum !== undefined) return ` ${minimum.toLocaleString('en')}–${maximum.toLocaleString('en')}`;
  return minimum === undefined ? '' : ` from ${minimum.toLocaleString('en')}`;
}

export const DOCS_STYLE = `:root { color-scheme: light dark; --ink: #1c2430; --quiet: #5b6675; --paper: #fff; --line: #dfe4ea; --shade: #f5f7f9; --link: #0b5cad; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e8ee; --quiet: #98a4b3; --paper: #12161b; --line: #2a323c; --shade: #1a2027; --link: #7bb7f5; } }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, sans-serif; display: grid; grid-template-columns: minmax(15rem, 20rem) minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.25rem; border-right: 1px solid var(--line); background: var(--shade); font-size: .82rem; }
nav ul { list-style: none; margin: 0; padding: 0; } nav > ul > li { margin: .7rem 0; font-weight: 600; } nav li li { font-weight: 400; overflow-wrap: anywhere; }
.name { font-size: 1.1rem; font-weight: 700; margin: 0 0 .5rem; }
main { max-width: 60rem; padding: 1.5rem 2rem 5rem; min-width: 0; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; } nav a { color: inherit; }
h1 { font-size: 1.8rem; margin: 0 0 .5rem; } h2 { margin: 3rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; } h3 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; overflow-wrap: anywhere; }
code { font: .9em/1.4 ui-monospace, monospace; background: var(--shade); padding: .05em .3em; border-radius: 4px; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; font-size: .88rem; margin: .6rem 0; } caption, .label { text-align: left; color: var(--quiet); font-size: .82rem; margin: .6rem 0 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); } th { font-weight: 500; width: 14rem; }
small, .scope { color: var(--quiet); } dt { margin-top: .8rem; } dd { margin: .1rem 0 0; }
b.get { color: #1c7a46; } b.post { color: #0b5cad; } b.put, b.patch { color: #a05a00; } b.delete { color: #b3261e; }
@media (prefers-color-scheme: dark) { b.get { color: #6fd19c; } b.post { color: #7bb7f5; } b.put, b.patch { color: #f0b765; } b.delete { color: #f28b82; } }
@media (max-width: 760px) { body { display: block; } nav { position: static; height: auto; border: 0; border-bottom: 1px solid var(--line); } nav li li { display: none; } main { padding: 1rem; } th { width: 9rem; } }
`;
