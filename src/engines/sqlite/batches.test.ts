import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { conflict } from '../../base/errors.ts';
import { writeWorker, type Answer } from './batches.ts';
import { openDatabase, type Database } from './database.ts';

let directory = '';
let database: Database;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-batches-'));
  database = openDatabase(join(directory, 'log.db'), 'full');
  database.connection.exec('CREATE TABLE notes (text TEXT NOT NULL) STRICT');
});
afterEach(() => {
  database[Symbol.dispose]();
  rmSync(directory, { recursive: true });
});

function notes(): unknown[] {
  return database.connection.prepare('SELECT substr(text, 1, 9) AS text FROM notes ORDER BY rowid').all().map(({ text }) => text);
}

function worker() {
  const insert = database.connection.prepare('INSERT INTO notes VALUES (?)');
  const operations = {
    note: (text: string) => void insert.run(text),
    refuse() {
      throw conflict('a note');
    },
    breakMidway() {
      insert.run('half of it');
      throw new TypeError('broken');
    },
  };
  return writeWorker(operations, database, { close: () => undefined });
}

const codes = (answers: readonly Answer[]) => new Map(answers.map(([id, fault]) => [id, fault && (fault.code ?? fault.message)]));

test('a call that refuses leaves the others of its batch alone', () => {
  const answers = worker().run([[1, 'note', ['a']], [2, 'refuse', []], [3, 'note', ['b']]]);
  expect(codes(answers)).toEqual(new Map([[1, null], [2, 'conflict'], [3, null]]));
  expect(notes()).toEqual(['a', 'b']);
});

test('a call that breaks midway is undone, and the others of its batch are done once', () => {
  const answers = worker().run([[1, 'note', ['a']], [2, 'breakMidway', []], [3, 'note', ['b']], [4, 'breakMidway', []]]);
  const broken = `${database.file}: broken`;
  expect(codes(answers)).toEqual(new Map([[1, null], [2, broken], [3, null], [4, broken]]));
  expect(notes()).toEqual(['a', 'b']);
});

test('when there is no room nothing of the batch is stored, and once there is room writes go on', () => {
  database.connection.exec('PRAGMA max_page_count = 8');
  const busy = worker();
  const big = 'x'.repeat(100_000);
  expect(codes(busy.run([[1, 'note', ['a']], [2, 'note', [big]], [3, 'note', ['b']]]))).toEqual(new Map([[1, 'storage-full'], [2, 'storage-full'], [3, 'storage-full']]));
  expect(notes()).toEqual([]);
  expect(codes(busy.run([[4, 'note', ['c']]]))).toEqual(new Map([[4, null]]));
  database.connection.exec('PRAGMA max_page_count = 1000');
  expect(codes(busy.run([[5, 'note', [big]]]))).toEqual(new Map([[5, null]]));
  expect(notes()).toEqual(['c', 'xxxxxxxxx']);
});

test('a write waits for another connection, and says `unavailable` where that one does not end', () => {
  using other = openDatabase(database.file, 'full');
  database.connection.exec('PRAGMA busy_timeout = 20');
  const answers = other.write(() => worker().run([[1, 'note', ['a']]]));
  expect(codes(answers)).toEqual(new Map([[1, 'unavailable']]));
  expect(notes()).toEqual([]);
});
