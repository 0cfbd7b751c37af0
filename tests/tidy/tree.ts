/** The repository as text: its files, what of a TypeScript file is code, comment or string, and what it imports. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** True where the whole statement vanishes when the types are stripped. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  /** From the root of the repository, with forward slashes. */
  readonly path: string;
  readonly text: string;
  /** The text with comments and the insides of strings blanked; line and column stay. */
  readonly code: string;
  /** The text with everything but comments blanked. */
  readonly comments: string;
  readonly imports: readonly Import[];
}

/** What is wrong, as `path:line: why`. */
export type Offence = string;

export const root = fileURLToPath(new URL('../../', import.meta.url));

// What git ignores, and git itself. The walk needs no git, so that it also works in an unpacked archive.
const skipped = new Set(['.git', 'node_modules', 'dist', 'data', 'results']);

export function repositoryPaths(directory = ''): string[] {
  const paths: string[] = [];
  for (const entry of readdirSync(join(root, directory), { withFileTypes: true })) {
    if (skipped.has(entry.name)) continue;
    const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
    if (entry.isDirectory()) paths.push(...repositoryPaths(path));
    else if (entry.isFile()) paths.push(path);
  }
  return paths.sort();
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function lineAt(text: string, index: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < index; at = text.indexOf('\n', at + 1)) line += 1;
  return line;
}

export function offence(file: { path: string }, line: number, why: string): Offence {
  return `${file.path}:${line}: ${why}`;
}

export function sourceFile(path: string, text: string): SourceFile {
  const { code, comments, uncommented } = split(text);
  return { path, text, code, comments, imports: importsOf(code, uncommented) };
}

type Kind = 'code' | 'comment' | 'string';

/** Sorts every character. Good enough for code that a linter has accepted; the tidy test checks it on hard cases. */
export function split(text: string): { code: string; comments: string; uncommented: string } {
  const kinds = kindsOf(text);
  const only = (...wanted: readonly Kind[]): string => {
    let out = '';
    for (let at = 0; at < text.length; at += 1) {
      const char = text.charAt(at);
      out += char === '\n' || wanted.includes(kinds[at] ?? 'code') ? char : ' ';
    }
    return out;
  };
  return { code: only('code'), comments: only('comment'), uncommented: only('code', 'string') };
}

function kindsOf(text: string): Kind[] {
  const kinds: Kind[] = Array.from({ length: text.length }, () => 'code');
  // Depths of braces at which a template's `${` was opened, so that its `}` goes back into the template.
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  const mark = (end: number, kind: Kind): void => {
    kinds.fill(kind, at, end);
    at = end;
  };
  const template = (): void => {
    const end = templateEnd(text, at + 1);
    const opens = text.startsWith('${', end);
    at += 1;
    mark(end, 'string');
    at = opens ? end + 2 : end + 1;
    if (opens) templates.push(depth++);
  };
  while (at < text.length) {
    const char = text.charAt(at);
    if (text.startsWith('//', at)) mark(endAt(text.indexOf('\n', at), text), 'comment');
    else if (text.startsWith('/*', at)) mark(endAt(text.indexOf('*/', at) + 1, text) + 1, 'comment');
    else if (char === '/' && startsRegExp(text.slice(0, at))) mark(quotedEnd(text, at, '/'), 'string');
    else if (char === "'" || char === '"') {
      const end = quotedEnd(text, at, char);
      at += 1;
      mark(end - 1, 'string');
      at = end;
    } else if (char === '`') template();
    else if (char === '}' && templates.at(-1) === depth - 1) {
      depth = templates.pop() ?? 0;
      template();
    } else {
      if (char === '{') depth += 1;
      if (char === '}') depth -= 1;
      at += 1;
    }
  }
  return kinds;
}

function endAt(index: number, text: string): number {
  return index <= 0 ? text.length : index;
}

/** Where a template's text ends: at its `${` or its closing backtick. */
function templateEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text.charAt(at) === '\\') at += 1;
    else if (text.charAt(at) === '`' || text.startsWith('${', at)) return at;
  }
  return text.length;
}

/** The index after a string or a regular expression. */
function quotedEnd(text: string, from: number, quote: string): number {
  let inClass = false;
  for (let at = from + 1; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '\n') return at;
    else if (quote === '/' && char === '[') inClass = true;
    else if (quote === '/' && char === ']') inClass = false;
    else if (char === quote && !inClass) return at + 1;
  }
  return text.length;
}

/** A slash divides after a value, and starts a regular expression after anything else. */
function startsRegExp(before: string): boolean {
  const line = before.slice(before.lastIndexOf('\n') + 1).trimEnd();
  return line === '' || /[(,=:[!&|?{};+*<>~^%-]$/.test(line) || /\b(return|typeof|case|in|of|void)$/.test(line);
}

const statement = /\b(import|export)\b(\s+type\b(?!\s*(?:,|from\b)))?([^;'"`()]*?\bfrom\b)?\s*(['"])/g;
const expression = /\b(?:import|new\s+URL)\s*\(\s*(['"`])/g;

function importsOf(code: string, uncommented: string): Import[] {
  const imports: Import[] = [];
  for (const match of code.matchAll(statement)) {
    const [whole, keyword = '', type, clause, quote = ''] = match;
    // `export const a = 'text'` has no `from`; only an import may do without.
    if (clause === undefined && keyword === 'export') continue;
    const specifier = stringAt(uncommented, match.index + whole.length, quote);
    imports.push({ specifier, line: lineAt(code, match.index), typeOnly: type !== undefined || namesTypesOnly(clause) });
  }
  for (const match of code.matchAll(expression)) {
    const [whole, quote = ''] = match;
    const specifier = stringAt(uncommented, match.index + whole.length, quote);
    // A URL is an import where it names a module, as for a worker.
    if (whole.startsWith('import') || specifier.endsWith('.ts')) imports.push({ specifier, line: lineAt(code, match.index), typeOnly: false });
  }
  return imports;
}

function stringAt(text: string, from: number, quote: string): string {
  const end = text.indexOf(quote, from);
  return text.slice(from, end === -1 ? from : end);
}

function namesTypesOnly(clause: string | undefined): boolean {
  const names = clause === undefined ? undefined : /^\s*\{([^}]*)\}\s*from$/.exec(clause)?.[1];
  if (names === undefined) return false;
  const listed = names.split(',').map((name) => name.trim()).filter((name) => name !== '');
  return listed.length > 0 && listed.every((name) => name.startsWith('type '));
}
