import { passing } from '../base/crash-points.ts';
import type { Refusal } from '../base/decision.ts';
import type { Ids } from '../base/ids.ts';
import { findImport, findItem, limits, rehearseImport, type ImportedLines, type ImportLine, type ImportLines, type InventoryCommand } from '../rooms/inventory/inventory.ts';
import type { Engine } from '../runtime/runtime.ts';
import type { ImportTurns } from './import-turns.ts';

/** Lines of an import as they come: those of the file between `after` and `upTo` that mean something. */
export interface ImportPart {
  readonly importId: string;
  readonly after: number;
  readonly upTo: number;
  readonly lines: readonly ImportLine[];
  /** Who imports. */
  readonly actor?: string | undefined;
}

type Imported = ({ readonly ok: true } & ImportedLines & { readonly cursor: string }) | { readonly ok: false; readonly refusal: Refusal };

/**
 * Takes in a part of an import, in steps so that nobody else is held up for long. The steps are under way together, and
 * so may be other parts, and all are decided one after another; what was done of a part that failed half way is done,
 * and not done again by a repetition.
 */
export async function importLines(engine: Engine<InventoryCommand>, turns: ImportTurns, part: ImportPart): Promise<Imported> {
  const stored = await bringToMind(engine, part);
  const settled = await turns.take(part, stored, () => {
    const steps = stepsOf(part).map(async (command) => engine.execute(command, { lane: `import ${part.importId}` }));
    passing('import.begun');
    return Promise.all(steps);
  });
  passing('import.taken');
  const steps: ImportedLines[] = [];
  for (const outcome of settled) {
    if (!outcome.ok) return { ok: false, refusal: outcome.refusal };
    steps.push(outcome.answer as unknown as ImportedLines); // the room's answer to this very command
  }
  return { ok: true, ...sumOf(part, steps), cursor: engine.cursor };
}

/**
 * Looks at every item of the part, so that they are loaded together, and at how far the import is. Left to themselves
 * the steps would be loaded one after the other, because each waits for the one before it.
 */
function bringToMind(engine: Engine<InventoryCommand>, { importId, lines }: ImportPart): Promise<number> {
  return engine.read((world) => {
    let last: string | undefined;
    for (const { commands } of lines) {
      for (const command of commands) {
        if (command.type === 'DefineLocation' || command.sku === last) continue;
        findItem(world, (last = command.sku));
      }
    }
    return findImport(world, importId)?.line ?? 0;
  });
}

/** What would become of the lines on what is stored now. Nothing is stored, and parts know nothing of each other. */
export async function rehearseLines(engine: Engine<InventoryCommand>, ids: Ids, part: ImportPart): Promise<ImportedLines> {
  const steps: ImportedLines[] = [];
  for (const command of stepsOf(part)) steps.push(await engine.read((world, now) => rehearseImport(command, world, { now, ids })));
  return sumOf(part, steps);
}

function stepsOf({ importId, after, upTo, lines, actor }: ImportPart): (ImportLines & { readonly actor: string | undefined })[] {
  const steps: ReturnType<typeof stepsOf> = [];
  for (let from = 0, reached = after; from === 0 || from < lines.length; from += limits.IMPORT_LINES_MAX) {
    const step = lines.slice(from, from + limits.IMPORT_LINES_MAX);
    const isLast = from + limits.IMPORT_LINES_MAX >= lines.length;
    const last = isLast ? upTo : (step.at(-1)?.line ?? upTo);
    steps.push({ type: 'ImportLines', importId, after: reached, upTo: last, lines: step, actor });
    reached = last;
  }
  return steps;
}

function sumOf({ importId, upTo }: ImportPart, steps: readonly ImportedLines[]): ImportedLines {
  const sum = (of: (step: ImportedLines) => number): number => steps.reduce((total, step) => total + of(step), 0);
  return {
    importId,
    line: Math.max(upTo, steps.at(-1)?.line ?? 0),
    repeated: steps.every(({ repeated }) => repeated),
    described: sum((step) => step.described),
    adjusted: sum((step) => step.adjusted),
    unchanged: sum((step) => step.unchanged),
    refused: steps.flatMap(({ refused }) => refused),
  };
}
