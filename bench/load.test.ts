import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { load, type LoadResult } from './load.ts';

const SECONDS = 0.2;
const servers: Server[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Load on a server that answers its n-th request, counted from 0, as told. */
async function given(answer: (socket: Socket, n: number) => void, spec: { connections?: number; perSecondMax?: number; counting?: string } = {}): Promise<{ result: LoadResult; answered: number }> {
  let answered = 0;
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // the load leaves without a word
    socket.on('data', () => answer(socket, answered++));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one
  const result = await load({ port, path: '/', bodies: ['{}'], key: 'key', connections: 3, seconds: SECONDS, ...spec });
  return { result, answered };
}

const answerOf = (status: number, body: string): string => `HTTP/1.1 ${status} Whatever\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

test('counts every answer by its status, the last ones too', async () => {
  const { result, answered } = await given((socket, n) => socket.write(answerOf(n % 2 === 0 ? 201 : 409, 'body')));
  expect(result.byStatus).toEqual({ 201: Math.ceil(answered / 2), 409: Math.floor(answered / 2) });
});

test('reads answers that come in pieces, however they are cut', async () => {
  const text = answerOf(201, '{"status":201}{"status":201}');
  const { result, answered } = await given(
    (socket, n) => {
      const cut = 1 + (n % (text.length - 1));
      socket.write(text.slice(0, cut));
      setImmediate(() => socket.write(text.slice(cut)));
    },
    { counting: '"status":201' },
  );
  expect(result).toMatchObject({ byStatus: { 201: answered }, counted: 2 * answered });
});

test('reads an answer that has no body', async () => {
  const { result, answered } = await given((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
  expect(result.byStatus).toEqual({ 204: answered });
});

test('asks no more often than told', async () => {
  const { result } = await given((socket) => socket.write(answerOf(200, '')), { perSecondMax: 100 });
  expect(result.byStatus[200]).toBeGreaterThan(0);
  expect(result.byStatus[200]).toBeLessThanOrEqual(100 * SECONDS);
});

test('fails where the server hangs up', async () => {
  await expect(given((socket) => socket.destroy())).rejects.toThrow('before it answered');
});

test('reads paths in turn, without a body', async () => {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      asked.push(chunk.toString('latin1'));
      socket.write(answerOf(200, 'price'));
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one
  const result = await load({ port, path: '', bodies: [], gets: ['/a', '/b'], key: 'key', connections: 1, seconds: SECONDS });
  expect(result.byStatus).toEqual({ 200: asked.length });
  expect(asked.slice(0, 3).map((text) => text.split(' ', 2).join(' '))).toEqual(['GET /a', 'GET /b', 'GET /a']);
  expect(asked[0]).not.toMatch(/content-length/i);
});
