import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, openHoldfast, type Holdfast, type StorePlace } from '../../app/app.ts';
import { HoldfastClient, isProblem, type LineProblem } from '../../client/client.ts';
import type { ImportRules } from '../../http/http.ts';
import { importLines, ImportTurns, rehearseLines } from '../../processes/processes.ts';
import { findImport, type ImportLine, type RefusedLine } from '../../rooms/inventory/inventory.ts';
import type { LineFault } from './report.ts';

/** A line that may be sent: its form was checked. */
export interface GoodLine {
  readonly line: number;
  readonly value: object;
  readonly commands: ImportLine['commands'];
}

export interface Part {
  readonly after: number;
  readonly upTo: number;
  readonly lines: readonly GoodLine[];
}

/** What became of some lines, or of all so far. */
export interface Taken {
  readonly line: number;
  readonly described: number;
  readonly adjusted: number;
  readonly unchanged: number;
  /** How many were refused, of which some are named. */
  readonly refused: number;
  readonly faults: readonly LineFault[];
}

/** Where an import goes. */
export interface Target extends AsyncDisposable {
  /** Parts that may be under way at a time. */
  readonly parts: number;
  readonly linesPerPart: number;
  find(importId: string): Promise<Taken | undefined>;
  take(importId: string, part: Part, mode: 'store' | 'rehearse'): Promise<Taken>;
}

export type TargetChoice = { readonly place: StorePlace } | { readonly url: string; readonly key: string | undefined };

export async function openTarget(choice: TargetChoice, rules: ImportRules, mode: 'store' | 'rehearse'): Promise<Target> {
  if ('url' in choice) return service(choice.url, choice.key, rules);
  const { place } = choice;
  // A rehearsal leaves nothing behind, not even an empty store.
  if (mode === 'rehearse' && place.engine === 'sqlite' && !existsSync(join(place.directory, 'log.db'))) {
    throw new ConfigError(`there is no store in ${place.directory} to try this on; start one with serve, or name another with --data`);
  }
  return embedded(await openHoldfast({ place, consumers: 'later' }));
}

/**
 * States that were not saved yet stay in memory, and an import makes them faster than views are laid out: beyond so
 * many it waits, so that its memory does not grow with the file.
 */
const UNSAVED_MAX = 450_000;
const VIEWS_WAIT_MS = 10_000;

function embedded(holdfast: Holdfast): Target {
  const { engine, ids, views, clock } = holdfast;
  const turns = new ImportTurns(clock);
  return {
    parts: 4,
    linesPerPart: 1_000,
    async find(importId) {
      const known = await engine.read((world) => findImport(world, importId));
      return known && { ...known, faults: known.refusals.map(faultOf) };
    },
    async take(importId, { after, upTo, lines }, mode) {
      const part = { importId, after, upTo, lines };
      while (engine.figures.residents > UNSAVED_MAX && !(await views.covers([...engine.heads], VIEWS_WAIT_MS)));
      const done = mode === 'store' ? await importLines(engine, turns, part) : { ok: true as const, ...(await rehearseLines(engine, ids, part)) };
      if (!done.ok) throw new ImportStopped(done.refusal.detail);
      return { ...done, refused: done.refused.length, faults: done.refused.map(faultOf) };
    },
    [Symbol.asyncDispose]: () => holdfast[Symbol.asyncDispose](),
  };
}

/** A refused line as the service tells of it: one fault for each thing that is wrong, or one for the line. */
function faultsOf(refused: readonly LineProblem[]): LineFault[] {
  return refused.flatMap(({ line, problem }) => {
    const { code, detail = code, errors = [] } = problem as { code: string; detail?: string; errors?: readonly { pointer: string; detail: string }[] }; // a problem document
    return errors.length > 0 ? errors.map((error) => ({ line, field: error.pointer.slice(1), reason: error.detail, code })) : [{ line, field: '', reason: detail, code }];
  });
}

/** The import cannot go on; the message says why. */
export class ImportStopped extends Error {
  override readonly name = 'ImportStopped';
}

function faultOf({ line, refusal: { code, detail, members } }: RefusedLine): LineFault {
  const [first] = (members?.['errors'] ?? []) as readonly { pointer: string; detail: string }[]; // the form of a refusal's faults
  return { line, field: first?.pointer.slice(1) ?? '', reason: first?.detail ?? detail, code };
}

/** Characters of a part as JSON: the service takes a mebibyte, and a character has up to three bytes. */
const PART_CHARACTERS_MAX = 340_000;

function service(url: string, key: string | undefined, { items, createItems }: ImportRules): Target {
  if (key === undefined || key === '') throw new ConfigError('a service at --url needs --key, or HOLDFAST_KEY');
  const client = new HoldfastClient({ baseUrl: url, key });
  const take = async (importId: string, { after, upTo, lines }: Part, mode: 'store' | 'rehearse'): Promise<Taken> => {
    const said = lines.map(({ line, value }) => ({ line, value }));
    if (lines.length > 1 && JSON.stringify(said).length > PART_CHARACTERS_MAX) {
      const [first, second] = halvesOf({ after, upTo, lines });
      return sumOf(await take(importId, first, mode), await take(importId, second, mode));
    }
    const { refused, ...done } = await client.imports.take(importId, { after, upTo, lines: said, items, createItems, ...(mode === 'rehearse' ? { dryRun: true } : undefined) });
    return { ...done, refused: refused.length, faults: faultsOf(refused) };
  };
  return {
    // On its way, decided, made durable, answered.
    parts: 4,
    linesPerPart: 1_000,
    async find(importId) {
      try {
        const { refusals, ...known } = await client.imports.get(importId);
        return { ...known, faults: faultsOf(refusals) };
      } catch (error) {
        if (isProblem(error, 'unknown-import')) return undefined;
        throw error;
      }
    },
    take,
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function halvesOf({ after, upTo, lines }: Part): [Part, Part] {
  const half = Math.ceil(lines.length / 2);
  const middle = lines[half - 1]?.line ?? after;
  return [{ after, upTo: middle, lines: lines.slice(0, half) }, { after: middle, upTo, lines: lines.slice(half) }];
}

function sumOf(a: Taken, b: Taken): Taken {
  return { line: b.line, described: a.described + b.described, adjusted: a.adjusted + b.adjusted, unchanged: a.unchanged + b.unchanged, refused: a.refused + b.refused, faults: [...a.faults, ...b.faults] };
}
