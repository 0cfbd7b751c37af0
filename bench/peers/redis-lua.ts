/**
 * Stock in Redis: a script checks, decrements and writes the hold as one step, and the append-only file is fsynced
 * before the answer. The server is one of our own on a free port; the client sends what is asked in one turn of the
 * loop as one packet.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient, defineScript } from 'redis';
import { runCallers, type CallersResult, type CallersSpec } from '../callers.ts';
import { answer, ask } from '../child.ts';

export const redisLua = (spec: CallersSpec): Promise<CallersResult> => ask(new URL(import.meta.url), spec);

export const hasRedis = (): boolean => spawnSync('redis-server', ['--version']).status === 0;

const STOCK = 1_000_000_000;

const hold = defineScript({
  NUMBER_OF_KEYS: 2,
  SCRIPT: `
    if tonumber(redis.call('GET', KEYS[1])) < tonumber(ARGV[1]) then return 0 end
    redis.call('DECRBY', KEYS[1], ARGV[1])
    redis.call('SET', KEYS[2], KEYS[1] .. ' ' .. ARGV[1], 'EX', 900)
    return 1`,
  parseCommand: (parser, stock: string, id: string, quantity: number) => {
    parser.pushKeys([stock, id]);
    parser.push(String(quantity));
  },
  transformReply: (reply: unknown) => reply === 1,
});

async function startServer(directory: string): Promise<{ port: number; stop: () => Promise<void> }> {
  const port = await freePort();
  const options = { port, bind: '127.0.0.1', dir: directory, appendonly: 'yes', appendfsync: 'always', save: '', 'auto-aof-rewrite-percentage': 0 };
  const server = spawn('redis-server', Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]), { stdio: 'ignore' });
  const ended = once(server, 'exit');
  const stop = async (): Promise<void> => {
    server.kill();
    await ended;
  };
  return { port, stop };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // a TCP server has one
  server.close();
  return port;
}

async function run(spec: CallersSpec): Promise<CallersResult> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-redis-'));
  const server = await startServer(directory);
  try {
    const client = createClient({ socket: { host: '127.0.0.1', port: server.port, reconnectStrategy: 50 }, scripts: { hold } });
    client.on('error', () => undefined); // it tries again until the server listens
    await client.connect();
    await client.set('stock:HOT', STOCK);
    const result = await runCallers(spec, async () => {
      if (!(await client.hold('stock:HOT', `hold:${randomUUID()}`, 1))) throw new Error('the peer ran out of stock');
    });
    const [left, keys] = [Number(await client.get('stock:HOT')), await client.dbSize()];
    if (STOCK - left !== result.acknowledged || keys - 1 !== result.acknowledged) {
      throw new Error(`the peer's books: ${result.acknowledged} acknowledged, ${keys - 1} holds, ${STOCK - left} gone`);
    }
    client.destroy();
    return result;
  } finally {
    await server.stop();
    rmSync(directory, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer(run);
