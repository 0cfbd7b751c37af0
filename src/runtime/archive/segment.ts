/**
 * A segment: contiguous commits of one log in one object of cold storage.
 *
 *     head    skippable frame   "holdfast archive 1\n"
 *     blocks  zstd frames       a line for each commit: position, checksum, token, facts
 *     index   skippable frame   JSON, its length, "HFARCH01"
 *
 * The whole is a file that `zstd -dc` turns into lines. The index names the SHA-256 of each block, and the object's name
 * the SHA-256 of the index: whoever has the name can tell a single flipped bit, a missing end, and another object in
 * its place. Each commit has a CRC-32 besides, from before it was compressed.
 */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { constants, crc32, zstdCompress, zstdDecompress } from 'node:zlib';
import { Fault } from '../../base/errors.ts';
import { decodeEvents, encodeEvents, type Commit, type LogId, type Position } from '../../store/store.ts';
import { BLOCK_CHARACTERS, COMPRESSION_LEVEL, TAIL_BYTES } from './limits.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** What a segment is called, read from its name. */
export interface SegmentName {
  readonly name: string;
  readonly log: LogId;
  readonly first: Position;
  readonly last: Position;
  /** Of the object. */
  readonly bytes: number;
}

interface Block {
  /** Of its first commit. */
  readonly first: Position;
  readonly offset: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface SegmentIndex {
  readonly log: LogId;
  readonly first: Position;
  readonly last: Position;
  /** Instants of its first and its last fact, in milliseconds. */
  readonly firstTime: number;
  readonly lastTime: number;
  readonly facts: number;
  /** Of all blocks before they were compressed. */
  readonly characters: number;
  readonly blocks: readonly Block[];
}

/** Gets bytes of a segment's object. */
export type Fetch = (range: { from: number; length: number }) => Promise<Uint8Array>;

const MARK = 'HFARCH01';
const HEAD = skippable(Buffer.from('holdfast archive 1\n'));
const INDEX_END_BYTES = 4 + MARK.length;
const HASH_CHARACTERS = 32;

/** A frame that zstd passes over. */
function skippable(content: Buffer): Buffer {
  const frame = Buffer.alloc(8 + content.length);
  frame.writeUInt32LE(0x184d2a50, 0);
  frame.writeUInt32LE(content.length, 4);
  content.copy(frame, 8);
  return frame;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const digits = (position: Position): string => String(position).padStart(16, '0');
export const folderOf = (log: LogId): string => `${String(log).padStart(4, '0')}/`;

/** Reads a segment's name; undefined where it is none. */
export function parseSegmentName(name: string, bytes: number): SegmentName | undefined {
  const parts = /^(\d{4})\/(\d{16})-(\d{16})-[0-9a-f]{32}\.zst$/.exec(name);
  if (!parts) return undefined;
  const [log, first, last] = parts.slice(1, 4).map(Number) as [number, number, number]; // three groups of digits
  return first >= 1 && last >= first ? { name, log, first, last, bytes } : undefined;
}

/** A commit as one line. */
function lineOf(commit: Commit): string {
  const facts = encodeEvents(commit.events);
  const token = encodeURIComponent(commit.token);
  return `${commit.position} ${checksum(commit.log, commit.position, token, facts)} ${token} ${facts}\n`;
}

const checksum = (log: LogId, position: Position, token: string, facts: string): string => crc32(`${log} ${position} ${token} ${facts}`).toString(16).padStart(8, '0');

/** The commit of a line, which has to be the one at `at`. */
export function commitOf(line: string, at: { log: LogId; position: Position; name: string }): Commit {
  const [position = '', sum = '', token = ''] = line.split(' ', 3);
  const facts = line.slice(position.length + sum.length + token.length + 3);
  if (Number(position) !== at.position || sum !== checksum(at.log, at.position, token, facts)) throw damaged(at.name, `the line of commit ${at.position} is not what was written`);
  return { log: at.log, position: at.position, token: decodeURIComponent(token), events: decodeEvents(facts, at) };
}

/** Puts a segment together, commit by commit in their order. */
export class SegmentWriter {
  readonly #log: LogId;
  readonly #parts: Buffer[] = [HEAD];
  readonly #blocks: Block[] = [];
  #offset = HEAD.length;
  #lines: string[] = [];
  #blockFirst: Position = 0;
  #blockCharacters = 0;
  #first: Position = 0;
  #last: Position = 0;
  #firstTime = 0;
  #lastTime = 0;
  #facts = 0;
  #characters = 0;

  constructor(log: LogId) {
    this.#log = log;
  }

  /** So far, before compression. */
  get characters(): number {
    return this.#characters;
  }

  get firstTime(): number {
    return this.#firstTime;
  }

  async add(commit: Commit): Promise<void> {
    const line = lineOf(commit);
    if (this.#first === 0) {
      this.#first = commit.position;
      this.#firstTime = commit.events[0]?.time ?? 0;
    }
    if (this.#lines.length === 0) this.#blockFirst = commit.position;
    this.#lines.push(line);
    this.#last = commit.position;
    this.#lastTime = Math.max(this.#lastTime, commit.events.at(-1)?.time ?? 0);
    this.#facts += commit.events.length;
    this.#characters += line.length;
    this.#blockCharacters += line.length;
    if (this.#blockCharacters >= BLOCK_CHARACTERS) await this.#endBlock();
  }

  /** The object and its name; undefined where no commit was added. */
  async finish(): Promise<{ name: string; body: Uint8Array; index: SegmentIndex } | undefined> {
    if (this.#first === 0) return undefined;
    if (this.#lines.length > 0) await this.#endBlock();
    const index: SegmentIndex = { log: this.#log, first: this.#first, last: this.#last, firstTime: this.#firstTime, lastTime: this.#lastTime, facts: this.#facts, characters: this.#characters, blocks: this.#blocks };
    const json = Buffer.from(JSON.stringify(index));
    const name = `${folderOf(this.#log)}${digits(this.#first)}-${digits(this.#last)}-${sha256(json).slice(0, HASH_CHARACTERS)}.zst`;
    return { name, body: Buffer.concat([...this.#parts, indexFrame(json)]), index };
  }

  async #endBlock(): Promise<void> {
    const block = await compress(this.#lines.join(''), { params: { [constants.ZSTD_c_compressionLevel]: COMPRESSION_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 } });
    this.#blocks.push({ first: this.#blockFirst, offset: this.#offset, bytes: block.length, sha256: sha256(block) });
    this.#parts.push(block);
    this.#offset += block.length;
    this.#lines = [];
    this.#blockCharacters = 0;
  }
}

function indexFrame(json: Buffer): Buffer {
  const end = Buffer.alloc(INDEX_END_BYTES);
  end.writeUInt32LE(json.length, 0);
  end.write(MARK, 4);
  return skippable(Buffer.concat([json, end]));
}

/** A segment's index, held against the segment's name. */
export async function readIndex(segment: SegmentName, fetch: Fetch): Promise<SegmentIndex> {
  const tail = await fetchEnd(segment, fetch, Math.min(segment.bytes, TAIL_BYTES));
  const length = tail.readUInt32LE(tail.length - INDEX_END_BYTES);
  const needed = length + INDEX_END_BYTES;
  if (tail.toString('latin1', tail.length - MARK.length) !== MARK || needed > segment.bytes) throw damaged(segment.name, 'its end is missing');
  const end = needed <= tail.length ? tail : await fetchEnd(segment, fetch, needed);
  const json = end.subarray(end.length - needed, end.length - INDEX_END_BYTES);
  if (!segment.name.endsWith(`-${sha256(json).slice(0, HASH_CHARACTERS)}.zst`)) throw damaged(segment.name, `its index is not what was written (byte ${segment.bytes - needed} on)`);
  const index = JSON.parse(json.toString()) as SegmentIndex; // its hash says that it was written by `SegmentWriter`
  if (index.log !== segment.log || index.first !== segment.first || index.last !== segment.last) throw damaged(segment.name, 'its name does not say what is in it');
  return index;
}

async function fetchEnd({ name, bytes }: SegmentName, fetch: Fetch, length: number): Promise<Buffer> {
  const end = Buffer.from(await fetch({ from: bytes - length, length }));
  if (end.length !== length || length < INDEX_END_BYTES) throw damaged(name, 'its end is missing');
  return end;
}

/** The last commit of a block. */
export const lastOf = ({ blocks, last }: SegmentIndex, number: number): Position => (blocks[number + 1]?.first ?? last + 1) - 1;

/** The lines of a block, one for each of its commits. */
export async function readBlock(name: string, index: SegmentIndex, number: number, fetch: Fetch): Promise<string[]> {
  const block = index.blocks[number] as Block; // the caller took the number from the index
  const stored = await fetch({ from: block.offset, length: block.bytes });
  if (stored.length !== block.bytes || sha256(stored) !== block.sha256) throw damaged(name, `the block at byte ${block.offset} is not what was written`);
  const lines = (await decompress(stored)).toString().split('\n');
  lines.pop(); // the last line ends as well
  if (lines.length !== lastOf(index, number) - block.first + 1) throw damaged(name, `the block at byte ${block.offset} has ${lines.length} commits`);
  return lines;
}

/** Holds every byte of a segment against its name. */
export async function checkSegment(segment: SegmentName, body: Uint8Array): Promise<SegmentIndex> {
  if (body.length !== segment.bytes) throw damaged(segment.name, `it has ${body.length} bytes and not ${segment.bytes}`);
  const fetch: Fetch = async ({ from, length }) => body.subarray(from, from + length);
  const index = await readIndex(segment, fetch);
  let end = HEAD.length;
  if (!HEAD.equals(body.subarray(0, end))) throw damaged(segment.name, 'its head is not what was written (byte 0 on)');
  for (const [number, block] of index.blocks.entries()) {
    if (block.offset !== end) throw damaged(segment.name, `the block at byte ${block.offset} is not where it should be`);
    const lines = await readBlock(segment.name, index, number, fetch);
    for (const [line, text] of lines.entries()) commitOf(text, { log: segment.log, position: block.first + line, name: segment.name });
    end += block.bytes;
  }
  if (!indexFrame(Buffer.from(JSON.stringify(index))).equals(body.subarray(end))) throw damaged(segment.name, `its index is not what was written (byte ${end} on)`);
  return index;
}

export function damaged(name: string, how: string): Fault {
  return new Fault('corrupt', `archived segment ${name} is damaged: ${how}; put a copy of the file from a backup in its place`, { retry: 'never' });
}
