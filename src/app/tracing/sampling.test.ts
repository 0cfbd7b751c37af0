import { ROOT_CONTEXT, SpanKind, type Link } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { expect, test } from 'vitest';
import { LinkedSampler, samplerOf } from './sampling.ts';

const link = (traceFlags: number): Link => ({ context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags } });
const decide = (env: Record<string, string>, links: Link[] = [], traceId = 'a'.repeat(32)): SamplingDecision => new LinkedSampler(samplerOf(env)).shouldSample(ROOT_CONTEXT, traceId, 'x', SpanKind.INTERNAL, {}, links).decision;

test('everything is kept unless the environment says otherwise', () => {
  expect(decide({})).toBe(SamplingDecision.RECORD_AND_SAMPLED);
  expect(decide({ OTEL_TRACES_SAMPLER: 'always_off' })).toBe(SamplingDecision.NOT_RECORD);
  expect(decide({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0' })).toBe(SamplingDecision.NOT_RECORD);
});

test('what is linked to something kept is kept, what is linked to something else is not for that', () => {
  expect(decide({ OTEL_TRACES_SAMPLER: 'always_off' }, [link(0), link(1)])).toBe(SamplingDecision.RECORD_AND_SAMPLED);
  expect(decide({ OTEL_TRACES_SAMPLER: 'always_off' }, [link(0)])).toBe(SamplingDecision.NOT_RECORD);
});

test('a sampler that there is not, or a part of more than all, is told and not guessed', () => {
  expect(() => samplerOf({ OTEL_TRACES_SAMPLER: 'sometimes' })).toThrow('OTEL_TRACES_SAMPLER must be always_on');
  expect(() => samplerOf({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '2' })).toThrow('a number from 0 to 1, not 2');
});
