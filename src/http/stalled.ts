import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { SOCKET_IDLE_MS, TIMEOUT_CHECK_INTERVAL_MS } from './limits.ts';

/** How a connection stood when its answers last moved. */
interface Standing {
  sent: number;
  received: number;
  sinceMs: number;
}

/**
 * Cuts off who does not take what was asked for and goes on sending: to the connection's own timer those bytes are life,
 * and so the answers would be kept for as long as somebody drips them.
 */
export function cutOffStalled(server: Server): void {
  const connections = new Map<Socket, Standing>();
  server.on('connection', (socket: Socket) => {
    connections.set(socket, standing(socket));
    socket.once('close', () => connections.delete(socket));
  });
  const looking = setInterval(() => {
    for (const [socket, last] of connections) {
      const now = standing(socket);
      if (socket.writableLength === 0 || now.sent !== last.sent) connections.set(socket, now);
      else if (now.received !== last.received && now.sinceMs - last.sinceMs >= 2 * SOCKET_IDLE_MS - TIMEOUT_CHECK_INTERVAL_MS) socket.destroy();
    }
  }, TIMEOUT_CHECK_INTERVAL_MS).unref();
  server.on('close', () => clearInterval(looking));
}

function standing(socket: Socket): Standing {
  return { sent: socket.bytesWritten - socket.writableLength, received: socket.bytesRead, sinceMs: performance.now() };
}
