import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { ConfigError } from '../../app/app.ts';
import type { SheetOptions } from '../sheet/sheet.ts';
import type { ImportOptions } from './run.ts';

export function inputOf(file: string): Readable {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 262_144 });
}

/** An import is named after what is in the file and what is asked for: the same again is the same import. */
export async function identityOf({ file, mode, createItems, currency, rename, id }: ImportOptions): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([mode, createItems === true, currency ?? '', rename, id ?? '']));
  if (file !== '-') for await (const chunk of createReadStream(file, { highWaterMark: 1_048_576 })) hash.update(chunk as Buffer); // a stream without encoding gives buffers
  else if (id === undefined) hash.update(randomBytes(16));
  return `imp_${hash.digest('hex').slice(0, 32)}`;
}

export function sheetOptions({ format, rename, ignoreUnknown, currency, file }: ImportOptions): SheetOptions {
  if (format !== undefined && format !== 'csv' && format !== 'ndjson') throw new ConfigError('--format must be csv or ndjson');
  if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) throw new ConfigError('--currency must be a code of ISO 4217, such as EUR');
  const pairs = rename.map((pair): [string, string] => {
    const at = pair.lastIndexOf('=');
    if (at < 1) throw new ConfigError(`--rename must be <theirs>=<ours>, not ${pair}`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  const isJson = format === 'ndjson' || (format === undefined && /\.(?:nd)?jsonl?(?:\.gz)?$/i.test(file));
  return { form: isJson ? { delimiter: undefined } : 'guess', renamed: new Map(pairs), unknown: ignoreUnknown === true ? 'ignore' : 'refuse', currency };
}
