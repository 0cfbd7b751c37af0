import type { Lease } from '../../store/store.ts';
import { checksum, verify } from './checksums.ts';
import type { Database } from './database.ts';

export function leaseWrites({ connection, file }: Database) {
  const select = connection.prepare('SELECT name, holder, epoch, until_ms, crc FROM leases WHERE name = ?');
  const save = connection.prepare(`
    INSERT INTO leases VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = excluded.epoch, until_ms = excluded.until_ms, crc = excluded.crc`);
  const find = (name: string): LeaseRow | undefined => {
    const row = select.get(name);
    return row && whole(file, row);
  };
  const store = (name: string, holder: string | null, epoch: number, untilMs: number): void => {
    save.run(name, holder, epoch, untilMs, checksum('lease', name, holder, epoch, untilMs));
  };
  return {
    acquire(name: string, holder: string, { ttlMs, nowMs }: { ttlMs: number; nowMs: number }): Lease | undefined {
      const found = find(name);
      const ours = found?.holder === holder;
      const taken = found !== undefined && found.holder !== null && found.untilMs > nowMs;
      if (taken && !ours) return undefined;
      const epoch = (found?.epoch ?? 0) + (ours ? 0 : 1);
      store(name, holder, epoch, nowMs + ttlMs);
      return { name, holder, epoch, untilMs: nowMs + ttlMs };
    },
    release(name: string, holder: string, epoch: number): void {
      const found = find(name);
      if (found?.holder === holder && found.epoch === epoch) store(name, null, epoch, 0);
    },
  };
}

export function leaseReads({ connection, file }: Database) {
  const select = connection.prepare('SELECT name, holder, epoch, until_ms, crc FROM leases WHERE name = ?');
  return {
    findLease(name: string): Lease | undefined {
      const row = select.get(name);
      const found = row && whole(file, row);
      return found && found.holder !== null ? { ...found, holder: found.holder } : undefined;
    },
  };
}

/** A lease as it is stored: a free one has no holder. */
type LeaseRow = Omit<Lease, 'holder'> & { readonly holder: string | null };

function whole(file: string, row: Readonly<Record<string, unknown>>): LeaseRow {
  const lease = { name: String(row['name']), holder: row['holder'] as string | null, epoch: Number(row['epoch']), untilMs: Number(row['until_ms']) }; // the column is TEXT
  verify(file, `the lease ${lease.name}`, row['crc'], 'lease', lease.name, lease.holder, lease.epoch, lease.untilMs);
  return lease;
}
