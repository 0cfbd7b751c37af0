import type { PostgresPool, PostgresPoolClient } from 'kysely';
import type { PoolClient } from 'pg';
import { Fault } from '../../base/errors.ts';
import type { Database } from './connect.ts';
import { breaksConnection, translate } from './errors.ts';

const WHAT = 'answering a question from the views';

/**
 * The readers' pool as Kysely wants it, with the errors translated: a question is asked far from here, by somebody
 * who knows faults and not PostgreSQL.
 */
export function questionPool(db: Database): PostgresPool {
  let closed = false;
  return {
    async connect() {
      if (closed) throw new Fault('closed', `${WHAT}: the store was closed`, { retry: 'never' });
      try {
        return translating(await db.readers.connect());
      } catch (error) {
        throw translate(error, WHAT);
      }
    },
    // The store closes its pools itself: Kysely is never destroyed on its own.
    async end() {
      closed = true;
    },
  } as PostgresPool; // `options` is read only for cancelling a question, which is never asked for
}

const lent = new WeakMap<object, PostgresPoolClient>();

/** The same wrapper for the same connection: Kysely remembers what it knows of each. */
function translating(client: PoolClient): PostgresPoolClient {
  const known = lent.get(client);
  if (known) return known;
  let broken = false;
  const wrapper = {
    async query(sql: string, parameters: readonly unknown[]) {
      try {
        return await client.query(sql, [...parameters]);
      } catch (error) {
        broken ||= breaksConnection(error);
        throw translate(error, WHAT);
      }
    },
    release: () => client.release(broken),
  } as unknown as PostgresPoolClient; // cursors, the other form of `query`, are not configured
  lent.set(client, wrapper);
  return wrapper;
}
