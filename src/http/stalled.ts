import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { TIMEOUT_CHECK_INTERVAL_MS, UNREAD_MS } from './limits.ts';

/** How a connection stood when its answers last moved. */
interface Standing {
  sent: number;
  sinceMs: number;
}

/**
 * Cuts off who does not take what was asked for. The connection's own timer gives them twice its time, because some bytes
 * still leave at first; and where they go on sending, those bytes are life to it for as long as somebody drips them.
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
      else if (now.sinceMs - last.sinceMs >= UNREAD_MS) socket.destroy();
    }
  }, TIMEOUT_CHECK_INTERVAL_MS).unref();
  server.on('close', () => clearInterval(looking));
}

function standing(socket: Socket): Standing {
  return { sent: socket.bytesWritten - socket.writableLength, sinceMs: performance.now() };
}
