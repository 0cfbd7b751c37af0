import { checksum, verify } from './checksums.ts';
import type { Database } from './database.ts';

/** Values come and go as canonical JSON text, so that equal values are equal texts; null stands for no value. */
export function settingWrites({ connection }: Database) {
  const select = connection.prepare('SELECT value FROM settings WHERE name = ?');
  const save = connection.prepare('INSERT INTO settings VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value, crc = excluded.crc');
  const remove = connection.prepare('DELETE FROM settings WHERE name = ?');
  return {
    swap(name: string, expected: string | null, value: string | null): boolean {
      if ((select.get(name)?.['value'] ?? null) !== expected) return false;
      if (value === null) remove.run(name);
      else save.run(name, value, checksum(name, value));
      return true;
    },
  };
}

export function settingReads({ connection, file }: Database) {
  const select = connection.prepare('SELECT name, value, crc FROM settings WHERE name = ?');
  const list = connection.prepare('SELECT name, value, crc FROM settings WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name');
  const read = (row: Readonly<Record<string, unknown>>): [string, string] => {
    const [name, value] = [String(row['name']), String(row['value'])];
    verify(file, `the setting ${name}`, row['crc'], name, value);
    return [name, value];
  };
  return {
    getSetting(name: string): string | null {
      const row = select.get(name);
      return row === undefined ? null : read(row)[1];
    },
    listSettings: (prefix: string): [string, string][] => list.all(prefix).map(read),
  };
}
