/**
 * Backups of an embedded store: a directory with copies of its files, each from one instant, and a manifest with their
 * checksums. It is written under another name and gets its own when everything in it is on the disk, so that whatever
 * has the name is whole.
 *
 *   data/log.db ─┐                       ┌─ log.db ──┐
 *   data/views.db├──► backup ──► to/ ────┤  views.db ├──► restore ──► data/ of another machine
 *   data/archive ┘                       └─ manifest ┘
 */
export { backUp, type BackupOptions } from './take.ts';
export { restore, type RestoreOptions } from './restore.ts';
export type { Manifest } from './manifest.ts';
