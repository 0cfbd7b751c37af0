import type { Spread } from '../base/distribution.ts';

export type Labels = Readonly<Record<string, string>>;

/** A value, or several with the labels that tell them apart. */
export type Samples = number | Iterable<readonly [Labels, number]>;

const NO_LABELS: Labels = {};

/**
 * Figures in the text format of Prometheus (exposition format 0.0.4): each family once, with its help and its type
 * before its samples. A family without samples says nothing.
 */
export class Exposition {
  readonly #lines: string[] = [];

  counter(name: string, help: string, samples: Samples): void {
    this.#family({ name, help, type: 'counter' }, linesOf(name, samples));
  }

  gauge(name: string, help: string, samples: Samples): void {
    this.#family({ name, help, type: 'gauge' }, linesOf(name, samples));
  }

  histogram(name: string, help: string, spreads: Iterable<readonly [Labels, Spread]>): void {
    this.#family({ name, help, type: 'histogram' }, Array.from(spreads, ([labels, spread]) => bucketsOf(name, labels, spread)).flat());
  }

  get text(): string {
    return this.#lines.map((line) => `${line}\n`).join('');
  }

  #family({ name, help, type }: { name: string; help: string; type: string }, lines: readonly string[]): void {
    if (lines.length > 0) this.#lines.push(`# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`, `# TYPE ${name} ${type}`, ...lines);
  }
}

function linesOf(name: string, samples: Samples): string[] {
  if (typeof samples === 'number') return [`${name} ${valueOf(samples)}`];
  return Array.from(samples, ([labels, value]) => `${name}${labelsOf(labels)} ${valueOf(value)}`);
}

function bucketsOf(name: string, labels: Labels, { bounds, counts, sum }: Spread): string[] {
  const lines: string[] = [];
  let upTo = 0;
  for (const [slot, count] of counts.entries()) {
    upTo += count;
    const bound = bounds[slot];
    lines.push(`${name}_bucket${labelsOf({ ...labels, le: bound === undefined ? '+Inf' : String(bound) })} ${upTo}`);
  }
  return [...lines, `${name}_sum${labelsOf(labels)} ${valueOf(sum)}`, `${name}_count${labelsOf(labels)} ${upTo}`];
}

function labelsOf(labels: Labels = NO_LABELS): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function valueOf(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
