import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import { rfc3339 } from '../base/clock.ts';
import type { Json } from '../base/json.ts';
import type { Store } from '../store/store.ts';
import { KEY_TRUST_MS, TOKEN_TTL_SECONDS, VERIFIED_KEYS_MAX } from './limits.ts';
import { Bucket, type Rate } from './rate.ts';

export const SCOPES = ['read', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** A key as the store keeps it: never the key itself. */
export type StoredKey = {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly hash: string;
  readonly createdAt: string;
  /** What asked for it, so that the same request again is known. */
  readonly request?: string;
  readonly revoked?: true;
};

/** Somebody whose key was verified. */
export interface Caller {
  readonly id: string;
  /** What the key allows: whoever may write may read, and an admin may do everything. */
  readonly level: number;
  readonly bucket: Bucket | undefined;
  /** Came with a short-lived token that a key was traded for. */
  readonly isToken: boolean;
  /** Event streams that are open, and pages of events that wait. */
  streams: number;
}

export const LEVEL = { read: 1, write: 2, admin: 3 } as const satisfies Record<Scope, number>;

const PREFIX = 'http/key/';
const ADMIN = 'http/admin-key';
const TOKEN_SECRET = 'http/token-secret';
/** `hf_<id>_<secret>`: the id finds the stored hash, the secret has 256 bits. */
const KEY = /^hf_(key_[A-Za-z0-9-]{1,64})_[A-Za-z0-9_-]{43}$/;
/** `hft_<expiry in seconds, base 36>_<key id>.<signature>`. */
const TOKEN = /^hft_([0-9a-z]{1,10})_([A-Za-z0-9_-]{1,80})\.([A-Za-z0-9_-]{43})$/;

/** An id only names a key, and stands in every fact that goes back to it; what has to be guessed is the secret. */
const KEY_ID_BYTES = 8;

const BEARER = /^Bearer +([\x21-\x7e]{1,512})$/i;

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

function sameBytes(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

/** The keys of the installation. Secrets are shown once; the store has hashes. */
export class Keys {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #rate: Rate | undefined;
  readonly #tokenSecret: Buffer;
  readonly #adminHash: Buffer;
  readonly #demoHash: Buffer | undefined;
  /** Who an Authorization header is from, and until when that is believed without asking the store again. */
  readonly #verified = new Map<string, { caller: Caller; until: number }>();
  readonly #callers = new Map<string, Caller>();
  readonly #onRevoked = new Set<(id: string) => void>();
  #revocations = 0;

  private constructor(options: { store: Store; clock: Clock; rate: Rate | undefined; tokenSecret: Buffer; adminHash: Buffer; demoHash: Buffer | undefined }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#rate = options.rate;
    this.#tokenSecret = options.tokenSecret;
    this.#adminHash = options.adminHash;
    this.#demoHash = options.demoHash;
  }

  /** `announce` hears the admin key where this is the first start and nobody set one. `demoKey` may write, and is kept nowhere. */
  static async open(options: { store: Store; clock: Clock; rate: Rate | undefined; adminKey: string | undefined; demoKey?: string | undefined; announce: (key: string) => void }): Promise<Keys> {
    const { store, clock, rate, adminKey, demoKey, announce } = options;
    const demoHash = demoKey === undefined ? undefined : sha256(demoKey);
    const tokenSecret = Buffer.from((await settled(store, TOKEN_SECRET, randomBytes(32).toString('base64url'))).value, 'base64url');
    if (adminKey !== undefined) return new Keys({ store, clock, rate, tokenSecret, adminHash: sha256(adminKey), demoHash });
    const made = `hf_admin_${randomBytes(32).toString('base64url')}`;
    const { value, first } = await settled(store, ADMIN, sha256(made).toString('base64url'));
    if (first) announce(made);
    return new Keys({ store, clock, rate, tokenSecret, adminHash: Buffer.from(value, 'base64url'), demoHash });
  }

  /** The caller behind an Authorization header that was verified lately: the way of nearly every request. */
  known(shown: string, now: number): Caller | undefined {
    const verified = this.#verified.get(shown);
    return verified !== undefined && now < verified.until ? verified.caller : undefined;
  }

  /** Looks up whose secret an Authorization header shows; undefined where it is nobody's. */
  async verify(shown: string): Promise<Caller | undefined> {
    const revocations = this.#revocations;
    const secret = BEARER.exec(shown)?.[1];
    const caller = secret === undefined ? undefined : await this.#lookUp(secret);
    this.#verified.delete(shown);
    // What was looked up before a key was revoked is good for this request and no other.
    if (!caller || revocations !== this.#revocations) return caller;
    if (this.#verified.size >= VERIFIED_KEYS_MAX) {
      const first = this.#verified.keys().next();
      if (first.done !== true) this.#verified.delete(first.value);
    }
    this.#verified.set(shown, { caller, until: this.#clock.now() + KEY_TRUST_MS });
    return caller;
  }

  async #lookUp(secret: string): Promise<Caller | undefined> {
    if (sameBytes(sha256(secret), this.#adminHash)) return this.#caller('admin', LEVEL.admin);
    if (this.#demoHash && sameBytes(sha256(secret), this.#demoHash)) return this.#caller('demo', LEVEL.write);
    const id = KEY.exec(secret)?.[1];
    if (id === undefined) return this.verifyToken(secret);
    const stored = await this.#find(id);
    if (!stored || stored.revoked || !sameBytes(sha256(secret), Buffer.from(stored.hash, 'base64url'))) return undefined;
    return this.#caller(id, Math.max(...stored.scopes.map((scope) => LEVEL[scope])));
  }

  /** Who a short-lived read token was made for; undefined where it is not valid any more, or never was. */
  async verifyToken(token: string): Promise<Caller | undefined> {
    const [, expiry = '', id = '', signature = ''] = TOKEN.exec(token) ?? [];
    if (id === '' || !sameBytes(this.#sign(`${expiry}_${id}`), Buffer.from(signature, 'base64url'))) return undefined;
    if (Number.parseInt(expiry, 36) * 1000 <= this.#clock.now() || !(await this.alive(id))) return undefined;
    return this.#caller(id, LEVEL.read, 'token');
  }

  /** When a secret that was verified stops being one by itself: undefined for keys, which do not. */
  endOf(secret: string): number | undefined {
    const expiry = TOKEN.exec(secret)?.[1];
    return expiry === undefined ? undefined : Number.parseInt(expiry, 36) * 1000;
  }

  /** False where the key was revoked, on this node or another. */
  async alive(id: string): Promise<boolean> {
    if (id === 'admin' || id === 'demo') return true;
    const stored = await this.#find(id);
    return stored !== undefined && !stored.revoked;
  }

  /** A token that reads on behalf of a key, until an instant. */
  token(id: string, expiresAtMs = this.#clock.now() + TOKEN_TTL_SECONDS * 1000): { token: string; expiresAt: string } {
    const seconds = Math.floor(expiresAtMs / 1000);
    const content = `${seconds.toString(36)}_${id}`;
    return { token: `hft_${content}.${this.#sign(content).toString('base64url')}`, expiresAt: rfc3339(seconds * 1000) };
  }

  /**
   * Makes a key. With `repeat` the secret follows from the maker's own secret and the request, so that the same request
   * again gives the same key without anything secret having been kept.
   */
  async create(asked: { name: string; scopes: readonly Scope[] }, repeat?: { makerSecret: string; key: string; fingerprint: string }): Promise<{ id: string; key: string; replayed: boolean } | 'reused'> {
    const id = `key_${repeat === undefined ? randomBytes(KEY_ID_BYTES).toString('hex') : sha256(repeat.key).toString('hex').slice(0, 2 * KEY_ID_BYTES)}`;
    const secret = repeat === undefined ? randomBytes(32) : createHmac('sha256', repeat.makerSecret).update(`${repeat.key}\n${repeat.fingerprint}`).digest();
    const key = `hf_${id}_${secret.toString('base64url')}`;
    const stored: StoredKey = {
      id,
      name: asked.name,
      scopes: SCOPES.filter((scope) => asked.scopes.includes(scope)),
      hash: sha256(key).toString('base64url'),
      createdAt: rfc3339(this.#clock.now()),
      ...(repeat === undefined ? undefined : { request: repeat.fingerprint }),
    };
    if (await this.#store.settings.swap(PREFIX + id, undefined, stored)) return { id, key, replayed: false };
    const known = await this.#find(id);
    return known?.request === repeat?.fingerprint ? { id, key, replayed: true } : 'reused';
  }

  async list(): Promise<StoredKey[]> {
    const rows = await this.#store.settings.list(PREFIX);
    return rows.map(({ value }) => value as StoredKey).filter((key) => key.revoked === undefined); // written by `create`
  }

  /** Ends a key at once; false where there is none. What it was made for is still known, so that a repeat does not make it again. */
  async revoke(id: string): Promise<boolean> {
    const stored = await this.#find(id);
    if (!stored || stored.revoked) return false;
    const swapped = await this.#store.settings.swap(PREFIX + id, stored, { ...stored, revoked: true });
    this.#revocations++;
    for (const [shown, { caller }] of this.#verified) if (caller.id === id) this.#verified.delete(shown);
    for (const listener of this.#onRevoked) listener(id);
    return swapped;
  }

  onRevoked(listener: (id: string) => void): () => void {
    this.#onRevoked.add(listener);
    return () => void this.#onRevoked.delete(listener);
  }

  async #find(id: string): Promise<StoredKey | undefined> {
    return (await this.#store.settings.get(PREFIX + id)) as StoredKey | undefined; // written by `create`
  }

  #caller(id: string, level: number, kind: 'key' | 'token' = 'key'): Caller {
    const name = `${kind} ${id}`;
    const known = this.#callers.get(name);
    if (known?.level === level) return known;
    if (this.#callers.size >= VERIFIED_KEYS_MAX) this.#callers.clear();
    const caller: Caller = { id, level, isToken: kind === 'token', bucket: this.#rate && new Bucket(this.#rate, this.#clock.now()), streams: 0 };
    this.#callers.set(name, caller);
    return caller;
  }

  #sign(content: string): Buffer {
    return createHmac('sha256', this.#tokenSecret).update(content).digest();
  }
}

/** A setting that is made once: the value that is there, and whether it is the one given. */
async function settled(store: Store, name: string, value: string): Promise<{ value: string; first: boolean }> {
  if (await store.settings.swap(name, undefined, value satisfies Json)) return { value, first: true };
  return { value: (await store.settings.get(name)) as string, first: false }; // written here and never removed
}
