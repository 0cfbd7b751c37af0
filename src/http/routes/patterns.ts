import type { JsonObject } from '../../base/json.ts';
import { compilePattern, explain } from '../../base/patterns/patterns.ts';
import { invalidRequest } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed } from '../schemas.ts';
import { Type } from '../type.ts';

const anyObject = (description: string) => Type.Unsafe<JsonObject>({ type: 'object', description });

/** What an event that does not match is missing. */
const mismatch = closed({ field: Type.String({ description: 'Its place in the event, with dots.' }), detail: Type.String() });

export function patternRoutes(): Route[] {
  return [tryPattern()];
}

function tryPattern(): Route {
  return route({
    method: 'POST',
    path: '/v1/patterns/test',
    operation: 'testPattern',
    summary: 'Does an event match a pattern, and if not, why?',
    tag: 'Patterns',
    access: 'read',
    body: closed({ pattern: anyObject('In the language of Amazon EventBridge.'), event: anyObject('Any JSON object, such as a fact from the feed.') }, { title: 'PatternTest' }),
    answers: { 200: { description: 'The verdict; `why` is empty where the event matches.', schema: closed({ matches: Type.Boolean(), why: Type.Array(mismatch) }, { title: 'PatternVerdict' }) } },
    handle({ body: { pattern, event } }) {
      const compiled = compilePattern(pattern);
      if ('faults' in compiled) throw invalidRequest(compiled.faults.map(({ pointer, detail }) => ({ pointer: `/pattern${pointer}`, detail })));
      const why = explain(compiled.pattern, event);
      return { status: 200, body: { matches: why.length === 0, why } };
    },
  });
}
