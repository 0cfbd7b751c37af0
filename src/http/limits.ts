/** Bounds of the HTTP floor: the unit is in the name, the reason beside it. */

/** A JSON body: 1,000 reservations of a few lines, and half a millisecond to parse. */
export const JSON_BODY_BYTES_MAX = 1_048_576;
/** A streamed body of one command a line. */
export const NDJSON_BODY_BYTES_MAX = 67_108_864;
/** One line of a streamed body: an adjustment with a long note is below a tenth of it. */
export const NDJSON_LINE_BYTES_MAX = 65_536;
/** Nested arrays and objects, counted before anything walks them. */
export const JSON_DEPTH_MAX = 64;
/** Faults named in one answer; more than these nobody reads. */
export const FAULTS_MAX = 1_000;
/** Rejected or refused lines named in one answer: a quarter of a megabyte. */
export const LINE_PROBLEMS_MAX = 1_000;
/** All headers of a request together. */
export const HEADER_BYTES_MAX = 16_384;
/** Characters of a path parameter before it is decoded: 128 characters of four bytes, three characters each. */
export const PATH_PARAMETER_LENGTH_MAX = 1_536;
/** Slow senders are cut off: the headers, and then the whole request, must be here by then. A busy process looks at it late, and 15 s are promised. */
export const HEADERS_TIMEOUT_MS = 8_000;
export const REQUEST_TIMEOUT_MS = 11_000;
/** How often the two above are looked at. */
export const TIMEOUT_CHECK_INTERVAL_MS = 1_000;
/** An idle connection is kept for the next request this long: longer than browsers and proxies pause. */
export const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** A connection on which no byte moves while a request is under way. */
export const SOCKET_IDLE_MS = 7_000;
/** Who takes nothing of an answer for this long is cut off: within the same 15 s. */
export const UNREAD_MS = 10_000;
/** How long a bulk request may take once its body is here: 100,000 lines take a fraction of it even on a busy machine. */
export const BULK_TIMEOUT_MS = 120_000;
/** How long the closing of a location may take: each of its items is looked at, and moved. */
export const CLOSING_TIMEOUT_MS = 120_000;
/** How long the check of an item may take: a million facts are added up in some seconds. */
export const CHECK_TIMEOUT_MS = 60_000;
/** Connections of one process: each may hold a request body, and waits for those of all others: 9,000 at once for 1.8 s at the 99th percentile. Refusing some of them sooner left less than half of the holds. */
export const CONNECTIONS_MAX = 10_000;
/** Requests of one connection under way: clients that send ahead send some dozens, and answers have to be kept for as many as wait behind a slow one. */
export const PIPELINED_MAX = 100;
/** How often it is logged why requests are refused for want of room. */
export const OVERLOAD_SAY_MS = 1_000;
/** Longest wait that `Prefer: wait` and a long poll may ask for. */
export const WAIT_SECONDS_MAX = 30;
/** How long a read waits until its view covers the cursor it came with. */
export const FRESHNESS_WAIT_MS = 2_000;
/** How long a list waits for what the reader did not ask for: longer than the views are ever behind when little happens. */
export const COURTESY_WAIT_MS = 500;
/** A page of a list. */
export const PAGE_DEFAULT = 50;
export const PAGE_MAX = 500;
/** Cursors that a reader may join in one header. */
export const CURSORS_MAX = 20;
/** Characters of a cursor in an address: its form says how many it may really have. */
export const CURSOR_LENGTH_MAX = 4_096;
/** Types that one listener may name: more than there are. */
export const EVENT_TYPES_MAX = 50;
/** Verified keys kept at hand; beyond it the oldest is verified anew when it comes. */
export const VERIFIED_KEYS_MAX = 10_000;
/** A verified key is believed this long before the store is asked again: another node may have revoked it. */
export const KEY_TRUST_MS = 2_000;
/** Callers without a key whose rate is watched, by address; beyond it the oldest is forgotten. */
export const ANONYMOUS_CALLERS_MAX = 10_000;
/** A read token lasts as long as somebody looks at a page; the page fetches the next one. */
export const TOKEN_TTL_SECONDS = 900;
/** Event streams of one key. */
export const STREAMS_PER_KEY_MAX = 100;
/** A comment is sent down a quiet stream this often, so that proxies keep it and dead readers are found. */
export const HEARTBEAT_MS = 10_000;
/** Bytes that may wait for a stream's reader before it is asked to pause. */
export const STREAM_BUFFER_BYTES = 262_144;
/** Streams written to between two turns of the event loop: 1 to 2 ms, so that shoppers are answered in between. */
export const STREAM_WRITES_PER_TURN = 250;
/** How long a store may take to say that it is there. */
export const PING_TIMEOUT_MS = 2_000;
/** Commits by which the views may be behind before the node calls itself not ready: some seconds of catching up. */
export const VIEW_LAG_READY_MAX = 20_000;
/** An availability answer may be reused this long by caches: short, because each sale changes it. */
/** How long a cache may keep a price before it asks whether it is still so. */
export const PRICE_MAX_AGE_SECONDS = 1;
/** How long a simulation may take: a thousand cases, each asked of a function. */
export const SIMULATION_TIMEOUT_MS = 60_000;
export const AVAILABILITY_MAX_AGE_SECONDS = 1;
/** Commands of one bulk request looked up, and stored, in one go. */
export const BULK_STEP = 1_000;
/** A past answer is final once it is this old: nodes whose clocks differ by more have other worries. Caches may then keep it for a year. */
export const PAST_SETTLED_MS = 60_000;
export const PAST_MAX_AGE_SECONDS = 31_536_000;
/** How long looking at the past may take: some dozens of facts, as a rule, and views that have to catch up first. */
export const PAST_TIMEOUT_MS = 30_000;
/** Lines of an import in one request: a few hundred bytes each, and a tenth of a second's work. */
export const IMPORT_PART_LINES_MAX = 2_000;
