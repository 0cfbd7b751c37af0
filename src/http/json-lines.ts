import { NDJSON_BODY_BYTES_MAX, NDJSON_LINE_BYTES_MAX } from './limits.ts';
import { parseJson } from './input.ts';
import { Problem, problem } from './problem.ts';

/** A line of a streamed body: its number, counted from 1 with blank lines, and its value or what is wrong with it. */
export type JsonLine = { readonly line: number; readonly value: unknown } | { readonly line: number; readonly problem: Problem };

const NEWLINE = 0x0a;

/**
 * The values of newline-delimited JSON, as much of it at a time as has arrived; the text as a whole is never in memory.
 * Blank lines and CRLF are fine. Throws `payload-too-large` where there are more than `linesMax` lines that say something.
 */
export async function* jsonLines(stream: AsyncIterable<Buffer>, linesMax: number): AsyncGenerator<JsonLine[]> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  let said = 0;
  let bytes = 0;
  const read = (content: Buffer): JsonLine[] => {
    line++;
    const parsed = parseLine(content, line);
    if (!parsed) return [];
    if (++said > linesMax) throw problem('payload-too-large', `At most ${linesMax} lines may come in one request.`);
    return [parsed];
  };
  for await (const chunk of stream) {
    bytes += chunk.length;
    if (bytes > NDJSON_BODY_BYTES_MAX) throw problem('payload-too-large', `A body may have ${NDJSON_BODY_BYTES_MAX} bytes.`);
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const found: JsonLine[] = [];
    let from = 0;
    for (let end = text.indexOf(NEWLINE); end >= 0; end = text.indexOf(NEWLINE, from)) {
      found.push(...read(text.subarray(from, end)));
      from = end + 1;
    }
    rest = text.subarray(from);
    if (rest.length > NDJSON_LINE_BYTES_MAX) throw problem('payload-too-large', `A line may have ${NDJSON_LINE_BYTES_MAX} bytes.`);
    if (found.length > 0) yield found;
  }
  if (rest.length > 0) yield read(rest);
}

function parseLine(content: Buffer, line: number): JsonLine | undefined {
  if (content.length > NDJSON_LINE_BYTES_MAX) throw problem('payload-too-large', `A line may have ${NDJSON_LINE_BYTES_MAX} bytes.`);
  const start = content.length > 0 ? firstOf(content) : -1;
  if (start < 0) return undefined;
  try {
    return { line, value: parseJson(content) };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return { line, problem: error.code === 'malformed-json' ? problem('malformed-json', 'The line is not JSON.') : error };
  }
}

/** Where a line begins to say something: after spaces, tabs and carriage returns. */
function firstOf(content: Buffer): number {
  for (let i = 0; i < content.length; i++) {
    const byte = content[i];
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return i;
  }
  return -1;
}

