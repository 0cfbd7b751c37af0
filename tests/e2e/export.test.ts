import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runHoldfast } from './running-server.ts';

test('a store that is exported and imported elsewhere is exported there as the same', { timeout: 240_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-export-'));
  try {
    const file = (name: string): string => join(directory, name);
    await writeFile(file('places.ndjson'), '{"location":"north","name":"North, upstairs","rank":2,"lat":59.3,"lon":18.1}\n{"location":"old","name":"Old","rank":9,"active":false}\n');
    await writeFile(
      file('all.csv'),
      'sku,name,price,currency,backorderLimit,attribute.size,attribute.colour,location,bucket,count\nlamp,"Lamp ""A"", tall",19.99,EUR,none,42,red,north,sellable,5\nlamp,,,,,,,main,damaged,2\nvase,"""""",,,3,"""42""",,main,sellable,0\n',
    );
    for (const name of ['places.ndjson', 'all.csv']) expect((await runHoldfast(['import', file(name), '--data', file('one')])).code).toBe(0);
    const [exported, again]: [string[], string[]] = [[], []];
    for (const [what, format] of [['locations', 'csv'], ['items', 'csv'], ['levels', 'ndjson']] as const) {
      const { code, err } = await runHoldfast(['export', what, '--format', format, '--data', file('one'), '--out', file(`${what}.${format}`)]);
      expect([code, err]).toEqual([0, '']);
      expect((await runHoldfast(['import', file(`${what}.${format}`), '--data', file('two')])).code).toBe(0);
      exported.push(await readFile(file(`${what}.${format}`), 'utf8'));
      again.push((await runHoldfast(['export', what, '--format', format, '--data', file('two')])).out);
    }
    expect(again).toEqual(exported);
    const facts = await runHoldfast(['export', 'facts', '--data', file('one')]);
    expect(facts.out.trim().split('\n').map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(expect.arrayContaining(['inventory.stock.adjusted']));
    const [, cursor = ''] = /--after (\S+)/.exec(facts.err) ?? [];
    expect((await runHoldfast(['export', 'facts', '--after', cursor, '--data', file('one')])).out).toBe('');
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
});
