import type { Lease } from '../../store/store.ts';
import type { Database } from './database.ts';

export function leaseWrites({ connection }: Database) {
  const select = connection.prepare('SELECT holder, epoch, until_ms FROM leases WHERE name = ?');
  const save = connection.prepare(`
    INSERT INTO leases VALUES (?, ?, ?, ?)
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = excluded.epoch, until_ms = excluded.until_ms`);
  const free = connection.prepare('UPDATE leases SET holder = NULL, until_ms = 0 WHERE name = ? AND holder = ? AND epoch = ?');
  return {
    acquire(name: string, holder: string, { ttlMs, nowMs }: { ttlMs: number; nowMs: number }): Lease | undefined {
      const row = select.get(name);
      const ours = row?.['holder'] === holder;
      const taken = row !== undefined && row['holder'] !== null && Number(row['until_ms']) > nowMs;
      if (taken && !ours) return undefined;
      const epoch = Number(row?.['epoch'] ?? 0) + (ours ? 0 : 1);
      save.run(name, holder, epoch, nowMs + ttlMs);
      return { name, holder, epoch, untilMs: nowMs + ttlMs };
    },
    release(name: string, holder: string, epoch: number): void {
      free.run(name, holder, epoch);
    },
  };
}

export function leaseReads({ connection }: Database) {
  const select = connection.prepare('SELECT holder, epoch, until_ms FROM leases WHERE name = ? AND holder IS NOT NULL');
  return {
    findLease(name: string): Lease | undefined {
      const row = select.get(name);
      return row && { name, holder: String(row['holder']), epoch: Number(row['epoch']), untilMs: Number(row['until_ms']) };
    },
  };
}
