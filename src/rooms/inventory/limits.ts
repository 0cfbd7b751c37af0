/** Bounds of the inventory room: the unit is in the name, the reason beside it. Tests try one below, on it and one above. */

/** Units in one quantity: sums of 9,000,000 such numbers still fit a double exactly. */
export const QUANTITY_MAX = 1_000_000_000;
/** A line asks for at least one unit. */
export const LINE_QUANTITY_MIN = 1;
/** Lines of one request: one commit decides them together. */
export const LINES_MAX = 500;
/** Longest hold: 31 days. */
export const TTL_SECONDS_MAX = 2_678_400;
export const TTL_SECONDS_MIN = 1;
/** Characters of a SKU or id. */
export const ID_LENGTH_MAX = 128;
/** Reservations in one batch request. */
export const BATCH_RESERVATIONS_MAX = 1_000;
/** Adjustments in one JSON array and in one NDJSON body. */
export const ADJUSTMENTS_JSON_MAX = 1_000;
export const ADJUSTMENTS_NDJSON_MAX = 100_000;
/** SKUs in one availability question. */
export const AVAILABILITY_SKUS_MAX = 200;
/** Thresholds and channels of one item: each is looked at on every decision. */
export const THRESHOLDS_MAX = 20;
export const CHANNELS_MAX = 100;
export const ATTRIBUTES_MAX = 100;
/** Locations of one installation: every partition keeps them all. */
export const LOCATIONS_MAX = 10_000;
/** Blockers named when something cannot be deleted. */
export const BLOCKERS_MAX = 20;
/** Bundles in bundles: each hold of one opens them all. */
export const BUNDLE_DEPTH_MAX = 8;
/** Components that a bundle names, and units of one item that one bundle takes: a line of the largest quantity still sums exactly. */
export const COMPONENTS_MAX = 100;
export const BUNDLE_PARTS_MAX = 1_000_000;
/** Waiting promises met in one decision: each may add a record to another log. The rest follows at once in further ones. */
export const FILLS_MAX = 1_000;
/** Promises of one item that wait for units: they are one saved state. */
export const WAITING_MAX = 100_000;
/** Carts keep at most this many live holds: one is usual. */
export const HOLDS_PER_CART_MAX = 100;
/** Facts about an item after which what it is by then is saved, at the least: reading these is what an answer about its past costs. */
export const SAVED_PAST_FACTS = 64;
/** Bytes that saved pasts may take for each fact: an item with many live holds is long, and saved the more seldom. */
export const SAVED_PAST_BYTES_PER_FACT = 16;
/** The same for each change of a place: ten places are always saved, ten thousand after a thousand changes. */
export const SAVED_PLACES_BYTES_PER_CHANGE = 1_024;
/** Characters of a reference, which names a document elsewhere, and of a note, which somebody reads. */
export const REFERENCE_LENGTH_MAX = 200;
export const NOTE_LENGTH_MAX = 2_000;
/** Lines of an import decided together: some milliseconds during which nothing else is. */
export const IMPORT_LINES_MAX = 250;
/** Refused lines that the record of an import names: enough to see what is wrong, and a tenth of a megabyte. */
export const IMPORT_REFUSALS_MAX = 1_000;
