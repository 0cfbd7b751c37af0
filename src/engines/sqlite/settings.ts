import type { Database } from './database.ts';

/** Values come and go as canonical JSON text, so that equal values are equal texts; null stands for no value. */
export function settingWrites({ connection }: Database) {
  const select = connection.prepare('SELECT value FROM settings WHERE name = ?');
  const save = connection.prepare('INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value');
  const remove = connection.prepare('DELETE FROM settings WHERE name = ?');
  return {
    swap(name: string, expected: string | null, value: string | null): boolean {
      if ((select.get(name)?.['value'] ?? null) !== expected) return false;
      if (value === null) remove.run(name);
      else save.run(name, value);
      return true;
    },
  };
}

export function settingReads({ connection }: Database) {
  const select = connection.prepare('SELECT value FROM settings WHERE name = ?');
  const list = connection.prepare('SELECT name, value FROM settings WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name');
  return {
    getSetting(name: string): string | null {
      const row = select.get(name);
      return row === undefined ? null : String(row['value']);
    },
    listSettings: (prefix: string): [string, string][] => list.all(prefix).map((row) => [String(row['name']), String(row['value'])]),
  };
}
