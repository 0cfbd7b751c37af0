/** Bounds of the pricing process, each with its unit and its reason. */

/** Items priced in one turn: some milliseconds of deciding, so that holds are not held up. */
export const ITEMS_PER_TURN = 500;
/** Turns under way at a time: what comes while some are made durable is computed at once, and joins the next append. */
export const TURNS_MAX = 8;
/** Items looked at in one turn because a policy changed, beside those to which something happened; and where much happens. */
export const SWEEP_PER_TURN = 250;
export const SWEEP_PER_TURN_MIN = 50;
/** Priced items that are marked as due because a location changed; where there are more, all items are looked at as for a policy. */
export const MARKED_TOGETHER_MAX = 10_000;
/** Turns of such items under way at a time: together they are what one append makes durable while the next is computed. */
export const SWEEP_TURNS_MAX = 3;
/** SKUs read from the views at a time while all items are looked at. */
export const SWEEP_PAGE = 2_000;
/**
 * Pages that may be priced and not in the views yet: 10,000 facts, which have to stay in memory. Whoever waits for the
 * views hurries them, so that they are made while more is priced, and not after it.
 */
export const SWEEP_PAGES_UNSAVED = 5;
/** How long one look at all items waits for the views at a time, before it waits again. */
export const VIEWS_WAIT_MS = 10_000;
/** Prices that depend on time are computed again this often. */
export const TIMED_MS = 60_000;
/** Parts of that time: in each a share of the items is looked at. */
export const TIMED_PARTS = 60;
/** After a turn that failed (the store is away, the engine is full) the next begins after this long. */
export const RETRY_MS = 250;
/** An outside strategy that gave no price is asked again after this long. */
export const OUTSIDE_AGAIN_MS = 5_000;
/** Items that wait for outside strategies: more stay with those that are still to be priced. */
export const OUTSIDE_WAITING_MAX = 2_000;
/** Calls of one function at a time. */
export const CALLS_MAX = 16;
/** Bytes of a function's answer: a price needs a hundred. */
export const ANSWER_BYTES_MAX = 65_536;
/** Failures in a row after which a function or module is not asked for a while, and that while. */
export const FAILURES_MAX = 5;
export const BREAK_MS = 10_000;
/** A module that has not answered for so long is ended: it runs in a thread of its own, and holds nobody up. */
export const MODULE_TIMEOUT_MS = 1_000;
/** How often the file of a module is looked at. */
export const MODULE_LOOK_MS = 1_000;
/** Encoded prices kept for reads: about 25,000 of them, those that are asked for again and again; others are made from the states when somebody asks. */
export const CACHE_BYTES_MAX = 32 * 1_048_576;
/** How long an encoded price is believed without a look at the clock: the lowest price of 30 days changes with time alone. */
export const CACHE_MS = 10_000;
