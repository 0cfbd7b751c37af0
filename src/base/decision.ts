import type { JsonObject } from './json.ts';

/** Which family of answer a refusal belongs to; only the HTTP floor knows the numbers. */
export type RefusalKind = 'conflict' | 'not-found' | 'precondition' | 'invalid';

/** Business as usual saying no: a stable code, a sentence for people, and members that name what failed. */
export interface Refusal {
  readonly kind: RefusalKind;
  readonly code: string;
  readonly detail: string;
  readonly members?: JsonObject;
}

/** What `decide` gives: facts to store with the answer to give once they are durable, or a refusal. */
export type Decision<Event, Answer> =
  | { readonly ok: true; readonly events: readonly Event[]; readonly answer: Answer }
  | { readonly ok: false; readonly refusal: Refusal };

export function accepted<Event, Answer>(events: readonly Event[], answer: Answer): Decision<Event, Answer> {
  return { ok: true, events, answer };
}

export function refused(kind: RefusalKind, code: string, detail: string, members?: JsonObject): { ok: false; refusal: Refusal } {
  return { ok: false, refusal: members === undefined ? { kind, code, detail } : { kind, code, detail, members } };
}
