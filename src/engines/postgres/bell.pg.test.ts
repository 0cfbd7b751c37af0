import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { openBell, type Bell } from './bell.ts';
import { freshSchema, testDatabaseUrl } from './testing.ts';

const found = await testDatabaseUrl();
const url = found ?? '';
const NEVER = new Promise<string>(() => {});

function client(connectionString: string): pg.Client {
  return new pg.Client({ connectionString }).on('error', () => {});
}

/** Resolves at the next call of the bell's watcher. */
function told(bell: Bell): Promise<void> {
  return new Promise((resolve) => {
    const stop = bell.watch(() => {
      stop();
      resolve();
    });
  });
}

describe.skipIf(found === undefined)('the bell', () => {
  test('is heard by another process without a look at the log', async () => {
    const channel = freshSchema();
    const bell = (self: string): Bell => openBell({ channel, self, dedicated: () => client(url), loadMark: () => NEVER });
    const near = bell('near');
    const far = bell('far');
    await Promise.all([told(near), told(far)]); // each says so once when it has begun to listen
    for (let ring = 0; ring < 3; ring++) {
      const heard = told(far);
      near.ring();
      await expect(heard).resolves.toBeUndefined();
    }
    await Promise.all([near.close(), far.close()]);
  });

  test('a look at the log makes good what was not heard', async () => {
    let mark = 1;
    const bell = openBell({ channel: 'nobody', self: 'deaf', dedicated: () => client('postgres://127.0.0.1:1/nowhere'), loadMark: async () => String(mark) });
    await told(bell); // the first look has nothing to compare with
    const heard = told(bell);
    mark++;
    await expect(heard).resolves.toBeUndefined();
    await bell.close();
  });

  test('many rings in one turn are one call, and none comes after it was closed', async () => {
    const bell = openBell({ channel: freshSchema(), self: 'one', dedicated: () => client(url), loadMark: () => NEVER });
    await told(bell);
    let calls = 0;
    bell.watch(() => calls++);
    for (let ring = 0; ring < 100; ring++) bell.ring();
    await Promise.resolve();
    expect(calls).toBe(1);
    await bell.close();
    bell.ring();
    await Promise.resolve();
    expect(calls).toBe(1);
  });
});
