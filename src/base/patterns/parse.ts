/** JSON becomes a pattern, or a list of what is wrong with it. */
import { parseCidr } from './cidr.ts';
import { PATTERN_CHARACTERS_MAX, PATTERN_DEPTH_MAX, PATTERN_FAULTS_MAX } from './limits.ts';
import type { Leaf, Matcher, PatternFault, Shape } from './pattern.ts';
import { parseWildcard } from './wildcard.ts';

type Operator = 'prefix' | 'suffix' | 'equals-ignore-case' | 'wildcard' | 'anything-but' | 'numeric' | 'cidr' | 'exists';
const OPERATORS: ReadonlySet<string> = new Set<Operator>(['prefix', 'suffix', 'equals-ignore-case', 'wildcard', 'anything-but', 'numeric', 'cidr', 'exists']);

/** Where in the pattern something stands, and which field of an event it is about. */
interface Place {
  readonly pointer: string;
  readonly path: readonly string[];
}

/** Compiles a pattern. Every fault is told, up to {@link PATTERN_FAULTS_MAX}. */
export function parsePattern(json: unknown): { readonly shape: Shape } | { readonly faults: readonly PatternFault[] } {
  const parser = new Parser();
  const shape = parser.shape(json, { pointer: '', path: [] });
  if (parser.faults.length === 0 && JSON.stringify(json).length > PATTERN_CHARACTERS_MAX) parser.fault('', `must not be longer than ${PATTERN_CHARACTERS_MAX} characters`);
  return parser.faults.length > 0 ? { faults: parser.faults.slice(0, PATTERN_FAULTS_MAX) } : { shape };
}

const NOTHING: Shape = { leaves: [], shapes: [], choices: [] };

class Parser {
  readonly faults: PatternFault[] = [];

  fault(pointer: string, detail: string): undefined {
    this.faults.push({ pointer, detail });
    return undefined;
  }

  shape(json: unknown, place: Place): Shape {
    if (!isObject(json)) return this.fault(place.pointer, 'must be an object whose fields are arrays of what matches, or objects of such fields') ?? NOTHING;
    const fields = Object.entries(json);
    if (fields.length === 0) return this.fault(place.pointer, 'must name a field') ?? NOTHING;
    if (place.pointer.split('/').length > PATTERN_DEPTH_MAX) return this.fault(place.pointer, `nests deeper than ${PATTERN_DEPTH_MAX} levels`) ?? NOTHING;
    return joined(fields.map(([name, value]) => this.#field(name, value, place)));
  }

  #field(name: string, value: unknown, place: Place): Shape {
    const pointer = `${place.pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (name === '$or' && isChoice(value)) {
      return { ...NOTHING, choices: [value.map((branch, index) => this.shape(branch, { pointer: `${pointer}/${index}`, path: place.path }))] };
    }
    // A dot in a name is a step into an object, here and in events.
    const steps = name.split('.');
    const path = [...place.path, ...steps];
    const field = steps.at(-1) ?? name;
    const within = (inner: Shape): Shape => steps.slice(0, -1).reduceRight((shape, step) => ({ ...NOTHING, shapes: [{ field: step, shape }] }), inner);
    if (Array.isArray(value)) return within({ ...NOTHING, leaves: [{ field, leaf: this.#leaf(value, { pointer, path }) }] });
    if (isObject(value)) return within({ ...NOTHING, shapes: [{ field, shape: this.shape(value, { pointer, path }) }] });
    return this.fault(pointer, 'must be an array of what matches, or an object') ?? NOTHING;
  }

  #leaf(values: readonly unknown[], { pointer, path }: Place): Leaf {
    if (values.length === 0) this.fault(pointer, 'must not be empty: nothing would match');
    const anyOf = values.flatMap((value, index) => this.#matcher(value, `${pointer}/${index}`) ?? []);
    return { path, anyOf, mayBeAbsent: anyOf.some(({ type }) => type === 'absent') };
  }

  #matcher(value: unknown, pointer: string): Matcher | undefined {
    if (isScalar(value)) return { type: 'equals', value };
    if (!isObject(value)) return this.fault(pointer, 'must be text, a number, true, false, null, or an object with one operator');
    const [entry, another] = Object.entries(value);
    if (!entry || another) return this.fault(pointer, 'must have exactly one operator');
    const [name, operand] = entry;
    if (!isOperator(name)) return this.fault(`${pointer}/${name}`, `is no operator: there are ${[...OPERATORS].join(', ')}`);
    return this.#operator(name, operand, `${pointer}/${name}`);
  }

  #operator(name: Operator, operand: unknown, pointer: string): Matcher | undefined {
    switch (name) {
      case 'prefix':
      case 'suffix':
        return this.#affix(name, operand, pointer);
      case 'equals-ignore-case':
        return typeof operand === 'string' ? { type: name, folded: operand.toLowerCase() } : this.fault(pointer, 'must be text');
      case 'wildcard':
        return this.#wildcard(operand, pointer);
      case 'anything-but':
        return this.#anythingBut(operand, pointer);
      case 'numeric':
        return this.#numeric(operand, pointer);
      case 'cidr': {
        const cidr = typeof operand === 'string' ? parseCidr(operand) : undefined;
        return cidr ? { type: name, cidr } : this.fault(pointer, 'must be a range of addresses such as "10.0.0.0/24" or "2001:db8::/32"');
      }
      case 'exists':
        return typeof operand === 'boolean' ? { type: operand ? 'present' : 'absent' } : this.fault(pointer, 'must be true or false');
      default:
        return name satisfies never;
    }
  }

  #affix(type: 'prefix' | 'suffix', operand: unknown, pointer: string): Matcher | undefined {
    if (typeof operand === 'string') return { type, text: operand, fold: false };
    const folded = isObject(operand) && Object.keys(operand).length === 1 ? operand['equals-ignore-case'] : undefined;
    if (typeof folded === 'string') return { type, text: folded.toLowerCase(), fold: true };
    return this.fault(pointer, 'must be text, or { "equals-ignore-case": text }');
  }

  #wildcard(operand: unknown, pointer: string): Matcher | undefined {
    if (typeof operand !== 'string') return this.fault(pointer, 'must be text');
    const wildcard = parseWildcard(operand);
    return 'wrong' in wildcard ? this.fault(pointer, wildcard.wrong) : { type: 'wildcard', wildcard };
  }

  #anythingBut(operand: unknown, pointer: string): Matcher | undefined {
    const none = isObject(operand) ? this.#exceptions(operand, pointer) : this.#excludedValues(operand, pointer);
    return none && { type: 'anything-but', none };
  }

  #excludedValues(operand: unknown, pointer: string): Matcher[] | undefined {
    const values: unknown[] = Array.isArray(operand) ? operand : [operand];
    const [first] = values;
    const alike = values.every((value): value is string | number => typeof value === typeof first && (typeof value === 'string' || typeof value === 'number'));
    if (values.length === 0 || !alike) return this.fault(pointer, 'must be text or a number, a list of texts or of numbers, or one of prefix, suffix, wildcard and equals-ignore-case');
    return values.map((value) => ({ type: 'equals', value }));
  }

  #exceptions(operand: Readonly<Record<string, unknown>>, pointer: string): Matcher[] | undefined {
    const [entry, another] = Object.entries(operand);
    const [name, value] = entry ?? [];
    if (another || (name !== 'prefix' && name !== 'suffix' && name !== 'wildcard' && name !== 'equals-ignore-case')) {
      return this.fault(pointer, 'must have exactly one of prefix, suffix, wildcard and equals-ignore-case');
    }
    const texts: unknown[] = Array.isArray(value) ? value : [value];
    if (texts.length === 0 || !texts.every((text) => typeof text === 'string')) return this.fault(`${pointer}/${name}`, 'must be text or a list of texts');
    if ((name === 'prefix' || name === 'suffix') && texts.includes('')) return this.fault(`${pointer}/${name}`, 'must not be empty: nothing would match');
    return texts.flatMap((text) => this.#operator(name, text, `${pointer}/${name}`) ?? []);
  }

  #numeric(operand: unknown, pointer: string): Matcher | undefined {
    const says = 'must be a comparison such as [">", 0], or a lower and an upper one such as [">=", 0, "<", 5]';
    if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) return this.fault(pointer, says);
    const range = { type: 'numeric' as const, low: Number.NEGATIVE_INFINITY, lowOpen: true, high: Number.POSITIVE_INFINITY, highOpen: true };
    const [first] = operand;
    for (let i = 0; i < operand.length; i += 2) {
      const sign: unknown = operand[i];
      const bound: unknown = operand[i + 1];
      if (typeof bound !== 'number') return this.fault(`${pointer}/${i + 1}`, 'must be a number');
      if (sign === '=' && operand.length === 2) return { ...range, low: bound, lowOpen: false, high: bound, highOpen: false };
      if ((sign === '>' || sign === '>=') && i === 0) [range.low, range.lowOpen] = [bound, sign === '>'];
      else if ((sign === '<' || sign === '<=') && (operand.length === 2 || (i === 2 && first !== sign))) [range.high, range.highOpen] = [bound, sign === '<'];
      else return this.fault(pointer, says);
    }
    return range.low < range.high || (range.low === range.high && !range.lowOpen && !range.highOpen) ? range : this.fault(pointer, 'must have its lower bound below its upper one');
  }
}

function joined(shapes: readonly Shape[]): Shape {
  return { leaves: shapes.flatMap((shape) => shape.leaves), shapes: shapes.flatMap((shape) => shape.shapes), choices: shapes.flatMap((shape) => shape.choices) };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isScalar(value: unknown): value is string | number | boolean | null {
  return value === null || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function isOperator(name: string): name is Operator {
  return OPERATORS.has(name);
}

/** `$or` is a choice where it lists two objects or more whose fields are not called like operators; else it is a field of that name. */
function isChoice(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) && value.length >= 2 && value.every((branch) => isObject(branch) && !Object.keys(branch).some(isOperator));
}
