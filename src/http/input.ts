import { isUtf8 } from 'node:buffer';
import type { Static, TSchema } from 'typebox';
import { Format } from 'typebox/format';
import { Compile } from 'typebox/schema'; // `typebox/compile` is the same with much besides
import { Settings } from 'typebox/system';
import { FAULTS_MAX, JSON_DEPTH_MAX } from './limits.ts';
import { invalidRequest, problem, type InputFault } from './problem.ts';

/** Formats of our own. SKUs and ids: 1–128 printable characters without a slash, in NFC, and not a step in a path. */
const PLAIN_ID = /^[\x20-\x2e\x30-\x7e]{1,128}$/;
const WIDE_ID = /^[^\p{C}\p{Zl}\p{Zp}/]{1,128}$/u;

export function isId(text: string): boolean {
  if (PLAIN_ID.test(text)) return text !== '.' && text !== '..';
  return WIDE_ID.test(text) && text.normalize('NFC') === text;
}

const RFC3339 = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i;

export function isInstant(text: string): boolean {
  if (!RFC3339.test(text)) return false;
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split('-').map(Number);
  return new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day; // not the 31st of a month of 30 days
}

const FORMATS: Readonly<Record<string, { test: (text: string) => boolean; says: string }>> = {
  'holdfast-id': { test: isId, says: 'must be 1 to 128 printable characters without "/", in Unicode NFC, and not "." or ".."' },
  'date-time': { test: isInstant, says: 'must be an instant as RFC 3339 writes it, such as 2026-01-31T09:30:00.000Z' },
  // Text that people read: line breaks are fine, other control characters are not.
  'holdfast-text': { test: (text) => !/(?![\t\n\r])\p{Cc}|\p{Cs}/u.test(text), says: 'must not contain control characters' },
};
for (const [name, { test }] of Object.entries(FORMATS)) Format.Set(name, test);
Settings.Set({ maxErrors: FAULTS_MAX });

/** A schema ready for use: quick where all is well, thorough where not. */
export interface Checked<T> {
  readonly schema: TSchema;
  accepts(value: unknown): value is T;
  faults(value: unknown, where?: InputFault['in']): InputFault[];
}

export function checked<Schema extends TSchema>(schema: Schema): Checked<Static<Schema>> {
  // Compiled when it is first needed, so that a start does not wait for all of them.
  let compiled: ReturnType<typeof Compile> | undefined;
  const ready = (): ReturnType<typeof Compile> => (compiled ??= Compile(schema));
  return {
    schema,
    accepts: (value): value is Static<Schema> => ready().Check(value),
    faults: (value, where) => faultsOf(ready().Errors(value)[1] as SchemaError[], where), // the validator's own union has every member that is read
  };
}

interface SchemaError {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message: string;
  readonly params: { readonly requiredProperties?: readonly string[]; readonly additionalProperties?: readonly string[]; readonly format?: string; readonly allowedValues?: readonly unknown[] };
}

function faultsOf(errors: readonly SchemaError[], where: InputFault['in']): InputFault[] {
  const faults = new Map<string, InputFault>();
  const add = (pointer: string, detail: string): void => {
    if (!faults.has(pointer)) faults.set(pointer, where === undefined ? { pointer, detail } : { pointer, detail, in: where });
  };
  for (const { keyword, instancePath, message, params } of errors) {
    switch (keyword) {
      case 'required':
        for (const name of params.requiredProperties ?? []) add(`${instancePath}/${escapePointer(name)}`, 'is required');
        break;
      case 'additionalProperties':
        for (const name of params.additionalProperties ?? []) add(`${instancePath}/${escapePointer(name)}`, 'is not known here');
        break;
      case 'boolean': // comes with additionalProperties, which names the same
      case 'propertyNames':
        break;
      case 'format':
        add(instancePath, FORMATS[params.format ?? '']?.says ?? message);
        break;
      case 'enum':
        add(instancePath, `must be one of ${(params.allowedValues ?? []).join(', ')}`);
        break;
      default:
        add(instancePath, message);
    }
  }
  // Of a choice between shapes, the shape that was meant says where the fault is; that it is not another shape says nothing.
  for (const { keyword, instancePath } of errors) {
    if (keyword === 'anyOf' && [...faults.keys()].some((pointer) => pointer.startsWith(`${instancePath}/`))) faults.delete(instancePath);
  }
  return [...faults.values()];
}

/** RFC 6901. */
export function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The value of a JSON text. Depth is counted on the text, because walking a value that nests without end would not come back. */
export function parseJson(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw problem('malformed-json', 'The body is not UTF-8.');
  const text = bytes.toString();
  const value = parseText(text);
  if (text.length > JSON_DEPTH_MAX && nestsTooDeep(text)) throw invalidRequest([{ pointer: '', detail: `nests deeper than ${JSON_DEPTH_MAX} levels` }]);
  return value;
}

function parseText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw problem('malformed-json', 'The body is not JSON.', { cause });
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (quoted) {
      if (code === BACKSLASH) i++;
      else if (code === QUOTE) quoted = false;
    } else if (code === QUOTE) quoted = true;
    else if (code === 0x5b || code === 0x7b) {
      if (++depth > JSON_DEPTH_MAX) return true;
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
  return false;
}
