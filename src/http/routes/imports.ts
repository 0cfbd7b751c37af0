import type { Static } from 'typebox';
import { rfc3339 } from '../../base/clock.ts';
import type { Json } from '../../base/json.ts';
import { importLines, ImportTurns, rehearseLines } from '../../processes/processes.ts';
import { findImport, limits, type ImportedLines, type ImportLine, type RefusedLine } from '../../rooms/inventory/inventory.ts';
import type { Answer, Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { readImportLine } from '../import-line.ts';
import { IMPORT_PART_LINES_MAX } from '../limits.ts';
import { invalidRequest, problem, problemDocument, refusalDocument, refusalProblem, type InputFault } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, id, instant, lineProblem, optional, units } from '../schemas.ts';
import { Type } from '../type.ts';

const lineNumber = (minimum: number) => Type.Integer({ minimum, maximum: Number.MAX_SAFE_INTEGER });

const part = closed(
  {
    after: lineNumber(0),
    upTo: lineNumber(1),
    items: optional(Type.Enum(['merge', 'replace'])),
    createItems: optional(Type.Boolean()),
    dryRun: optional(Type.Boolean({ description: 'Say what would happen and store nothing.' })),
    lines: Type.Array(closed({ line: lineNumber(1), value: Type.Unknown({ description: 'What a line says: members of an item, of an adjustment, or of both; without sku, of a location.' }) }), { maxItems: IMPORT_PART_LINES_MAX }),
  },
  { title: 'ImportPart', description: 'The lines of a file after one line and up to another.' },
);
const counts = { described: units(), adjusted: units(), unchanged: units() };
const taken = closed({ importId: id(), line: lineNumber(0), repeated: Type.Boolean(), ...counts, refused: Type.Array(lineProblem) }, { title: 'ImportedPart' });
const record = closed({ importId: id(), line: lineNumber(0), ...counts, refused: units(), refusals: Type.Array(lineProblem), startedAt: instant(), updatedAt: instant() }, { title: 'Import' });

export function importRoutes(floor: Floor): Route[] {
  return [take(floor), read(floor)];
}

function take({ services }: Floor): Route {
  const turns = new ImportTurns(services.clock);
  return route({
    method: 'POST',
    path: '/v1/imports/:id/lines',
    operation: 'importLines',
    summary: 'Take in the next lines of an import: each is done or refused by itself, and none of them twice',
    tag: 'Imports',
    access: 'write',
    body: part,
    answers: { 200: { description: 'What became of the lines.', schema: taken } },
    problems: ['import-elsewhere'],
    async handle(call): Promise<Answer> {
      const { after, upTo, items = 'merge', createItems = false, dryRun = false, lines } = call.body;
      checkOrder(call.body);
      const good: ImportLine[] = [];
      const bad: { line: number; problem: Json }[] = [];
      for (const { line, value } of lines) {
        const commands = readImportLine(value, { items, createItems });
        if ('faults' in commands) bad.push({ line, problem: problemDocument(invalidRequest(commands.faults), call.requestId) });
        else good.push({ line, commands });
      }
      const asked = { importId: call.param('id'), after, upTo, lines: good, actor: call.caller?.id };
      if (dryRun) return { status: 200, body: answerOf(await rehearseLines(services.engine, services.ids, asked), bad, call) };
      const done = await importLines(services.engine, turns, asked);
      if (!done.ok) throw refusalProblem(done.refusal);
      return { status: 200, headers: { 'holdfast-cursor': done.cursor }, body: answerOf(done, bad, call) };
    },
  });
}

function checkOrder({ after, upTo, lines }: Static<typeof part>): void {
  const faults: InputFault[] = upTo > after ? [] : [{ pointer: '/upTo', detail: 'must be more than after' }];
  let previous = after;
  for (const [index, { line }] of lines.entries()) {
    if (line <= previous || line > upTo) faults.push({ pointer: `/lines/${index}/line`, detail: 'must be after the line before it and not beyond upTo' });
    previous = line;
  }
  if (faults.length > 0) throw invalidRequest(faults);
}

function answerOf({ importId, line, repeated, described, adjusted, unchanged, refused }: ImportedLines, bad: readonly { line: number; problem: Json }[], call: Call<never, never> | Call): object {
  const all = [...bad, ...refused.map((one) => lineProblemOf(one, call))];
  return { importId, line, repeated, described, adjusted, unchanged, refused: all.toSorted((a, b) => a.line - b.line) };
}

function lineProblemOf({ line, refusal }: RefusedLine, call: Call<never, never> | Call): { line: number; problem: Json } {
  return { line, problem: refusalDocument(refusal, call.requestId) };
}

function read({ services: { engine } }: Floor): Route {
  return route({
    method: 'GET',
    path: '/v1/imports/:id',
    operation: 'getImport',
    summary: `How far an import has come; of the refused lines, the first ${limits.IMPORT_REFUSALS_MAX}`,
    tag: 'Imports',
    access: 'read',
    answers: { 200: { description: 'The import.', schema: record } },
    problems: ['unknown-import'],
    async handle(call) {
      const importId = call.param('id');
      const known = await engine.read((world) => findImport(world, importId));
      if (!known) throw problem('unknown-import', `There is no import ${importId}.`);
      const { line, described, adjusted, unchanged, refused, refusals, startedAt, updatedAt } = known;
      const named = refusals.map((one) => lineProblemOf(one, call));
      return { status: 200, body: { importId, line, described, adjusted, unchanged, refused, refusals: named, startedAt: rfc3339(startedAt), updatedAt: rfc3339(updatedAt) } };
    },
  });
}
