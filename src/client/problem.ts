/** One fault of a request: where it is, as a JSON pointer, and what is wrong there. */
export interface ProblemFault {
  readonly pointer: string;
  readonly detail: string;
}

/** A problem document (RFC 9457) as Holdfast answers it. Members beyond these depend on `code`, such as `lines`. */
export interface ProblemDocument {
  readonly type?: string;
  readonly title?: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: string;
  readonly requestId?: string;
  readonly errors?: readonly ProblemFault[];
  readonly [member: string]: unknown;
}

/** The service said no, and why. `code` is stable; `document` has every member of the answer. */
export class HoldfastProblem extends Error {
  override readonly name = 'HoldfastProblem';
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly requestId: string | undefined;
  readonly errors: readonly ProblemFault[];
  readonly document: ProblemDocument;

  constructor(document: ProblemDocument) {
    super(`${document.status} ${document.code}: ${document.detail ?? document.title ?? 'no detail was given'}`);
    this.status = document.status;
    this.code = document.code;
    this.detail = document.detail ?? document.title ?? '';
    this.requestId = document.requestId;
    this.errors = document.errors ?? [];
    this.document = document;
  }
}

/** Whether an error is a problem, and one with this code where a code is given. */
export function isProblem(error: unknown, code?: string): error is HoldfastProblem {
  return error instanceof HoldfastProblem && (code === undefined || error.code === code);
}

/** What an unhappy answer says; an answer from something else on the way, such as a proxy, gets the code `http-<status>`. */
export function problemOf(status: number, body: unknown): HoldfastProblem {
  const members = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {}; // any JSON object has string keys
  const code = typeof members['code'] === 'string' ? members['code'] : `http-${status}`;
  return new HoldfastProblem({ ...members, status, code });
}

/** No answer came: the network failed, or the time that was given ran out. The outcome of a write is not known. */
export class HoldfastUnreachable extends Error {
  override readonly name = 'HoldfastUnreachable';

  constructor(what: string, cause: unknown) {
    super(`${what}: no answer (${cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause)})`, { cause });
  }
}
