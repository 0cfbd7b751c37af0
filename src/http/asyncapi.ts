import { hoist, type Document, type JsonValue } from './openapi.ts';
import { FACTS } from './fact-schemas.ts';
import type { Route } from './route.ts';
import { cloudEvent } from './schemas.ts';

/** The routes by which facts leave, each a channel, and how they come there. */
const CHANNELS: Readonly<Record<string, { readonly title: string; readonly action: string }>> = {
  '/v1/events/stream': { title: 'A stream of Server-Sent Events: each fact as `id:`, the cursor after it, and `data:`, without an `event:` field.', action: 'streamFacts' },
  '/v1/events': { title: 'Pages of `{ events, cursor }`, which may be waited for.', action: 'pageFacts' },
};

/** What facts leave, as AsyncAPI 3.0: the messages are those that the feed lets out, the parameters those of the routes. */
export function asyncApi(routes: readonly Route[], about: { version: string }): Document {
  const schemas = new Map<string, JsonValue>();
  const messages: Record<string, JsonValue> = {};
  for (const [type, { summary, data }] of Object.entries(FACTS)) {
    const payload = { ...cloudEvent, title: undefined, properties: { ...cloudEvent.properties, type: { const: type }, data } };
    messages[type] = { name: type, title: type, summary, contentType: 'application/cloudevents+json', payload: hoist(payload, schemas) };
  }
  const references = Object.fromEntries(Object.keys(messages).map((type) => [type, { $ref: `#/components/messages/${type}` }]));
  const channels: Record<string, JsonValue> = {};
  const operations: Record<string, JsonValue> = {};
  for (const route of routes) {
    const channel = CHANNELS[route.path];
    if (!channel) continue;
    channels[nameOf(route.path)] = { address: route.path, title: channel.title, messages: references };
    operations[channel.action] = operationOf(route, schemas);
  }
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Holdfast',
      version: about.version,
      description: 'Facts as CloudEvents 1.0, in the order of each subject. A cursor goes on where a reader stopped; what is read again is the same.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/cloudevents+json',
    channels,
    operations,
    components: {
      messages,
      schemas: Object.fromEntries([...schemas].sort(([a], [b]) => (a < b ? -1 : 1))),
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'An API key with the scope read, or more.' },
        token: { type: 'httpApiKey', in: 'query', name: 'access_token', description: 'A short-lived read token, for event streams alone.' },
      },
    },
  };
}

/** From the service's side: it sends. */
function operationOf({ path, summary, query, tokenInQuery }: Route, schemas: Map<string, JsonValue>): JsonValue {
  const security = ['key', ...(tokenInQuery === true ? ['token'] : [])].map((name) => ({ $ref: `#/components/securitySchemes/${name}` }));
  return { action: 'send', channel: { $ref: `#/channels/${nameOf(path)}` }, summary, security, bindings: { http: { method: 'GET', query: hoist(query, schemas), bindingVersion: '0.3.0' } } };
}

const nameOf = (path: string): string => path.slice('/v1/'.length).replace('/', '-');
