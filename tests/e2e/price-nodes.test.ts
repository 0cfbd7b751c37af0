import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { databaseServer, postgresPlace } from '../proof/places.ts';
import { pricesOfTwoNodes } from '../proof/price-nodes.ts';

const seed = randomInt(2 ** 31);

test.skipIf(databaseServer === undefined)(`prices of two nodes on one database: each from the one before, none older over newer, also where the node that prices is killed (seed ${seed})`, { timeout: 240_000 }, async () => {
  await using place = await postgresPlace();
  expect(await pricesOfTwoNodes(place, seed)).toEqual({ killed: 2 });
});
