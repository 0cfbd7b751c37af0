import type { Lease, Leases } from '../../store/store.ts';
import type { Database } from './connect.ts';

const COLUMNS = 'name, holder, epoch, until_ms as "untilMs"';

export function leases(db: Database): Leases {
  return {
    async acquire(name, holder, { ttlMs, nowMs }) {
      // The row that somebody else holds is locked by the conflict and left alone by the condition: nothing comes back.
      const { rows } = await db.run<Lease>(
        { what: `taking lease ${name} for ${holder}`, kind: 'write' },
        `insert into leases as l (name, holder, epoch, until_ms) values ($1, $2, 1, $3)
         on conflict (name) do update set holder = excluded.holder, until_ms = excluded.until_ms,
           epoch = l.epoch + case when l.holder = excluded.holder then 0 else 1 end
         where l.holder is null or l.holder = excluded.holder or l.until_ms <= $4
         returning ${COLUMNS}`,
        [name, holder, nowMs + ttlMs, nowMs],
      );
      return rows[0];
    },
    async release({ name, holder, epoch }) {
      await db.run(
        { what: `giving back lease ${name} of ${holder}`, kind: 'write' },
        'update leases set holder = null, until_ms = 0 where name = $1 and holder = $2 and epoch = $3',
        [name, holder, epoch],
      );
    },
    async find(name) {
      const { rows } = await db.run<Lease>({ what: `looking up lease ${name}`, kind: 'read' }, `select ${COLUMNS} from leases where name = $1 and holder is not null`, [name]);
      return rows[0];
    },
  };
}
