import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import { Call } from './call.ts';
import { LEVEL, type Caller, type Keys } from './keys.ts';
import { ANONYMOUS_CALLERS_MAX } from './limits.ts';
import { problem, type Problem } from './problem.ts';
import { Buckets, type Rate } from './rate.ts';
import type { Account } from './request-log.ts';
import { templateOf, type Route } from './route.ts';
import type { FollowedRequest, Tracing } from './tracing.ts';

declare module 'fastify' {
  interface FastifyRequest {
    call: Call | undefined;
  }
}

export interface GateOptions {
  readonly keys: Keys;
  readonly clock: Clock;
  readonly rate: Rate | undefined;
  readonly publicReads: boolean;
  /** Requests of one connection that may be under way at a time. */
  readonly pipelinedMax: number;
  readonly tracing?: Tracing | undefined;
}

const CHALLENGE = { 'www-authenticate': 'Bearer realm="holdfast"' };

/** What every request passes before anything of it is read: who asks, whether they may, and whether it is not too often. */
export class Gate {
  readonly #options: GateOptions;
  readonly #anonymous = new Buckets(ANONYMOUS_CALLERS_MAX);

  constructor(options: GateOptions) {
    this.#options = options;
  }

  /** The hook of one route. A key that was verified lately passes without a promise. */
  hook(route: Route, account: Account): (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => void {
    const { access } = route;
    const { keys, clock, tracing, pipelinedMax } = this.#options;
    const template = templateOf(route.path);
    const isOpen = access === 'public' || (access === 'publicRead' && this.#options.publicReads);
    const level = access === 'public' ? 0 : LEVEL[access === 'publicRead' ? 'read' : access];
    return (request, reply, done) => {
      const call = new Call(request, reply, route, account);
      request.call = call;
      const connection = callsOf(request);
      connection.call = call;
      if (tracing) follow(call, tracing.begin({ id: request.id, method: request.method, route: template, headers: request.headers }));
      if (underWay(connection, reply.raw) > pipelinedMax) return done(problem('overloaded', `More than ${pipelinedMax} requests of this connection are under way. Wait for answers, or open another.`, { headers: { 'retry-after': '1' } }));
      const shown = credentialOf(request, route);
      if (shown === undefined) {
        done(isOpen ? this.#limit(request, undefined) : this.#unknown(request, 'This needs a key: Authorization: Bearer <key>.'));
        return;
      }
      const now = clock.now();
      const known = keys.known(shown, now);
      if (known) {
        call.caller = known;
        done(this.#pass(request, known, level, now));
        return;
      }
      const settle = (refusal: Problem | undefined): void => done(refusal);
      this.#verify(call, shown, { isOpen, level }).then(settle, done);
    };
  }

  async #verify(call: Call, shown: string, wanted: { isOpen: boolean; level: number }): Promise<Problem | undefined> {
    // Guessing is as slow as asking without a key.
    const limited = this.#limit(call.request, undefined);
    if (limited) return limited;
    const caller = await this.#options.keys.verify(shown);
    if (caller) {
      call.caller = caller;
      return this.#pass(call.request, caller, wanted.level);
    }
    if (wanted.isOpen) return undefined;
    return problem('unauthenticated', 'The key is not known here, or not any more.', { headers: { 'www-authenticate': `${CHALLENGE['www-authenticate']}, error="invalid_token"` } });
  }

  #pass(request: FastifyRequest, caller: Caller, level: number, now?: number): Problem | undefined {
    if (caller.level < level) return problem('forbidden', `This needs a key with the scope ${level === LEVEL.admin ? 'admin' : 'write'}.`);
    return this.#limit(request, caller, now);
  }

  #unknown(request: FastifyRequest, detail: string): Problem {
    return this.#limit(request, undefined) ?? problem('unauthenticated', detail, { headers: CHALLENGE });
  }

  #limit(request: FastifyRequest, caller: Caller | undefined, now = this.#options.clock.now()): Problem | undefined {
    const { rate } = this.#options;
    if (!rate) return undefined;
    const bucket = caller?.bucket ?? this.#anonymous.of(request.ip, rate, now);
    const seconds = bucket.take(rate, now);
    if (seconds === 0) return undefined;
    return problem('rate-limited', 'Too many requests. Ask again in a moment.', { headers: { 'retry-after': String(seconds) } });
  }
}

/** Whoever goes away before the answer ends the request, too. */
function follow(call: Call, followed: FollowedRequest): void {
  call.followed = followed;
  call.reply.raw.once('close', () => followed.end(undefined));
}

/** A connection, which knows the call that is under way on it, or came last, and which answers are still to be given. */
interface CallSocket {
  call?: Call;
  answers?: ServerResponse[];
}

/** Counts the requests of a connection that are not answered, the new one among them. Answers leave in the order of requests. */
function underWay(connection: CallSocket, answer: ServerResponse): number {
  const answers = (connection.answers ??= []);
  while (answers[0]?.writableFinished === true) answers.shift();
  return answers.push(answer);
}

/** A member of the connection instead of a table beside it: each request pays for this. */
function callsOf({ raw }: { raw: { socket: object } }): CallSocket {
  return raw.socket;
}

/** The call that is under way on a connection, or was last. */
export function callOn(socket: object): Call | undefined {
  return (socket as CallSocket).call;
}

/** What the request shows of who it is from, as it stands in its header: `Keys` takes it apart where it does not know it yet. */
function credentialOf(request: FastifyRequest, route: Route): string | undefined {
  const { authorization } = request.headers;
  if (authorization !== undefined || route.tokenInQuery !== true) return authorization;
  const token = (request.query as { access_token?: unknown }).access_token; // looked at before use
  // A key does not belong into an address, where logs would keep it: only a short-lived token is read there.
  return typeof token === 'string' && token.startsWith('hft_') ? `Bearer ${token}` : undefined;
}
