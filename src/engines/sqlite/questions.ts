/** How views are asked. In a file of its own because {@link projectionPort} loads it late. */
import { Kysely } from 'kysely';
import type { ProjectionStore } from '../../store/store.ts';
import { sqliteDialect, type RunSql } from '../../store/sqlite-dialect.ts';

export function questionsBy(run: RunSql): ProjectionStore['sql'] {
  return new Kysely({ dialect: sqliteDialect(run) });
}
