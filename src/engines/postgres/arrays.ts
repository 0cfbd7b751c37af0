/**
 * Array literals for `unnest`, so that a statement's text does not depend on the number of its rows and stays
 * prepared. Written here because the driver's own conversion tests every element for a dozen types.
 */
const NEEDS_ESCAPE = /["\\]/;
const ESCAPED = /["\\]/g;

export function textArray(values: readonly (string | number | null)[]): string {
  let literal = '{';
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? null;
    if (i > 0) literal += ',';
    if (value === null) literal += 'NULL';
    else {
      const text = String(value);
      literal += NEEDS_ESCAPE.test(text) ? `"${text.replace(ESCAPED, '\\$&')}"` : `"${text}"`;
    }
  }
  return `${literal}}`;
}

/** For integers and booleans, whose text needs no quotes. */
export function plainArray(values: readonly (number | boolean | null | undefined)[]): string {
  let literal = '{';
  for (let i = 0; i < values.length; i++) literal += `${i > 0 ? ',' : ''}${values[i] ?? 'NULL'}`;
  return `${literal}}`;
}
