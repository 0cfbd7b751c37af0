import { hash } from 'node:crypto';
import { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { canonicalJson } from '../base/json.ts';
import type { Once } from '../runtime/runtime.ts';
import type { Caller } from './keys.ts';
import { SOCKET_IDLE_MS } from './limits.ts';
import { invalidRequest } from './problem.ts';
import type { Account } from './request-log.ts';
import type { Route } from './route.ts';
import type { FollowedRequest } from './tracing.ts';

/** What a route answers. `body` becomes JSON; `text` goes as it is. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
  readonly text?: string;
  /** Headers with the type and the length of `text`, as names and values in turn, in place of `headers`: for what is told many times. */
  readonly prepared?: readonly string[];
  /** The content type of `text` where it is not JSON. */
  readonly type?: string;
  /** The Content-Security-Policy of a page. */
  readonly policy?: string | undefined;
}

/** One request on its way through a route. */
export class Call<Query = unknown, Body = unknown> {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly route: Route;
  readonly account: Account;
  readonly began: number;
  /** Who asks; undefined where nobody has to say. */
  caller: Caller | undefined;
  followed: FollowedRequest | undefined;
  /** Checked against the route's schemas before the route sees the call. */
  query!: Query;
  body!: Body;
  #once: Once | undefined;

  constructor(request: FastifyRequest, reply: FastifyReply, route: Route, account: Account) {
    this.request = request;
    this.reply = reply;
    this.route = route;
    this.account = account;
    this.began = performance.now();
  }

  get requestId(): string {
    return this.request.id;
  }

  /** A part of the path, decoded and checked to be an id. */
  param(name: string): string {
    return (this.request.params as Readonly<Record<string, string>>)[name] ?? ''; // parameters of a path are strings
  }

  /** Nothing may move on the connection for this long, which is otherwise taken for a peer who is gone. Holds for this answer. */
  waitFor(ms: number): void {
    const { socket } = this.request.raw;
    if (socket instanceof Socket) socket.setTimeout(ms + SOCKET_IDLE_MS); // calls that were injected have none
  }

  /** Writes down that the call was answered. */
  enter(status: number): void {
    this.account.enter(this.request.id, status, performance.now() - this.began, this.caller?.id);
    this.followed?.end(status);
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** The name under which this request happens once; undefined where it carries no Idempotency-Key. */
  once(): Once | undefined {
    const key = this.request.headers['idempotency-key'];
    if (key === undefined) return undefined;
    return (this.#once ??= this.onceFor(canonicalJson(this.body ?? null)));
  }

  /** The same where the content is known by a digest only. */
  onceFor(content: string): Once | undefined {
    const key = this.header('idempotency-key');
    if (key === undefined) return undefined;
    if (key.length < 1 || key.length > 255) throw invalidRequest([{ pointer: '/idempotency-key', detail: 'must be 1 to 255 characters', in: 'header' }]);
    return {
      key: `k/${hash('sha256', `${this.caller?.id ?? ''}\n${key}`, 'base64url')}`,
      fingerprint: hash('sha256', `${this.request.method}\n${this.request.url}\n${content}`, 'base64url'),
    };
  }
}
