/**
 * What Server-Sent Events cost at least: bare node:http that writes what it is given to everybody who listens. It checks
 * no key, keeps nothing, and reads no question: the ceiling for any feed.
 *
 *     node bench/peers/sse-fan-out.ts '<a frame, with @time@ where the instant goes>'
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const template = process.argv[2] ?? '';
const listeners = new Set<ServerResponse>();

/** `facts` frames of the same instant, in one write. */
function fanOut(facts: number): void {
  const frames = Buffer.from(template.replaceAll('@time@', new Date().toISOString()).repeat(facts));
  for (const listener of listeners) listener.write(frames);
}

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1');
  if (pathname === '/stream') {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.write('retry: 1000\n\n');
    listeners.add(response);
    response.once('close', () => listeners.delete(response));
    return;
  }
  if (pathname === '/facts') fanOut(Number(searchParams.get('count')));
  const { user, system } = process.cpuUsage();
  response.end(JSON.stringify({ listeners: listeners.size, cpuSeconds: (user + system) / 1e6 }));
}).listen(0, '127.0.0.1', () => console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`)); // a TCP server has one
