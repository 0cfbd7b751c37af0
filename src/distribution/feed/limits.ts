/** Bounds of the feed, each with its unit and its reason. */

/** Entries that wait for a listener that is full: with those of one more commit this is all that a listener can keep alive, and most of it is shared with others. */
export const BUFFERED_ENTRIES_MAX = 10_000;
/** Listeners and waiting pages of one process: one fact that is for all of them takes some tens of milliseconds to write. */
export const LISTENERS_MAX = 5_000;
/** Pushes between two turns of the event loop: 50 ns here and as much in an event stream, so 2 ms, in which no shopper is answered. */
export const PUSHES_PER_SLICE = 20_000;
/** Facts that wait to be handed out. Past this second or two of full load, listeners read them from the store at the pace they can. */
export const UNDELIVERED_EVENTS_MAX = 100_000;
/** Facts committed while somebody reads the store, kept so that they can go on live: a tenth of a second of full load, handed out in about 15 ms. */
export const CUT_OVER_EVENTS_MAX = 5_000;
/** Listeners that read the store at once: each may hold a page of every log, at the worst 4 MB times the number of logs. */
export const READERS_MAX = 4;
/** Facts that each reader looks at between two turns of the event loop: about 1.5 ms if all of them match. */
export const EVENTS_PER_STEP = 500;
/** Rest before the store is read again after it could not be reached. */
export const RETRY_AFTER_MS = 500;

/** What tests make small. */
export interface FeedBounds {
  readonly bufferedEntriesMax: number;
  readonly listenersMax: number;
  readonly pushesPerSlice: number;
  readonly undeliveredEventsMax: number;
  readonly cutOverEventsMax: number;
  readonly readersMax: number;
  readonly eventsPerStep: number;
}

export const FEED_BOUNDS: FeedBounds = {
  bufferedEntriesMax: BUFFERED_ENTRIES_MAX,
  listenersMax: LISTENERS_MAX,
  pushesPerSlice: PUSHES_PER_SLICE,
  undeliveredEventsMax: UNDELIVERED_EVENTS_MAX,
  cutOverEventsMax: CUT_OVER_EVENTS_MAX,
  readersMax: READERS_MAX,
  eventsPerStep: EVENTS_PER_STEP,
};
