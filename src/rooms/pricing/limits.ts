/** Bounds of the pricing room: the unit is in the name, the reason beside it. Tests try one below, on it and one above. */

/** Amount of one price in minor units: what a double holds exactly. */
export const AMOUNT_MAX = Number.MAX_SAFE_INTEGER;
/** Policies of one installation: each is compiled by every node, and its name stands in one state. */
export const POLICIES_MAX = 1_000;
/** Versions of a policy that its state keeps, the newest: it is written with each, in memory, and up to 20 KB apiece. All are in the view. */
export const POLICY_VERSIONS_MAX = 20;
/** Rules of a policy: each may be asked of every item at every change of its stock. */
export const RULES_MAX = 100;
/** Freeze patterns. */
export const FREEZE_MAX = 100;
/** Policies go from the lowest to the highest of these. */
export const PRIORITY_MAX = 1_000_000;
/** Faults told of one policy: more are no help. */
export const FAULTS_MAX = 50;
/** A change of price in percent: more than hundredfold is a slip of the pen. */
export const PERCENT_MAX = 10_000;
/** Longest window, cooldown and age of signals: 31 days. */
export const SECONDS_MAX = 2_678_400;
/** Window of the guardrails on pace where none is said. */
export const STEP_WINDOW_SECONDS = 3_600;
/** Parts of a window: changes within one of them are remembered together, which keeps the price of an item that changes all the time small. */
export const WINDOW_PARTS = 32;
/** Lowest prices of 30 days that are remembered one by one; beyond them the nearest two become one, the lower. */
export const LOWS_MAX = 64;
/** Directive 98/6/EC, Art. 6a(2). */
export const PRIOR_DAYS = 30;
/** Shadow policies that are compared on one item. */
export const SHADOWS_MAX = 4;
/** Longest a function may take: prices that wait longer are late anyway. */
export const TIMEOUT_MS_MAX = 30_000;
export const TIMEOUT_MS = 1_000;
/** Characters of a name, a path, an address. */
export const NAME_LENGTH_MAX = 200;
export const URL_LENGTH_MAX = 2_000;
/** Quotes hold a price for as long as holds hold units, unless asked otherwise. */
export const QUOTE_TTL_SECONDS = 900;
export const QUOTE_TTL_SECONDS_MAX = 2_678_400;
/** A quote that has ended is told of for so long: as long as anybody asks what was offered when an order is disputed. */
export const QUOTE_RETENTION_MS = 30 * 86_400_000;
export const QUOTE_LINES_MAX = 500;
/** Units of one line: as in holds. */
export const QUANTITY_MAX = 1_000_000_000;
/** Prices asked for in one question. */
export const PRICE_SKUS_MAX = 200;
