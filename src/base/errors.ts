/** Whether the same call may succeed when it is made again, and when. */
export type Retry = 'never' | 'soon' | 'later';

/** What can go wrong in the world around us, whichever engine it happens in. */
export type FaultCode =
  | 'conflict' // another writer was first: read again and decide again
  | 'unavailable' // the store cannot be reached or answered nothing: the outcome of a write is unknown
  | 'storage-failed' // a write or an fsync failed: nothing after it may be acknowledged
  | 'storage-full' // no room: nothing was written, writes may succeed once there is room
  | 'corrupt' // stored bytes are not what was written
  | 'fenced' // a lease or a claim was lost to somebody else
  | 'history-lost' // the position asked for was trimmed
  | 'overloaded' // a bound was reached: ask again later
  | 'closed'; // the thing was closed before it could answer

/** The world misbehaving. Engines translate their drivers' errors into this at their own door. */
export class Fault extends Error {
  override readonly name = 'Fault';
  readonly code: FaultCode;
  readonly retry: Retry;

  constructor(code: FaultCode, message: string, options: { retry: Retry; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry;
  }
}

export function isFault(error: unknown, code?: FaultCode): error is Fault {
  return error instanceof Fault && (code === undefined || error.code === code);
}

/** The fault for an append or a save whose expected position was not the head. */
export function conflict(what: string): Fault {
  return new Fault('conflict', `${what}: another writer was first; read it again and decide again`, { retry: 'soon' });
}
