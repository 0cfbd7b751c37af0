import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startServer, type RunningServer } from './running-server.ts';

async function archived(server: RunningServer): Promise<number> {
  const metrics = await (await fetch(`${server.url}/metrics`)).text();
  return Number(/^holdfast_archive_commits (\d+)$/m.exec(metrics)?.[1] ?? 0);
}

test('receive 5, sell 2: 5 then and 3 after, also once the log was archived and the server started again', { timeout: 240_000 }, async () => {
  const data = await mkdtemp(join(tmpdir(), 'holdfast-archive-'));
  const options = { args: ['--data', data, '--archive-after', '0s'] };
  let received = '';
  let sold = '';
  const look = async ({ client }: RunningServer): Promise<unknown[]> => [
    (await client.items.availability('tea', { at: received })).available,
    (await client.items.availability('tea', { at: sold })).available,
    (await client.items.check('tea')).ok,
    (await client.items.history('tea')).items.map(({ type }) => type),
  ];
  const expected = [5, 3, true, ['inventory.stock.adjusted', 'inventory.stock.adjusted']];
  try {
    {
      await using server = await startServer(options);
      const { items } = server.client;
      await items.put('tea', { name: 'Tea' });
      await items.adjust('tea', { change: 5, reason: 'received' }, { waitSeconds: 10 });
      received = (await items.availability('tea')).asOf;
      await new Promise((resolve) => setTimeout(resolve, 20));
      await items.adjust('tea', { change: -2, reason: 'sold' }, { waitSeconds: 10 });
      sold = (await items.availability('tea')).asOf;
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(await look(server)).toEqual(expected);
      for (let tries = 0; tries < 300 && (await archived(server)) < 3; tries++) await new Promise((resolve) => setTimeout(resolve, 100));
      expect(await archived(server)).toBeGreaterThanOrEqual(3);
      expect(await look(server)).toEqual(expected);
    }
    expect((await readdir(join(data, 'archive'))).length).toBeGreaterThan(1);
    await using again = await startServer(options);
    expect(await look(again)).toEqual(expected);
    const seen: string[] = [];
    for await (const { fact } of again.client.events({ after: 'earliest', key: 'tea' })) {
      seen.push(fact.type);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual(['inventory.stock.adjusted', 'inventory.stock.adjusted']);
    await again.client.items.adjust('tea', { change: 1, reason: 'found' }, { waitSeconds: 10 });
    expect((await again.client.items.availability('tea')).available).toBe(4);
  } finally {
    await rm(data, { recursive: true, force: true });
  }
});
