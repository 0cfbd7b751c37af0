/** Bounds of the look at bundles, each with its unit and its reason. */

/** Bundles looked at in one turn: a millisecond or so of deciding, so that holds are not held up. */
export const BUNDLES_PER_TURN = 100;
/** After a turn that failed (the store is away, the engine is full) the next begins after this long. */
export const RETRY_MS = 250;
