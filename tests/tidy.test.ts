/**
 * The habits of this tree, checked on its text. Each rule has two tests: the tree keeps it, and a sample that breaks it
 * is found, because a rule that cannot fail checks nothing.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import * as imports from './tidy/imports.ts';
import { repositoryPaths, root, sourceFile, split, textOf, type Offence, type SourceFile } from './tidy/tree.ts';
import * as words from './tidy/words.ts';

const paths = repositoryPaths();
const folders = new Set(paths.flatMap((path) => path.split('/').map((_, depth, parts) => parts.slice(0, depth).join('/'))));
const exists = (path: string): boolean => paths.includes(path) || folders.has(path);
const files = paths.filter((path) => path.endsWith('.ts')).map((path) => sourceFile(path, textOf(path)));
const documents = paths.filter((path) => path.endsWith('.md')).map((path) => ({ path, text: textOf(path) }));
const texts = paths
  .filter((path) => /\.(?:ts|js|json|md|sh|ya?ml|html|css|sql|txt)$|^\.ci\/|Dockerfile|^\.[a-z]+$/.test(path))
  .map((path) => ({ path, text: textOf(path) }));

const sample = (path: string, ...lines: string[]): SourceFile[] => [sourceFile(path, lines.join('\n'))];
const document = (text: string): words.TextFile[] => [{ path: 'docs/sample.md', text }];

/** Expects an offence in each of these lines of the sample and in no other. */
function expectFound(offences: readonly Offence[], ...at: readonly string[]): void {
  expect(offences.map((found) => found.split(': ')[0])).toEqual(at);
}

describe('the checks can read', () => {
  test('the walk finds this file and nothing that was installed or built', () => {
    expect(paths).toContain('tests/tidy.test.ts');
    expect(paths).toContain('src/store/store.ts');
    expect(paths.filter((path) => /node_modules|^dist\//.test(path))).toEqual([]);
  });

  test('comments, strings, templates and regular expressions are told from code', () => {
    const hard = ["const a = 'x // y'; // z", 'const b = `p ${`q ${c}` /* r */} s`; /* t', "u */ const d = /[/'\"]\\//g; const e = f / g / h; // 'i"];
    const { code, comments } = split(hard.join('\n'));
    expect(code.replaceAll(/\s+/g, ' ')).toBe("const a = ' '; const b = ` ${` ${c}` } `; const d = g; const e = f / g / h; ");
    expect(comments.replaceAll(/\s+/g, ' ').trim()).toBe("// z /* r */ /* t u */ // 'i");
  });

  test('every form of import is seen, and whether only types come in', () => {
    const [file] = sample(
      'src/app/app.ts',
      "import a, { type B } from './a.ts';",
      "import type { C } from './c.ts';",
      'import {',
      '  type D,',
      "} from './d.ts';",
      "import './e.ts';",
      "export { f } from './f.ts';",
      "export const text = 'no import';",
      "const g = await import('./g.ts');",
      "new Worker(new URL('./h.ts', import.meta.url));",
      "// import { i } from './i.ts';",
    );
    expect(file?.imports.map(({ specifier, line, typeOnly }) => `${line} ${specifier}${typeOnly ? ' types' : ''}`)).toEqual([
      '1 ./a.ts', '2 ./c.ts types', '3 ./d.ts types', '6 ./e.ts', '7 ./f.ts', '9 ./g.ts', '10 ./h.ts',
    ]);
  });
});

describe('imports only go down the floors', () => {
  test('in this tree', () => {
    expect(imports.importsOnlyGoDown(files)).toEqual([]);
  });
  test('an import from above, of a neighbour or from no floor is found', () => {
    const found = [
      ...sample('src/store/a.ts', "import { x } from '../base/x.ts';", "import { y } from '../http/http.ts';"),
      ...sample('src/rooms/orders/b.ts', "import { x } from './x.ts';", "import { y } from '../inventory/inventory.ts';", "import { z } from '../../runtime/runtime.ts';"),
      ...sample('src/engines/redis/c.ts', "import type { x } from '../sqlite/sqlite.ts';"),
      ...sample('src/cellar/d.ts', "import { x } from '../base/x.ts';"),
      ...sample('src/store/e.test.ts', "import { y } from '../http/http.ts';"),
    ];
    expectFound(imports.importsOnlyGoDown(found), 'src/store/a.ts:2', 'src/rooms/orders/b.ts:2', 'src/rooms/orders/b.ts:3', 'src/engines/redis/c.ts:1', 'src/cellar/d.ts:1');
  });
});

describe('only the app names an engine', () => {
  test('in this tree', () => {
    expect(imports.onlyTheAppNamesAnEngine(files)).toEqual([]);
  });
  test('another floor that does is found', () => {
    const line = "import { openSqlite } from '../engines/sqlite/sqlite.ts';";
    const found = [...sample('src/http/http.ts', line), ...sample('src/cli/bench.ts', line), ...sample('src/app/app.ts', line), ...sample('src/cli/bench.test.ts', line)];
    expectFound(imports.onlyTheAppNamesAnEngine(found), 'src/http/http.ts:1', 'src/cli/bench.ts:1');
  });
});

describe('outsiders come in by front doors', () => {
  test('in this tree', () => {
    expect(imports.outsidersUseFrontDoors(files)).toEqual([]);
  });
  test('a side entrance is found, a door is not', () => {
    const found = [
      ...sample('src/processes/a.ts', "import { decide } from '../rooms/inventory/decide.ts';", "import { b } from '../rooms/inventory/inventory.ts';", "import { c } from '../base/clock.ts';"),
      ...sample('src/app/d.ts', "import { e } from '../engines/postgres/testing.ts';", "import { f } from '../store/conformance/conformance.ts';"),
      ...sample('src/engines/sqlite/g.test.ts', "import { f } from '../../store/conformance/conformance.ts';", "import { e } from '../postgres/testing.ts';", "import { h } from '../postgres/pool.ts';"),
      ...sample('bench/i.ts', "import { j } from '../src/runtime/partition.ts';"),
    ];
    expectFound(imports.outsidersUseFrontDoors(found), 'src/processes/a.ts:1', 'src/app/d.ts:1', 'src/app/d.ts:2', 'src/engines/sqlite/g.test.ts:3', 'bench/i.ts:1');
  });
});

describe('the client stands alone', () => {
  test('in this tree', () => {
    expect(imports.theClientStandsAlone(files)).toEqual([]);
  });
  test('a client that brings something along, and a low floor that uses it, are found', () => {
    const found = [
      ...sample('src/client/client.ts', "import type { Contract } from '../http/http.ts';", "import { problem } from '../http/http.ts';", "import { Agent } from 'undici';", "import { e } from 'node:events';", "import type { Id } from '../base/ids.ts';"),
      ...sample('src/http/http.ts', "import { client } from '../client/client.ts';"),
      ...sample('src/cli/replay.ts', "import { client } from '../client/client.ts';"),
    ];
    expectFound(imports.theClientStandsAlone(found), 'src/client/client.ts:2', 'src/client/client.ts:5', 'src/http/http.ts:1', 'src/client/client.ts:3', 'src/client/client.ts:4');
  });
});

describe('end-to-end tests see only what users see', () => {
  test('in this tree', () => {
    expect(imports.endToEndTestsStayOutside(files)).toEqual([]);
  });
  test('a look inside is found', () => {
    const found = sample('tests/e2e/a.test.ts', "import { client } from '../../src/client/client.ts';", "import { open } from '../../src/app/app.ts';");
    expectFound(imports.endToEndTestsStayOutside(found), 'tests/e2e/a.test.ts:2');
  });
});

describe('outside packages stay in the places that the table names', () => {
  test('in this tree', () => {
    expect(imports.outsidePackagesStayConfined(files)).toEqual([]);
  });
  test('a package elsewhere, and one without a home, are found', () => {
    const found = [
      ...sample('src/runtime/a.ts', "import pg from 'pg';", "import { fastifyPlugin } from '@fastify/rate-limit';", "import { open } from 'node:fs/promises';", "import { DatabaseSync } from 'node:sqlite';"),
      ...sample('src/engines/postgres/b.ts', "import pg from 'pg';", "import left from 'left-pad';"),
      ...sample('src/rooms/inventory/views.ts', "import type { Kysely } from 'kysely';"),
      ...sample('src/rooms/inventory/decide.ts', "import type { Kysely } from 'kysely';"),
      ...sample('src/runtime/c.test.ts', "import { test } from 'vitest';"),
    ];
    expectFound(imports.outsidePackagesStayConfined(found), 'src/runtime/a.ts:1', 'src/runtime/a.ts:2', 'src/runtime/a.ts:4', 'src/engines/postgres/b.ts:2', 'src/rooms/inventory/decide.ts:1');
  });
});

describe('relative imports name real files', () => {
  test('in this tree', () => {
    expect(imports.relativeImportsNameFiles(files, (path) => paths.includes(path))).toEqual([]);
  });
  test('another ending and a folder are found', () => {
    const found = sample('src/base/a.ts', "import './assert.ts';", "import './assert.js';", "import '../store';", "import './assert';");
    expectFound(imports.relativeImportsNameFiles(found, (path) => paths.includes(path)), 'src/base/a.ts:2', 'src/base/a.ts:3', 'src/base/a.ts:4');
  });
});

describe('room code neither waits, nor looks at a clock, nor throws dice', () => {
  test('in this tree', () => {
    expect(words.roomsArePure(files)).toEqual([]);
  });
  test('code that does is found; views and tests may', () => {
    const bad = ['const a = Date.now();', 'const b = new Date(context.now);', 'const c = new Date();', 'const d = Math.random();', 'async function e() {}', "import { randomUUID } from 'node:crypto';", "// await Date.now() in words, and 'Math.random' in text:", "const f = 'Math.random()';"];
    const found = [...sample('src/rooms/inventory/decide.ts', ...bad), ...sample('src/rooms/inventory/views.ts', ...bad), ...sample('src/rooms/inventory/decide.test.ts', ...bad)];
    const at = [1, 3, 4, 5, 6].map((line) => `src/rooms/inventory/decide.ts:${line}`);
    expectFound(words.roomsArePure(found), ...at);
  });
});

describe('types are said, not given up on', () => {
  test('in this tree', () => {
    expect(words.noAny(files)).toEqual([]);
  });
  test('an unexplained any is found, an explained one is not', () => {
    const disable = 'oxlint-disable-line typescript/no-explicit-any';
    const bad = ['const a: any = 1;', 'type B = Map<string, any>;', 'const c = d as any;', `let e: any; // ${disable}`, `let f: any; // ${disable} -- the driver's own`, 'await Promise.any(g); // any', '// @ts-ignore'];
    expectFound(words.noAny(sample('src/base/a.ts', ...bad)), 'src/base/a.ts:1', 'src/base/a.ts:2', 'src/base/a.ts:3', 'src/base/a.ts:4', 'src/base/a.ts:7');
  });
});

describe('files are named for the idea in them', () => {
  test('in this tree', () => {
    expect(words.noDrawers(paths)).toEqual([]);
  });
  test('a drawer is found', () => {
    const found = ['src/base/utils.ts', 'src/helpers/dates.ts', 'src/http/common.ts', 'src/runtime/lease-manager.ts', 'src/base/utility-rates.ts', 'docs/commonplace.md'];
    expectFound(words.noDrawers(found), 'src/base/utils.ts:1', 'src/helpers/dates.ts:1', 'src/http/common.ts:1', 'src/runtime/lease-manager.ts:1');
  });
});

describe('nothing is left unfinished', () => {
  test('in this tree', () => {
    expect(words.nothingIsUnfinished(files, documents)).toEqual([]);
  });
  test('a note to self and a test that stands alone are found', () => {
    const found = sample('src/base/a.ts', '// TODO: later', "const todo = 'TODO';", "test.only('one', () => {});", '/* FIXME */');
    expectFound(words.nothingIsUnfinished(found, document('All done.\nTODO')), 'src/base/a.ts:1', 'src/base/a.ts:4', 'src/base/a.ts:3', 'docs/sample.md:2');
  });
});

describe('no path of one machine is written down', () => {
  test('in this tree', () => {
    expect(words.noPathsOfOneMachine(texts)).toEqual([]);
  });
  test('one is found', () => {
    const at = (...parts: string[]): string => ['', ...parts].join('/');
    const text = [`see ${at('work', 'main')}`, `\`${at('root', '.npmrc')}\``, `"${at('Users', 'me')}"`, at('home', 'me', 'shop'), '/var/lib/holdfast', 'https://example.com/work/1', 'src/work/a.ts', '../work/b.ts'].join('\n');
    expectFound(words.noPathsOfOneMachine(document(text)), 'docs/sample.md:1', 'docs/sample.md:2', 'docs/sample.md:3', 'docs/sample.md:4');
  });
});

describe('links in documents lead somewhere', () => {
  test('in this tree', () => {
    expect(words.noDeadLinks(documents, exists)).toEqual([]);
  });
  test('a dead file, a dead heading and a link from the root are found', () => {
    const text = ['# One idea', '[a](../LICENSE)', '[b](../LICENCE)', '[c](#one-idea)', '[d](#two-ideas)', '[e](https://example.com/x)', '[f](/README.md)', '```', '[g](gone.md)', '```', '[h](../src/)'].join('\n');
    expectFound(words.noDeadLinks(document(text), exists), 'docs/sample.md:3', 'docs/sample.md:5', 'docs/sample.md:7');
  });
});

describe('the lock file is whole', () => {
  test('in this tree', () => {
    expect(words.lockFileIsWhole({ path: 'package-lock.json', text: textOf('package-lock.json') })).toEqual([]);
  });
  test('a missing platform, a missing checksum and the name of a host are found', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0', integrity: 'sha512-x', optionalDependencies: { 'a-linux': '1.0.0', 'a-mars': '1.0.0' } },
      'node_modules/a-linux': { version: '1.0.0' },
      'node_modules/b': { version: '1.0.0', integrity: 'sha512-x', resolved: 'https://registry.example/b.tgz' },
    };
    const text = JSON.stringify({ packages }, undefined, 2);
    expectFound(words.lockFileIsWhole({ path: 'package-lock.json', text }), 'package-lock.json:3', 'package-lock.json:11', 'package-lock.json:14');
  });
});

describe('every outside package is explained', () => {
  const decision = 'docs/decisions/0002-outside-packages.md';
  test('in this tree', () => {
    const manifest = { path: 'package.json', text: textOf('package.json') };
    expect(words.dependenciesAreExplained(manifest, { path: decision, text: textOf(decision) })).toEqual([]);
  });
  test('one that is not is found', () => {
    const manifest = { path: 'package.json', text: '{ "dependencies": {\n"known": "1",\n"new": "1" } }' };
    expectFound(words.dependenciesAreExplained(manifest, { path: decision, text: 'We use `known`.' }), 'package.json:3');
  });
});

test('the linter knows types: it finds a promise that nobody waits for', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-lint-'));
  try {
    await writeFile(join(directory, 'tsconfig.json'), '{ "compilerOptions": { "strict": true, "target": "es2024" } }');
    await writeFile(join(directory, 'sample.ts'), 'async function save(): Promise<void> {}\nexport function forget(): void {\n  save();\n}\n');
    const oxlint = join(root, 'node_modules/.bin/oxlint');
    const run = promisify(execFile)(oxlint, ['--config', join(root, '.oxlintrc.json'), '--format', 'unix', 'sample.ts'], { cwd: directory });
    await expect(run).rejects.toMatchObject({ stdout: expect.stringMatching(/^sample\.ts:3:.*no-floating-promises/m) });
  } finally {
    await rm(directory, { recursive: true });
  }
});
