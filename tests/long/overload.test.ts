import { Agent, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { openMemory } from '../../src/engines/memory/memory.ts';
import { ADMIN, openHoldfast } from '../../src/http/testing.ts';

/**
 * What the store takes for an append, and how many commands may wait: some 300 holds a second, which with those who are
 * refused and those who ask is little work for any machine, also beside other tests. The store is the limit here, not the processor.
 */
const APPEND_MS = 200;
const WAITING = 64;
const SECONDS = 6;

interface Answered {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly code: string | undefined;
}

/** Asks for a hold, whatever becomes of others. */
function hold(port: number, agent: Agent): Promise<Answered> {
  const body = JSON.stringify({ lines: [{ sku: 'HOT', quantity: 1 }] });
  return new Promise((resolve, reject) => {
    const asking = request({ port, agent, method: 'POST', path: '/v1/reservations', headers: { authorization: `Bearer ${ADMIN}`, 'content-type': 'application/json', 'content-length': body.length } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => (text += part));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'], code: (JSON.parse(text) as { code?: string }).code })); // looked at below
    });
    asking.on('error', reject);
    asking.end(body);
  });
}

test('at three times its capacity a store does what it can, and everybody else is refused at once', { timeout: 120_000 }, async () => {
  const memory = openMemory({ partitions: 4 });
  const append: typeof memory.log.append = async (...asked) => {
    await new Promise((resolve) => setTimeout(resolve, APPEND_MS));
    return memory.log.append(...asked);
  };
  await using shop = await openHoldfast({ store: Object.assign(Object.create(memory), { log: { ...memory.log, append } }) as typeof memory, waitingMax: WAITING });
  await shop.stock('HOT', 1_000_000_000);
  await shop.server.listen({ port: 0, host: '127.0.0.1' });
  const { port } = shop.server.server.address() as AddressInfo; // it listens on a port
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  // As many callers as may wait, each asking again when it was answered: that is its capacity.
  let made = 0;
  const until = performance.now() + SECONDS * 1000;
  const caller = async (): Promise<void> => {
    while (performance.now() < until) if ((await hold(port, agent)).status === 201) made++;
  };
  await Promise.all(Array.from({ length: WAITING }, caller));
  const peak = made / SECONDS;

  // Three times as many arrive, at their own pace: nobody waits for anybody's answer.
  const arrivals: Promise<Answered>[] = [];
  const began = performance.now();
  while (performance.now() < began + SECONDS * 1000) {
    const due = ((performance.now() - began) / 1000) * peak * 3;
    while (arrivals.length < due) arrivals.push(hold(port, agent));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const answers = await Promise.all(arrivals);
  const good = answers.filter(({ status }) => status === 201).length / ((performance.now() - began) / 1000);
  agent.destroy();

  const refused = answers.filter(({ status }) => status !== 201);
  console.log(`overload: ${Math.round(peak)} holds a second at the most; of ${Math.round(answers.length / SECONDS)} a second ${Math.round(good)} were made (${(good / peak).toFixed(2)}), ${Math.round(refused.length / SECONDS)} refused`);
  expect(new Set(refused.map(({ status, code, retryAfter }) => `${status} ${code} ${retryAfter}`))).toEqual(new Set(['503 overloaded 1']));
  expect(refused.length).toBeGreaterThan(answers.length / 3);
  expect(good / peak).toBeGreaterThanOrEqual(0.8);
});
