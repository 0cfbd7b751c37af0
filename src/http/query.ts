import type { TObject, TSchema } from 'typebox';
import { checked, isId } from './input.ts';
import { invalidRequest, type InputFault } from './problem.ts';
import type { Route } from './route.ts';

/** Reads a query string by its schema: numbers and booleans are written as text there and nowhere else. */
export function queryReader(route: Route): (raw: unknown) => unknown {
  const { query, queryPrefix } = route;
  const kinds = new Map(Object.entries(query?.properties ?? {}).map(([name, schema]) => [name, kindOf(schema)]));
  const check = query && checked(query);
  return (raw) => {
    const values: Record<string, unknown> = {};
    const faults: InputFault[] = [];
    for (const [name, value] of Object.entries(raw as Readonly<Record<string, string | string[]>>)) { // what the framework's parser gives
      const kind = kinds.get(name) ?? (queryPrefix !== undefined && name.startsWith(queryPrefix) ? 'text' : undefined);
      const read = kind === undefined ? 'is not known here' : readAs(kind, value);
      if (typeof read === 'string') faults.push({ pointer: `/${name}`, detail: read, in: 'query' });
      else values[name] = read.value;
    }
    const fixed = queryPrefix === undefined ? values : Object.fromEntries(Object.entries(values).filter(([name]) => kinds.has(name)));
    if (check && !check.accepts(fixed)) for (const fault of check.faults(fixed, 'query')) if (!faults.some(({ pointer }) => pointer === fault.pointer)) faults.push(fault);
    if (faults.length > 0) throw invalidRequest(faults);
    return values;
  };
}

type Kind = 'text' | 'integer' | 'boolean' | 'texts';

function kindOf(schema: TSchema): Kind {
  const { type } = schema as { type?: string }; // JSON Schema's member
  return type === 'integer' || type === 'boolean' ? type : type === 'array' ? 'texts' : 'text';
}

/** The value, or what is wrong with it. */
function readAs(kind: Kind, given: string | string[]): { value: unknown } | string {
  if (kind === 'texts') return { value: typeof given === 'string' ? [given] : given };
  if (typeof given !== 'string') return 'must be given once';
  switch (kind) {
    case 'integer':
      return /^-?\d{1,15}$/.test(given) ? { value: Number(given) } : 'must be an integer';
    case 'boolean':
      return given === 'true' || given === 'false' ? { value: given === 'true' } : 'must be true or false';
    default:
      return { value: given };
  }
}

/** Every parameter of a path is an id. */
export function pathFaults(params: unknown): InputFault[] {
  const faults: InputFault[] = [];
  for (const [name, value] of Object.entries(params as Readonly<Record<string, string>>)) { // parameters of a path are strings
    if (name !== '*' && !isId(value)) faults.push({ pointer: `/${name}`, detail: 'must be 1 to 128 printable characters without "/", in Unicode NFC, and not "." or ".."', in: 'path' });
  }
  return faults;
}

export type QuerySchema = TObject;
