/** Bounds of copying prices, each with its unit and its reason. */

/** Prices read and handed over at a time: a few milliseconds of either side. */
export const COPIES_PER_STEP = 500;
/** Commits after the note beyond which every price is copied: that takes less than reading their facts. */
export const BEHIND_MAX = 200_000;
/** Prices that may wait to be copied: about a hundred megabytes of names. */
export const DIRTY_MAX = 1_000_000;
/** Copies are looked after this often, in milliseconds, where nothing happens: so long a loss may go unnoticed. */
export const LOOK_MS = 2_000;
/** Rest after a failure, in milliseconds, unless they are reachable earlier. */
export const RETRY_MS = 1_000;
