import type { AcceptedWork } from './accepted.ts';
import type { EventStreams } from './event-streams.ts';
import type { Keys } from './keys.ts';
import type { Metrics } from './metrics.ts';
import type { Services } from './services.ts';

/** What the routes work with. */
export interface Floor {
  readonly services: Services;
  readonly keys: Keys;
  readonly metrics: Metrics;
  readonly streams: EventStreams;
  readonly accepted: AcceptedWork;
  readonly publicReads: boolean;
  /** Answers differ by the asking page's origin. */
  readonly variesByOrigin: boolean;
}
