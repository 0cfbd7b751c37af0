import type { IncomingHttpHeaders } from 'node:http';

/** One request as somebody follows it through the house. */
export interface FollowedRequest {
  /** Runs what is done for this request so that everything begun in it knows whose it is. */
  run<Result>(work: () => Result): Result;
  /** The request was answered; undefined: nobody was there any more to be answered. */
  end(status: number | undefined): void;
}

/** Follows requests, where the installation wants that. Without one nothing is paid for it. */
export interface Tracing {
  /** `route` as the contract writes it, `headers` for the trace that the caller may have begun. */
  /** This message of the queue was accepted for the request at hand: what it does will be followed from there. */
  accepted(messageId: string): void;
  begin(request: { readonly id: string; readonly method: string; readonly route: string; readonly headers: IncomingHttpHeaders }): FollowedRequest;
}
