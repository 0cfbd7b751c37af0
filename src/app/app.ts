/**
 * The composition root: the only floor that names engines. `openHoldfast` is the whole of Holdfast without HTTP, for a
 * program that wants stock in its own process; `serve` puts HTTP in front of it.
 */
export { backUp, restore, type BackupOptions, type Manifest, type RestoreOptions } from './backup/backup.ts';
export type { Config } from './config.ts';
export { openHoldfast, type Holdfast, type HoldfastOptions } from './holdfast.ts';
export type { StorePlace } from './open-store.ts';
export { migrate, type MigrateOptions, type MigrationReport } from './migrate/migrate.ts';
export { rebuildPlace, type RebuildReport } from './rebuild.ts';
export { examine, type Finding } from './doctor.ts';
export { verify, type VerifyOptions, type VerifyReport } from './verify.ts';
export { openSettled, storedFacts, storedItems, storedLocations } from './settled.ts';
export { ConfigError, placeOf, readConfig, serve, type Server } from './serve.ts';
/** What to ask the engine's states in `holdfast.engine.read`. */
export { availabilityView, findItem, findOrder, findReservation, itemKey, locationsBeside, orderView, reservationView } from '../rooms/inventory/inventory.ts';
