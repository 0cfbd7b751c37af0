/** An object as a list names it. */
export interface ColdObject {
  readonly name: string;
  readonly bytes: number;
}

/**
 * Where old commits are kept: objects with a name, put whole and never changed. A directory can promise that, and so
 * can any object storage: nothing is appended to, renamed or locked.
 *
 * Names are one or more parts of `a-z 0-9 . _ -`, joined by slashes; no part begins with a dot.
 */
export interface ColdStore {
  /** Where it is, in words for messages: a directory, a bucket. */
  readonly place: string;
  /**
   * Stores an object. Resolves only when it is on stable storage. Until then the name gives nothing, or what it gave
   * before: never a part. The same object may be put again. Rejects with `storage-full` or `unavailable`; then nobody
   * knows whether it is there, and putting it again is right.
   */
  put(name: string, body: Uint8Array): Promise<void>;
  /** An object, or `length` bytes of it from `from` on, fewer where it ends before; undefined where there is no such object. */
  get(name: string, range?: { readonly from: number; readonly length: number }): Promise<Uint8Array | undefined>;
  /** The objects whose names begin with `prefix`, by name in the order of code units; whatever was put before is among them. */
  list(prefix: string): Promise<ColdObject[]>;
  /** Removes an object for ever; nothing happens where there is none. */
  delete(name: string): Promise<void>;
}

/** Whether a text may be the name of an object. */
export const isColdName = (name: string): boolean => /^[a-z0-9_-][a-z0-9._-]*(\/[a-z0-9_-][a-z0-9._-]*)*$/.test(name);
