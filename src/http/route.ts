import type { Static, TObject, TSchema } from 'typebox';
import type { Answer, Call } from './call.ts';
import type { ProblemCode } from './problem.ts';

/** `public`: nobody is asked who they are. `publicRead`: neither, unless the installation closed its reads. */
export type Access = 'public' | 'publicRead' | 'read' | 'write' | 'admin';

export interface Described {
  readonly description: string;
  readonly schema?: TSchema;
  /** Where it is not JSON. */
  readonly type?: string;
  readonly headers?: readonly string[];
}

/**
 * One endpoint: what it takes, who may call it, what it answers, and what it does. The server checks requests with it
 * and the OpenAPI document is made from it, so that neither says what the other does not.
 */
export interface Route {
  readonly method: 'GET' | 'PUT' | 'POST' | 'PATCH' | 'DELETE';
  /** Parameters as `:name`; each is checked to be an id. */
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  readonly tag: string;
  readonly access: Access;
  readonly query?: TObject | undefined;
  /** Query parameters whose names only begin with this, such as `attribute.`. */
  readonly queryPrefix?: string | undefined;
  readonly body?: TSchema | undefined;
  /** `optional`: nothing is the same as `{}`. `own`: the route looks at it itself. */
  readonly bodyMode?: 'optional' | 'own' | undefined;
  /** Looks at a body before its schema does, and may throw a problem of its own. */
  readonly before?: ((body: unknown) => void) | undefined;
  /** Takes a stream of JSON lines besides. */
  readonly ndjson?: boolean | undefined;
  /** The stream takes its token in the address, because browsers' EventSource sends no headers. */
  readonly tokenInQuery?: boolean | undefined;
  /** Request headers that mean something here besides those that always do. */
  readonly headers?: readonly RequestHeader[] | undefined;
  readonly answers: Readonly<Record<number, Described>>;
  /** Codes of the problems that are particular to it. */
  readonly problems?: readonly (ProblemCode | (string & {}))[] | undefined;
  /** `later`: the route answers the call by itself. */
  handle(call: Call): Answer | 'later' | Promise<Answer | 'later'>;
}

export type RequestHeader = 'if-match' | 'if-none-match' | 'prefer' | 'holdfast-cursor' | 'last-event-id';

/** `/v1/items/:sku` as the contract and the figures write it. */
export function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, '{$1}');
}

type Of<Schema> = Schema extends TSchema ? Static<Schema> : undefined;

/** A route whose handler sees its query and body in the types of their schemas. */
export function route<Query extends TObject | undefined = undefined, Body extends TSchema | undefined = undefined>(
  definition: Omit<Route, 'handle' | 'query' | 'body'> & {
    readonly query?: Query;
    readonly body?: Body;
    handle(call: Call<Of<Query>, Of<Body>>): Answer | 'later' | Promise<Answer | 'later'>;
  },
): Route {
  return definition; // the server gives the handler only what passed these very schemas
}
