/** Who may import what: the floors, the rooms and engines that do not know each other, front doors, outside packages. */
import { posix } from 'node:path';
import { offence, type Import, type Offence, type SourceFile } from './tree.ts';

/** From the ground up. Floors on one line stand beside each other and do not see each other. */
const floors: readonly (readonly string[])[] = [
  ['base'],
  ['store'],
  ['engines', 'rooms', 'runtime'],
  ['processes'],
  ['distribution'],
  ['http'],
  ['app'],
  ['cli'],
  ['main.ts'],
];

/** `*` stands for one name. A path that ends in a slash is a folder with all that is in it. */
type Pattern = string;

/**
 * Which code of src/ may import an outside package. Kysely is how views are asked, so a room's views may; numbers and
 * log lines are given out by the floors that face the world, and the floors below them only report what happened.
 */
const packages: Readonly<Record<string, readonly Pattern[]>> = {
  '@opentelemetry/api': ['src/app/tracing/'],
  '@opentelemetry/core': ['src/app/tracing/'],
  '@opentelemetry/exporter-trace-otlp-proto': ['src/app/tracing/'],
  '@opentelemetry/resources': ['src/app/tracing/'],
  '@opentelemetry/sdk-trace': ['src/app/tracing/'],
  'cli-progress': ['src/cli/'],
  commander: ['src/cli/'],
  'csv-parse': ['src/cli/'],
  echarts: ['src/cli/simulate/'],
  fastify: ['src/http/'],
  kysely: ['src/store/', 'src/engines/', 'src/rooms/*/views.ts'],
  pg: ['src/engines/postgres/'],
  pino: ['src/http/', 'src/app/'],
  'prom-client': ['src/http/', 'src/app/'],
  redis: ['src/engines/redis/'],
  typebox: ['src/http/'],
  'fast-check': ['src/store/conformance/'],
  vitest: ['src/store/conformance/'],
  'node:sqlite': ['src/engines/sqlite/', 'src/engines/memory/', 'src/store/sqlite-dialect.ts'],
};

/** Doors beside the front door: the kit and what tests need for tests, and SQL for engines that speak SQLite's. */
const sideDoors: readonly { readonly door: Pattern; readonly for: readonly Pattern[] | 'tests' }[] = [
  { door: 'src/store/conformance/conformance.ts', for: 'tests' },
  { door: 'src/store/conformance/endless-writer.ts', for: 'tests' },
  { door: 'src/store/conformance/harness.ts', for: 'tests' },
  { door: 'src/**/testing.ts', for: 'tests' },
  // Distribution is a floor of several ideas, each with a front door of its own.
  { door: 'src/distribution/feed/feed.ts', for: ['src/http/', 'src/app/'] },
  // The command line starts a server without the rest of the house.
  { door: 'src/app/serve.ts', for: ['src/cli/cli.ts', 'src/cli/serve.ts'] },
  { door: 'src/store/envelope.ts', for: ['src/engines/', 'src/rooms/', 'src/runtime/'] },
  { door: 'src/store/sqlite-dialect.ts', for: ['src/engines/sqlite/', 'src/engines/memory/'] },
];

export function matches(path: string, pattern: Pattern): boolean {
  const source = pattern.replaceAll('.', '\\.').replaceAll('**/', '(?:.+/)?').replaceAll(/(?<!\.|\))\*/g, '[^/]+');
  return new RegExp(`^${source}${pattern.endsWith('/') ? '' : '$'}`).test(path);
}

/** Code that only runs under a test or a benchmark: the floors do not bind it, the doors do. A `-writer` is started to be killed, a `model/` is what a room is compared with. */
export function isTestCode(path: string): boolean {
  return !path.startsWith('src/') || path.endsWith('.test.ts') || path.endsWith('/testing.ts') || matches(path, 'src/engines/*/*-writer.ts') || matches(path, 'src/rooms/*/model/');
}

/** The part of the tree that a file belongs to: a room, an engine, or else a floor. */
export function unitOf(path: string): string {
  const [, floor = '', name = ''] = path.split('/');
  return floor === 'engines' || floor === 'rooms' ? `${floor}/${name}` : floor;
}

function heightOf(path: string): number {
  const floor = path.split('/')[1] ?? '';
  return floors.findIndex((names) => names.includes(floor));
}

function targetOf(file: SourceFile, { specifier }: Import): string | undefined {
  return specifier.startsWith('.') ? posix.normalize(posix.join(posix.dirname(file.path), specifier)) : undefined;
}

/** Every import of a file in src/ by another of its parts. */
function* crossings(files: readonly SourceFile[]): Generator<{ file: SourceFile; target: string; line: number; typeOnly: boolean }> {
  for (const file of files) {
    for (const one of file.imports) {
      const target = targetOf(file, one);
      if (target === undefined || !target.startsWith('src/')) continue;
      if (file.path.startsWith('src/') && unitOf(target) === unitOf(file.path)) continue;
      yield { file, target, line: one.line, typeOnly: one.typeOnly };
    }
  }
}

export function importsOnlyGoDown(files: readonly SourceFile[]): Offence[] {
  const offences: Offence[] = [];
  for (const { file, target, line, typeOnly } of crossings(files)) {
    if (isTestCode(file.path) || unitOf(file.path) === 'client' || unitOf(target) === 'client') continue;
    // A room is made to the runtime's measure: it may know the type of a room, and nothing that runs.
    if (typeOnly && unitOf(file.path).startsWith('rooms') && target === 'src/runtime/runtime.ts') continue;
    const [from, to] = [heightOf(file.path), heightOf(target)];
    if (from === -1) offences.push(offence(file, line, `src/${unitOf(file.path)} is on no floor: draw it in tests/tidy/imports.ts`));
    else if (to === -1 || to > from) offences.push(offence(file, line, `imports ${target}, which is above it`));
    else if (to === from) offences.push(offence(file, line, `imports ${target}, its neighbour: rooms, engines and the runtime do not know each other`));
  }
  return offences;
}

export function onlyTheAppNamesAnEngine(files: readonly SourceFile[]): Offence[] {
  const offences: Offence[] = [];
  for (const { file, target, line } of crossings(files)) {
    if (isTestCode(file.path) || unitOf(file.path) === 'app' || !target.startsWith('src/engines/')) continue;
    offences.push(offence(file, line, `names the engine ${target}: only src/app does`));
  }
  return offences;
}

export function outsidersUseFrontDoors(files: readonly SourceFile[]): Offence[] {
  const offences: Offence[] = [];
  for (const { file, target, line } of crossings(files)) {
    const unit = unitOf(target);
    // The ground floor has no single idea, so each of its files is a door.
    if (unit === 'base' || target === `src/${unit}/${posix.basename(unit)}.ts`) continue;
    const mayEnter = sideDoors.some((side) => matches(target, side.door) && (side.for === 'tests' ? isTestCode(file.path) : side.for.some((pattern) => matches(file.path, pattern))));
    if (!mayEnter) offences.push(offence(file, line, `imports ${target}: come in by src/${unit}/${posix.basename(unit)}.ts`));
  }
  return offences;
}

/** The client runs in other people's programs: it brings nothing along but types of the contract. */
export function theClientStandsAlone(files: readonly SourceFile[]): Offence[] {
  const offences: Offence[] = [];
  for (const { file, target, line, typeOnly } of crossings(files)) {
    if (isTestCode(file.path)) continue;
    if (unitOf(file.path) === 'client' && !(typeOnly && unitOf(target) === 'http')) {
      offences.push(offence(file, line, `the client imports ${target}: only types of src/http may be`));
    }
    if (unitOf(target) === 'client' && heightOf(file.path) <= heightOf('src/http')) {
      offences.push(offence(file, line, `imports the client, which is for src/app and above`));
    }
  }
  for (const file of files) {
    if (!file.path.startsWith('src/client/') || isTestCode(file.path)) continue;
    for (const { specifier, line } of file.imports) {
      if (!specifier.startsWith('.')) offences.push(offence(file, line, `the client imports ${specifier}: it must run without any package, also in a browser`));
    }
  }
  return offences;
}

/** End-to-end tests see what users see: HTTP, the command line and the client. */
export function endToEndTestsStayOutside(files: readonly SourceFile[]): Offence[] {
  const offences: Offence[] = [];
  for (const { file, target, line } of crossings(files)) {
    if (!file.path.startsWith('tests/e2e/') || unitOf(target) === 'client') continue;
    offences.push(offence(file, line, `imports ${target}: an end-to-end test sees HTTP, the command line and the client only`));
  }
  return offences;
}

export function outsidePackagesStayConfined(files: readonly SourceFile[]): Offence[] {
  const offences: Offence[] = [];
  for (const file of files) {
    if (isTestCode(file.path)) continue;
    for (const { specifier, line } of file.imports) {
      if (specifier.startsWith('.')) continue;
      const homes = packages[packageOf(specifier)];
      if (homes === undefined && specifier.startsWith('node:')) continue;
      if (homes?.some((pattern) => matches(file.path, pattern))) continue;
      const where = homes === undefined ? 'it has no home yet: give it one in tests/tidy/imports.ts' : `it lives in ${homes.join(', ')}`;
      offences.push(offence(file, line, `imports ${specifier}: ${where}`));
    }
  }
  return offences;
}

export function packageOf(specifier: string): string {
  if (specifier.startsWith('node:')) return specifier;
  const [scope = '', name = ''] = specifier.split('/');
  if (scope === '@fastify') return 'fastify';
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

export function relativeImportsNameFiles(files: readonly SourceFile[], exists: (path: string) => boolean): Offence[] {
  const offences: Offence[] = [];
  for (const file of files) {
    for (const one of file.imports) {
      const target = targetOf(file, one);
      if (target !== undefined && !exists(target)) offences.push(offence(file, one.line, `imports ${one.specifier}, which is not a file: write the real ending`));
    }
  }
  return offences;
}
