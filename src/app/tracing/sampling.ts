import type { Attributes, Context, Link, SpanKind } from '@opentelemetry/api';
import { AlwaysOffSampler, AlwaysOnSampler, ParentBasedSampler, SamplingDecision, TraceIdRatioBasedSampler, type Sampler, type SamplingResult } from '@opentelemetry/sdk-trace';
import { ConfigError } from '../config-error.ts';

const SAMPLED = 1;

/** The sampler that the environment asks for, in OpenTelemetry's words; what a caller's trace says goes first unless given. */
export function samplerOf(env: Readonly<Record<string, string | undefined>>): Sampler {
  const name = env['OTEL_TRACES_SAMPLER'] || 'parentbased_always_on';
  const prefix = 'parentbased_';
  const root = rootSampler(name.replace(prefix, ''), env['OTEL_TRACES_SAMPLER_ARG']);
  return name.startsWith(prefix) ? new ParentBasedSampler({ root }) : root;
}

function rootSampler(name: string, argument = '1'): Sampler {
  switch (name) {
    case 'always_on': return new AlwaysOnSampler();
    case 'always_off': return new AlwaysOffSampler();
    case 'traceidratio': return new TraceIdRatioBasedSampler(ratioOf(argument));
    default: throw new ConfigError(`OTEL_TRACES_SAMPLER must be always_on, always_off or traceidratio, or one of them after parentbased_, not ${name}`);
  }
}

function ratioOf(text: string): number {
  const ratio = Number(text);
  if (!(ratio >= 0 && ratio <= 1)) throw new ConfigError(`OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, not ${text}`);
  return ratio;
}

/** Keeps what is linked to something that is kept: a commit is worth a look where one of its requests is. */
export class LinkedSampler implements Sampler {
  readonly #otherwise: Sampler;

  constructor(otherwise: Sampler) {
    this.#otherwise = otherwise;
  }

  shouldSample(context: Context, traceId: string, name: string, kind: SpanKind, attributes: Attributes, links: Link[]): SamplingResult {
    const isKept = links.some((link) => (link.context.traceFlags & SAMPLED) === SAMPLED);
    return isKept ? { decision: SamplingDecision.RECORD_AND_SAMPLED } : this.#otherwise.shouldSample(context, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return `Linked(${this.#otherwise.toString()})`;
  }
}
