import { randomInt } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { sqlitePlace } from '../proof/places.ts';
import { pricesSurvive } from '../proof/price-crashes.ts';

describe('prices after kill -9', { timeout: 240_000 }, () => {
  const seed = randomInt(2 ** 31);

  test(`are caught up after a restart, none lost and none applied twice, and the same log gives the same prices again (seed ${seed})`, async () => {
    await using place = await sqlitePlace();
    expect(await pricesSurvive(place, seed)).toEqual({ items: 12 });
  });
});
