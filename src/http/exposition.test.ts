import { expect, test } from 'vitest';
import { Distribution } from '../base/distribution.ts';
import { Exposition } from './exposition.ts';

test('a family is its help, its type and its samples', () => {
  const exposition = new Exposition();
  exposition.counter('a_total', 'Counts.', 3);
  exposition.gauge('b', 'Stands.', [[{ queue: 'one' }, 1.5], [{ queue: 'two' }, Infinity]]);
  expect(exposition.text).toBe('# HELP a_total Counts.\n# TYPE a_total counter\na_total 3\n# HELP b Stands.\n# TYPE b gauge\nb{queue="one"} 1.5\nb{queue="two"} +Inf\n');
});

test('buckets are cumulative and end with all', () => {
  const spread = new Distribution([0.5, 1]);
  for (const value of [0.1, 0.7, 0.8, 4]) spread.observe(value);
  const exposition = new Exposition();
  exposition.histogram('c_seconds', 'Takes.', [[{ route: '/' }, spread]]);
  expect(exposition.text.split('\n').slice(2, -1)).toEqual([
    'c_seconds_bucket{route="/",le="0.5"} 1',
    'c_seconds_bucket{route="/",le="1"} 3',
    'c_seconds_bucket{route="/",le="+Inf"} 4',
    'c_seconds_sum{route="/"} 5.6',
    'c_seconds_count{route="/"} 4',
  ]);
});

test('what means something to the format is written so that it does not', () => {
  const exposition = new Exposition();
  exposition.gauge('d', 'One\nline \\ only.', [[{ name: 'a"b\\c\nd' }, 1]]);
  expect(exposition.text).toBe('# HELP d One\\nline \\\\ only.\n# TYPE d gauge\nd{name="a\\"b\\\\c\\nd"} 1\n');
});

test('a family without samples is left out', () => {
  const exposition = new Exposition();
  exposition.counter('e_total', 'Counts.', []);
  exposition.histogram('f_seconds', 'Takes.', []);
  expect(exposition.text).toBe('');
});
