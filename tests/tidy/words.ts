/** What the words of the tree may be: pure rooms, honest types, named ideas, living links, finished work. */
import { posix } from 'node:path';
import { isTestCode } from './imports.ts';
import { lineAt, offence, type Offence, type SourceFile } from './tree.ts';

export interface TextFile {
  readonly path: string;
  readonly text: string;
}

function eachMatch(file: TextFile, searched: string, pattern: RegExp, why: (found: string) => string): Offence[] {
  return [...searched.matchAll(pattern)].map((match) => offence(file, lineAt(searched, match.index), why(match[0].trim())));
}

const impure = /\b(?:await|async)\b|\bDate\s*\.\s*now\b|\bnew\s+Date\s*\(\s*\)|\bMath\s*\.\s*random\b|\bcrypto\b|\bperformance\b|\bprocess\s*\.|\bset(?:Timeout|Interval|Immediate)\b|\bfetch\s*\(/g;

/** A room can be replayed from its facts only if nothing in it waits, looks at a clock or throws dice. Views ask a database. */
export function roomsArePure(files: readonly SourceFile[]): Offence[] {
  return files
    .filter(({ path }) => path.startsWith('src/rooms/') && !isTestCode(path) && !/\/views(?:\/|\.ts$)/.test(path))
    .flatMap((file) => [
      ...eachMatch(file, file.code, impure, (found) => `room code says \`${found}\`: clock, chance and waiting come from outside`),
      ...file.imports
        .filter(({ specifier }) => specifier.startsWith('node:'))
        .map(({ specifier, line }) => offence(file, line, `room code imports ${specifier}`)),
    ]);
}

/** `any` gives up on types. Where it is right, the linter's own exemption stands on the line and gives the reason. */
export function noAny(files: readonly SourceFile[]): Offence[] {
  return files.flatMap((file) => {
    const lines = file.text.split('\n');
    const explained = (line: number): boolean =>
      /oxlint-disable-line typescript\/no-explicit-any -- \S/.test(lines[line - 1] ?? '') ||
      /oxlint-disable-next-line typescript\/no-explicit-any -- \S/.test(lines[line - 2] ?? '');
    return [
      ...eachMatch(file, file.code, /(?<![.\w$])any(?![\w$]|\s*\()/g, () => '`any`: say what it is, or `unknown`'),
      ...eachMatch(file, file.comments, /@ts-(?:ignore|nocheck)\b/g, (found) => `${found}: mend the type`),
    ].filter((found) => !explained(Number(found.split(':')[1])));
  });
}

export function noDrawers(paths: readonly string[]): Offence[] {
  return paths
    .filter((path) => path.split('/').some((part) => /(?:^|[-.])(?:utils?|helpers?|common|managers?)(?:[-.]|$)/i.test(part)))
    .map((path) => offence({ path }, 1, 'a drawer: name the idea that is in it'));
}

export function nothingIsUnfinished(files: readonly SourceFile[], documents: readonly TextFile[]): Offence[] {
  const promise = /\b(?:TODO|FIXME|XXX|HACK)\b/g;
  const why = (found: string): string => `${found}: do it, or leave it out`;
  return [
    ...files.flatMap((file) => eachMatch(file, file.comments, promise, why)),
    ...files.flatMap((file) => eachMatch(file, file.code, /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.only\b/g, (found) => `${found} keeps every other test from running`)),
    ...documents.flatMap((file) => eachMatch(file, file.text, promise, why)),
  ];
}

/** Paths that exist on one machine only. Those of containers and of the operating system (/var, /etc, /tmp) are everybody's. */
export function noPathsOfOneMachine(files: readonly TextFile[]): Offence[] {
  const local = /(?<![\w.~)}\]*-])\/(?:work|root)(?:\/|\b(?![/\w]))|(?<![\w.~)}\]*-])\/(?:home|Users)\/[\w.-]+/g;
  return files.flatMap((file) => eachMatch(file, file.text, local, (found) => `${found} is a path of one machine`));
}

const link = /\]\(\s*<?([^)\s>]+)>?[^)]*\)/g;

export function noDeadLinks(documents: readonly TextFile[], exists: (path: string) => boolean): Offence[] {
  const anchors = new Map(documents.map(({ path, text }) => [path, anchorsOf(text)]));
  return documents.flatMap((file) => {
    const prose = withoutCodeBlocks(file.text);
    return [...prose.matchAll(link)].flatMap((match) => {
      const target = match[1] ?? '';
      const why = deadness(file.path, target, anchors, exists);
      return why === undefined ? [] : [offence(file, lineAt(prose, match.index), `${target}: ${why}`)];
    });
  });
}

function deadness(from: string, target: string, anchors: ReadonlyMap<string, ReadonlySet<string>>, exists: (path: string) => boolean): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? from : posix.normalize(posix.join(posix.dirname(from), decodeURIComponent(path)));
  if (path.startsWith('/')) return 'a link that only one host understands: make it relative';
  if (path !== '' && !exists(file.replace(/\/$/, ''))) return 'no such file';
  if (anchor !== undefined && anchors.get(file)?.has(anchor) === false) return 'no such heading';
  return undefined;
}

function withoutCodeBlocks(text: string): string {
  return text.replaceAll(/^( *)(```|~~~)[^]*?^\1\2/gm, (block) => block.replaceAll(/[^\n]/g, ' '));
}

/** The anchors that a renderer makes of headings: lower case, punctuation gone, blanks to dashes. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutCodeBlocks(text).matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm)) {
    const slug = heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(/\s/g, '-');
    let name = slug;
    for (let copy = 1; anchors.has(name); copy += 1) name = `${slug}-${copy}`;
    anchors.add(name);
  }
  return anchors;
}

/** npm refuses a lock file in which a platform's package is missing, though only on a machine that has none installed. */
export function lockFileIsWhole(file: TextFile): Offence[] {
  interface Entry {
    readonly version?: string;
    readonly integrity?: string;
    readonly resolved?: string;
    readonly link?: boolean;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  }
  const { packages } = JSON.parse(file.text) as { packages: Readonly<Record<string, Entry>> }; // npm's own format, version 3
  return Object.entries(packages).flatMap(([name, entry]) => {
    const at = offence.bind(undefined, file, lineAt(file.text, file.text.indexOf(`"${name}": {`)));
    const missing = Object.keys(entry.optionalDependencies ?? {})
      .filter((wanted) => !(`node_modules/${wanted}` in packages) && !(`${name}/node_modules/${wanted}` in packages))
      .map((wanted) => at(`${name} may need ${wanted} on another platform, and it is not locked`));
    const outside = name.startsWith('node_modules/') && entry.link !== true;
    if (outside && (entry.version === undefined || entry.integrity === undefined)) missing.push(at(`${name} has no version or no checksum`));
    if (outside && entry.resolved !== undefined) missing.push(at(`${name} names the host that it came from: npm config set omit-lockfile-registry-resolved true`));
    return missing;
  });
}

export function dependenciesAreExplained(manifest: TextFile, decision: TextFile): Offence[] {
  const { dependencies = {}, devDependencies = {} } = JSON.parse(manifest.text) as Readonly<Record<string, Record<string, string>>>; // npm checked it
  return Object.keys({ ...dependencies, ...devDependencies })
    .filter((name) => !decision.text.includes(`\`${name}\``))
    .map((name) => offence(manifest, lineAt(manifest.text, manifest.text.indexOf(`"${name}":`)), `${name} is not explained in ${decision.path}`));
}
