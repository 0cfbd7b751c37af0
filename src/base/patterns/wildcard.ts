import { WILDCARD_STARS_MAX } from './limits.ts';

/** Text with stars: `chunks` are the literal pieces between them. Without a star there is one chunk. */
export interface Wildcard {
  readonly chunks: readonly string[];
}

/** Reads `a*b`; `\*` and `\\` stand for the characters themselves. Gives what is wrong where it is not one. */
export function parseWildcard(text: string): Wildcard | { readonly wrong: string } {
  const chunks = [''];
  for (let i = 0; i < text.length; i++) {
    const character = text[i] ?? '';
    if (character === '*') {
      if (text[i + 1] === '*') return { wrong: 'must not have two stars in a row' };
      chunks.push('');
    } else if (character === '\\') {
      const next = text[++i];
      if (next !== '*' && next !== '\\') return { wrong: 'has a backslash before something else than * or \\' };
      chunks[chunks.length - 1] += next;
    } else chunks[chunks.length - 1] += character;
  }
  return chunks.length - 1 > WILDCARD_STARS_MAX ? { wrong: `has more than ${WILDCARD_STARS_MAX} stars, which is too complex` } : { chunks };
}

/** Each chunk is taken where it comes first: time grows with the text alone, never with what stars could stand for. */
export function matchesWildcard({ chunks }: Wildcard, text: string): boolean {
  const [first = '', ...others] = chunks;
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const chunk of others) {
    const found = text.indexOf(chunk, at);
    if (found < 0) return false;
    at = found + chunk.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
