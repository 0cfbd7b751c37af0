import { STATUS_CODES } from 'node:http';
import type { Refusal, RefusalKind } from '../base/decision.ts';
import { isFault, type Fault, type FaultCode } from '../base/errors.ts';
import type { Json, JsonObject } from '../base/json.ts';

/** One thing that is wrong with a request. `in` says where the pointer points, unless it is the body. */
export type InputFault = {
  /** JSON pointer (RFC 6901) into the body, or the name of a parameter after a slash. */
  readonly pointer: string;
  readonly detail: string;
  readonly in?: 'path' | 'query' | 'header';
};

/** Codes of answers that are not a refusal of the business, with their status. */
const STATUS = {
  'malformed-json': 400,
  'malformed-request': 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  'unknown-item': 404,
  'unknown-location': 404,
  'unknown-reservation': 404,
  'unknown-order': 404,
  'unknown-transfer': 404,
  'unknown-command': 404,
  'unknown-batch': 404,
  'unknown-import': 404,
  'unknown-policy': 404,
  'unknown-quote': 404,
  'unknown-key': 404,
  'unknown-queue': 404,
  'unknown-dead-letter': 404,
  'method-not-allowed': 405,
  'request-timeout': 408,
  'in-use': 409,
  'history-lost': 410,
  'version-conflict': 412,
  'payload-too-large': 413,
  'unsupported-media-type': 415,
  'invalid-request': 422,
  'invalid-cursor': 422,
  'idempotency-key-reused': 422,
  'rate-limited': 429,
  'headers-too-large': 431,
  'internal-error': 500,
  overloaded: 503,
  unavailable: 503,
  'view-behind': 503,
  'not-ready': 503,
  'storage-full': 507,
} as const;

export type ProblemCode = keyof typeof STATUS;

const KIND_STATUS = { conflict: 409, 'not-found': 404, precondition: 412, invalid: 422 } as const satisfies Record<RefusalKind, number>;

/** What an answer says when it is no: RFC 9457 with a stable code. */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly status: number;
  readonly code: string;
  readonly members: JsonObject | undefined;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(answer: { status: number; code: string; detail: string; members?: JsonObject | undefined; headers?: Readonly<Record<string, string>> | undefined; cause?: unknown }) {
    super(answer.detail, answer.cause === undefined ? undefined : { cause: answer.cause });
    this.status = answer.status;
    this.code = answer.code;
    this.members = answer.members;
    this.headers = answer.headers;
  }
}

export function problem(code: ProblemCode, detail: string, rest: { members?: JsonObject; headers?: Readonly<Record<string, string>>; cause?: unknown } = {}): Problem {
  return new Problem({ status: STATUS[code], code, detail, ...rest });
}

/** The status that a code is answered with; codes of the business that are not listed say that a rule refused. */
export function statusOf(code: string): number {
  return (STATUS as Readonly<Record<string, number>>)[code] ?? KIND_STATUS.conflict;
}

export function invalidRequest(faults: readonly InputFault[]): Problem {
  const detail = faults.length === 1 ? `The request has a fault: ${faults[0]?.detail}` : `The request has ${faults.length} faults.`;
  return problem('invalid-request', detail, { members: { errors: [...faults] } });
}

/** A refusal of the business as a problem. */
export function refusalProblem(refusal: Refusal, headers?: Readonly<Record<string, string>>): Problem {
  const { kind, code, detail, members } = refusal;
  return new Problem({ status: KIND_STATUS[kind], code, detail, members, headers });
}

/** What callers are told of a fault of the world: enough to know whether and when to come again, and nothing of the inside. */
const FAULTS = {
  conflict: ['overloaded', 'Other writers were always first. Ask again in a moment.', 1],
  overloaded: ['overloaded', 'More is waiting than can be taken. Ask again in a moment.', 1],
  unavailable: ['unavailable', 'The store did not answer in time, so the outcome is not known. Ask again with the same Idempotency-Key.', 2],
  'storage-failed': ['unavailable', 'The store failed and takes no more writes until it was looked after.', 30],
  'storage-full': ['storage-full', 'The store has no room left. Nothing was stored.', 60],
  corrupt: ['unavailable', 'The store cannot be read.', 30],
  fenced: ['overloaded', 'Another node took over. Ask again in a moment.', 1],
  'history-lost': ['history-lost', 'The facts that far back are no longer kept.', 0],
  closed: ['unavailable', 'The service is stopping. Ask again in a moment.', 2],
} as const satisfies Record<FaultCode, readonly [ProblemCode, string, number]>;

function faultProblem(fault: Fault): Problem {
  const [code, detail, seconds] = FAULTS[fault.code];
  return problem(code, detail, { ...(seconds === 0 ? undefined : { headers: { 'retry-after': String(seconds) } }), cause: fault });
}

/** What the framework found wrong before a route saw the request. */
const FRAMEWORK: Readonly<Record<string, [ProblemCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported-media-type', 'This content type is not read here. Send application/json.'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['payload-too-large', 'The body is larger than this endpoint takes.'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['malformed-request', 'The body is not as long as Content-Length says.'],
  FST_ERR_CTP_EMPTY_TYPE: ['unsupported-media-type', 'A body needs a Content-Type.'],
  ECONNRESET: ['malformed-request', 'The body ended before it was whole.'],
  ERR_STREAM_PREMATURE_CLOSE: ['malformed-request', 'The body ended before it was whole.'],
  FST_ERR_BAD_URL: ['not-found', 'The path is not properly percent-encoded.'],
  FST_ERR_MAX_PARAM_LENGTH: ['not-found', 'A part of the path is too long.'],
};

/** Whatever was thrown, as what the caller is told. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (isFault(error)) return faultProblem(error);
  const { code, statusCode } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; statusCode?: unknown }; // both are looked at before use
  const known = typeof code === 'string' ? FRAMEWORK[code] : undefined;
  if (known) return problem(known[0], known[1], { cause: error });
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500) return problem('malformed-request', 'The request could not be read.', { cause: error });
  return problem('internal-error', 'Something went wrong here. It was written down under this requestId.', { cause: error });
}

/** The document itself. Members of the problem come after the standard ones and never replace them. */
export function problemDocument(about: { status: number; code: string; message: string; members?: JsonObject | undefined }, requestId: string): { readonly [member: string]: Json | undefined } {
  const { status, code, message, members } = about;
  const standard = { type: `/docs#${code}`, title: titleOf(code, status), status, detail: message, code, requestId };
  return members === undefined ? standard : { ...standard, ...members, ...standard };
}

function titleOf(code: string, status: number): string {
  const words = code.replaceAll('-', ' ');
  return words === '' ? (STATUS_CODES[status] ?? 'Problem') : words.charAt(0).toUpperCase() + words.slice(1);
}

/** A refusal inside a 200 answer: a line of a batch, a command that was worked off later. */
export function refusalDocument(refusal: Refusal, requestId: string): ReturnType<typeof problemDocument> {
  return problemDocument(refusalProblem(refusal), requestId);
}
