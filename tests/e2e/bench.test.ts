import { expect, test } from 'vitest';
import { runHoldfast } from './running-server.ts';

test('the bench command measures a scratch service and its books agree with what was acknowledged', async () => {
  for (const shape of [['--connections', '8'], ['--connections', '2', '--batch', '50', '--items', '3']]) {
    const { code, out } = await runHoldfast(['bench', '--seconds', '1', ...shape]);
    expect(out).toMatch(/^[\d,]+ durable holds\/s/m);
    const [, acknowledged, reserved] = /books: (\d+) units acknowledged, (\d+) reserved$/m.exec(out) ?? [];
    expect(Number(acknowledged)).toBeGreaterThan(0);
    expect(reserved).toBe(acknowledged);
    expect(code).toBe(0);
  }
});

test('a service that is named needs a key, and flags that make no sense are refused', async () => {
  expect(await runHoldfast(['bench', '--url', 'http://127.0.0.1:1'], { HOLDFAST_KEY: '' })).toMatchObject({ code: 2, err: expect.stringContaining('--key') });
  expect(await runHoldfast(['bench', '--seconds', 'soon'])).toMatchObject({ code: 1, err: expect.stringContaining('--seconds') });
});
