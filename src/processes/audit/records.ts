/** States that are kept as the very text that they are saved as: most reservations and orders are never looked into. */

/** A copy that keeps nothing else in memory: a piece of a text keeps all of it. */
export function copied(text: string): string {
  return ` ${text}`.slice(1);
}

/**
 * Whether a reservation or an order of this text may count for the sums, as only what is held, allocated, backordered or
 * some customer's does. The text is of `JSON.stringify`, where a quote within a text is escaped, so that it says these
 * things in no other way.
 */
export function mayCount(key: string, text: string): boolean {
  if (key[0] === 'r') return text.includes('"status":"held"');
  return text.includes('"allocations":[{') || text.includes('"customers":[{') || /"backordered":[^0]/.test(text);
}

/** Orders are in no view. */
export function hasRows(key: string): boolean {
  return key[0] !== 'o';
}
