/**
 * A disk as a power cut may leave it. Deeds are played up to the cut; then chance says which of what was not synced
 * arrived: nothing, a beginning, any part of it, writes torn into sectors of 512 bytes. New names, renames and removals
 * last once their directory was synced; on a journaling file system also once the file itself was.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { below, chance, pick, type Random } from '../../../src/base/random.ts';
import type { Deed } from './trace.ts';

const SECTOR_BYTES = 512;

/** `posix`: only what POSIX promises. `journaled`: syncing a file makes its name last, as ext4 does. */
export type FileSystem = 'posix' | 'journaled';

class Content {
  bytes = Buffer.alloc(4096);
  length = 0;

  write(offset: number, data: Buffer): void {
    this.#reach(Math.max(this.length, offset + data.length));
    data.copy(this.bytes, offset);
  }

  truncate(length: number): void {
    if (length < this.length) this.bytes.fill(0, length, this.length);
    if (length > this.length) this.#reach(length);
    this.length = length;
  }

  copy(): Content {
    const twin = new Content();
    twin.bytes = Buffer.from(this.bytes);
    twin.length = this.length;
    return twin;
  }

  get all(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  #reach(length: number): void {
    if (length > this.bytes.length) this.bytes = Buffer.concat([this.bytes], Math.max(length, this.bytes.length * 2));
    this.length = Math.max(this.length, length);
  }
}

type Change = { readonly offset: number; readonly data: Buffer } | { readonly truncateTo: number };

class File {
  readonly synced = new Content();
  pending: Change[] = [];

  sync(): void {
    for (const change of this.pending) apply(this.synced, change);
    this.pending = [];
  }

  lose(): void {
    this.pending = [];
  }
}

type Entry = File | Directory;
type Naming = readonly { readonly name: string; readonly entry: Entry | undefined }[];

class Directory {
  readonly now = new Map<string, Entry>();
  readonly synced = new Map<string, Entry>();
  /** What was not synced yet; a renaming within a directory is one step. */
  pending: Naming[] = [];

  name(naming: Naming): void {
    rename(this.now, naming);
    this.pending.push(naming);
  }

  sync(): void {
    for (const naming of this.pending) rename(this.synced, naming);
    this.pending = [];
  }
}

function rename(names: Map<string, Entry>, naming: Naming): void {
  for (const { name, entry } of naming) {
    if (entry === undefined) names.delete(name);
    else names.set(name, entry);
  }
}

function apply(content: Content, change: Change): void {
  if ('truncateTo' in change) content.truncate(change.truncateTo);
  else content.write(change.offset, change.data);
}

export class CrashingDisk {
  readonly #root = new Directory();
  readonly #rootPath: string;
  readonly #fileSystem: FileSystem;

  constructor(rootPath: string, fileSystem: FileSystem) {
    this.#rootPath = rootPath;
    this.#fileSystem = fileSystem;
  }

  play({ kind, path, offset, data }: Deed): void {
    switch (kind) {
      case 'made':
        return this.#directoryOf(path).name([{ name: basename(path), entry: new File() }]);
      case 'directoryMade':
        return this.#directoryOf(path).name([{ name: basename(path), entry: new Directory() }]);
      case 'removed':
        return this.#directoryOf(path).name([{ name: basename(path), entry: undefined }]);
      case 'written':
        return void this.#file(path)?.pending.push({ offset, data });
      case 'truncated':
        return void this.#file(path)?.pending.push({ truncateTo: offset });
      case 'renamed':
        return this.#rename(path, data.toString());
      case 'synced':
        this.#file(path)?.sync();
        if (this.#fileSystem === 'journaled') for (const directory of this.#above(path)) directory.sync();
        return;
      case 'directorySynced': {
        const directory = this.#find(path);
        if (directory instanceof Directory) directory.sync();
        return;
      }
      case 'failed':
        // The kernel may call pages clean that it could not write: no later sync brings them back.
        if (data.toString() === 'sync') this.#file(path)?.lose();
        return;
      case 'said':
        return;
      default:
        kind satisfies never;
    }
  }

  /** Writes one possible disk into a directory of its own. */
  writeTo(target: string, random: Random): void {
    rmSync(target, { recursive: true, force: true });
    const fate = pick(random, ['nothing', 'beginning', 'some', 'everything'] as const);
    this.#writeDirectory(this.#root, target, fate, random);
  }

  #writeDirectory(directory: Directory, target: string, fate: Fate, random: Random): void {
    mkdirSync(target, { recursive: true });
    const names = new Map(directory.synced);
    const lasting = pick(random, [0, directory.pending.length, below(random, directory.pending.length + 1)]);
    for (const naming of directory.pending.slice(0, lasting)) rename(names, naming);
    for (const [name, entry] of names) {
      if (entry instanceof Directory) this.#writeDirectory(entry, join(target, name), fate, random);
      // Shared memory, which SQLite makes again whenever nobody has the file open.
      else if (!name.endsWith('-shm')) writeFileSync(join(target, name), survived(entry, fate, random));
    }
  }

  #rename(from: string, to: string): void {
    const entry = this.#find(from);
    if (entry === undefined) return;
    const [source, target] = [this.#directoryOf(from), this.#directoryOf(to)];
    const leaving = { name: basename(from), entry: undefined };
    const arriving = { name: basename(to), entry };
    if (source === target) return source.name([leaving, arriving]);
    target.name([arriving]);
    source.name([leaving]);
  }

  #file(path: string): File | undefined {
    const entry = this.#find(path);
    return entry instanceof File ? entry : undefined;
  }

  #directoryOf(path: string): Directory {
    const entry = this.#find(dirname(path));
    if (entry instanceof Directory) return entry;
    throw new Error(`${dirname(path)} is no directory below ${this.#rootPath}`);
  }

  #find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const name of this.#names(path)) entry = entry instanceof Directory ? entry.now.get(name) : undefined;
    return entry;
  }

  #above(path: string): Directory[] {
    const directories = [this.#root];
    for (const name of this.#names(path)) {
      const next = directories.at(-1)?.now.get(name);
      if (next instanceof Directory) directories.push(next);
    }
    return directories;
  }

  #names(path: string): string[] {
    return path.slice(this.#rootPath.length).split('/').filter((name) => name !== '');
  }
}

type Fate = 'nothing' | 'beginning' | 'some' | 'everything';

function survived({ synced, pending }: File, fate: Fate, random: Random): Buffer {
  if (fate === 'nothing' || pending.length === 0) return synced.all;
  const content = synced.copy();
  for (const change of arrived(pending, fate, random)) {
    if ('data' in change && fate !== 'everything' && chance(random, 0.3)) tear(content, change, random);
    else apply(content, change);
  }
  return content.all;
}

function arrived(pending: readonly Change[], fate: Fate, random: Random): readonly Change[] {
  if (fate === 'beginning') return pending.slice(0, below(random, pending.length + 1));
  return fate === 'some' ? pending.filter(() => chance(random, 0.5)) : pending;
}

function tear(content: Content, { offset, data }: { offset: number; data: Buffer }, random: Random): void {
  for (let at = 0; at < data.length; at += SECTOR_BYTES) if (chance(random, 0.6)) content.write(offset + at, data.subarray(at, at + SECTOR_BYTES));
}
