/**
 * What takes several decisions, or a decision and a look at the views: steps that follow each other, each of which
 * leaves the books right if the next never comes.
 */
export { checkBooks, type BooksCheck } from './check-books.ts';
export { closeLocation, type ClosingServices } from './close-location.ts';
export { newestFacts, type ItemFact } from './item-facts.ts';
export { openTransfers } from './open-transfers.ts';
export { askThePast } from './past.ts';
export { BundleThresholds } from './bundle-thresholds/bundle-thresholds.ts';
export { startConsumers, type Consumers } from './consumers.ts';
export { SharedPrices, type SharedPricesOptions } from './shared-prices/shared-prices.ts';
export type { EncodedPrice } from './pricing/price-cache.ts';
export { Pricing } from './pricing/pricing.ts';
export { simulateCases, type SimulatedCase, type SimulatedItem } from './pricing/simulated-cases.ts';
export { rooms, roomsWith, type Command } from './rooms.ts';
export { importLines, rehearseLines, type ImportPart } from './import-lines.ts';
export { ImportTurns } from './import-turns.ts';
export { auditLogs, compareCounts, comparedTables, settle, type AskedLog, type LogAudit, type Tell, type Violation } from './audit/audit.ts';
