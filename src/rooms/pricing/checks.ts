/** Reading JSON of which nothing is known: every fault is noted with its pointer, and reading goes on. */
import { compilePattern } from '../../base/patterns/patterns.ts';
import type { JsonObject } from '../../base/json.ts';
import { AMOUNT_MAX, FAULTS_MAX, NAME_LENGTH_MAX } from './limits.ts';
import type { Money } from './money.ts';

/** What is wrong, and where (RFC 6901). */
export interface PolicyFault {
  readonly pointer: string;
  readonly detail: string;
}

export type JsonMembers = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

interface Range {
  readonly min?: number;
  /** Greater than this. */
  readonly above?: number;
  readonly max: number;
  readonly whole?: boolean;
}

export class Checks {
  readonly #faults: PolicyFault[] = [];

  get faults(): readonly PolicyFault[] {
    return this.#faults.slice(0, FAULTS_MAX);
  }

  fault(pointer: string, detail: string): undefined {
    this.#faults.push({ pointer, detail });
    return undefined;
  }

  /** An object with no other members than these. */
  object(value: unknown, pointer: string, members: readonly string[]): JsonMembers | undefined {
    if (!isObject(value)) return this.fault(pointer, 'must be an object');
    for (const name of Object.keys(value)) if (!members.includes(name)) this.fault(`${pointer}/${escaped(name)}`, 'is not known here');
    return value;
  }

  list(value: unknown, pointer: string, max: number): readonly unknown[] {
    if (!Array.isArray(value)) return this.fault(pointer, value === undefined ? 'is missing' : 'must be a list') ?? [];
    if (value.length > max) this.fault(pointer, `must have no more than ${max} entries`);
    return value.slice(0, max);
  }

  number(value: unknown, pointer: string, range: Range): number | undefined {
    const { min, above, max, whole } = range;
    const bounds = `${above === undefined ? `from ${min ?? -max}` : `above ${above}`} to ${max}`;
    if (value === undefined) return this.fault(pointer, 'is missing');
    const fits = typeof value === 'number' && value >= (min ?? -max) && value <= max && (above === undefined || value > above) && (whole !== true || Number.isInteger(value));
    return fits ? value : this.fault(pointer, `must be ${whole === true ? 'an integer' : 'a number'} ${bounds}`);
  }

  optional(value: unknown, pointer: string, range: Range): number | undefined {
    return value === undefined ? undefined : this.number(value, pointer, range);
  }

  text(value: unknown, pointer: string, max = NAME_LENGTH_MAX): string | undefined {
    if (value === undefined) return this.fault(pointer, 'is missing');
    return typeof value === 'string' && value.length >= 1 && value.length <= max ? value : this.fault(pointer, `must be text of 1 to ${max} characters`);
  }

  instant(value: unknown, pointer: string): string | undefined {
    if (value === undefined) return this.fault(pointer, 'is missing');
    const isInstant = typeof value === 'string' && /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(value) && Number.isFinite(Date.parse(value));
    return isInstant ? value : this.fault(pointer, 'must be an instant such as 2026-01-31T09:30:00.000Z');
  }

  oneOf<Value extends string>(value: unknown, pointer: string, values: readonly Value[]): Value | undefined {
    const found = values.find((one) => one === value);
    return found ?? this.fault(pointer, value === undefined ? 'is missing' : `must be one of ${values.join(', ')}`);
  }

  currency(value: unknown, pointer: string): string | undefined {
    return typeof value === 'string' && /^[A-Z]{3}$/.test(value) ? value : this.fault(pointer, value === undefined ? 'is missing' : 'must be a currency of ISO 4217, such as EUR');
  }

  money(value: JsonMembers, pointer: string): Money | undefined {
    const amount = this.number(value['amount'], `${pointer}/amount`, { min: 0, max: AMOUNT_MAX, whole: true });
    const currency = this.currency(value['currency'], `${pointer}/currency`);
    return amount === undefined || currency === undefined ? undefined : { amount, currency };
  }

  /** A pattern, or an object without members, which everything fits. */
  pattern(value: unknown, pointer: string): JsonObject {
    if (isObject(value) && Object.keys(value).length === 0) return {};
    if (value === undefined) return this.fault(pointer, 'is missing') ?? {};
    const compiled = compilePattern(value);
    if ('faults' in compiled) for (const fault of compiled.faults) this.fault(`${pointer}${fault.pointer}`, fault.detail);
    return value as JsonObject; // of which a pattern is made only if it is one
  }
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');
