import { canonicalJson, type Json } from '../../base/json.ts';
import type { Settings } from '../../store/store.ts';
import type { Database, Parameter } from './connect.ts';

/** Values are canonical JSON text: equal values are equal text. */
export function settings(db: Database): Settings {
  async function load(name: string): Promise<string | undefined> {
    const { rows } = await db.run<{ value: string }>({ what: `reading setting ${name}`, kind: 'read' }, 'select value from settings where name = $1', [name]);
    return rows[0]?.value;
  }
  return {
    async get(name) {
      const text = await load(name);
      return text === undefined ? undefined : decode(text);
    },
    async swap(name, expected, value) {
      if (expected === undefined && value === undefined) return (await load(name)) === undefined;
      const [sql, parameters] = swapSql(name, expected, value);
      const { changed } = await db.run({ what: `storing setting ${name}`, kind: 'write' }, sql, parameters);
      return changed === 1;
    },
    async list(prefix) {
      const { rows } = await db.run<{ name: string; value: string }>(
        { what: `listing settings ${prefix}*`, kind: 'read' },
        'select name, value from settings where name >= $1 and starts_with(name, $1) order by name',
        [prefix],
      );
      return rows.map(({ name, value }) => ({ name, value: decode(value) }));
    },
  };
}

function swapSql(name: string, expected: Json | undefined, value: Json | undefined): [string, Parameter[]] {
  if (expected === undefined) return ['insert into settings (name, value) values ($1, $2) on conflict do nothing', [name, canonicalJson(value)]];
  if (value === undefined) return ['delete from settings where name = $1 and value = $2', [name, canonicalJson(expected)]];
  return ['update settings set value = $3 where name = $1 and value = $2', [name, canonicalJson(expected), canonicalJson(value)]];
}

function decode(text: string): Json {
  return JSON.parse(text) as Json; // the text was made by canonicalJson
}
