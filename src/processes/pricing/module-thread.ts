import { parentPort, workerData } from 'node:worker_threads';
import { must } from '../../base/assert.ts';
import type { Asked } from './outside.ts';

/** What goes to a module's thread, and what comes back. */
export interface ToModule {
  readonly id: number;
  readonly asked: Asked;
}
export type FromModule = { readonly id: number } & ({ readonly answer: unknown } | { readonly failed: string });

const port = must(parentPort, 'this file runs as a thread');
const { url } = workerData as { url: string }; // given by `Modules`
const say = (message: FromModule): void => port.postMessage(message);

// Whatever is wrong with the file is said to everybody who asks.
const loaded = import(url).then(
  (module: { default?: unknown }) => (typeof module.default === 'function' ? (module.default as (asked: Asked) => unknown) : 'its default export is not a function'),
  (error: unknown) => (error instanceof Error ? error.message : String(error)),
);

port.on('message', ({ id, asked }: ToModule) => void answer(id, asked));

async function answer(id: number, asked: Asked): Promise<void> {
  const price = await loaded;
  if (typeof price === 'string') return say({ id, failed: price });
  try {
    say({ id, answer: await price(asked) });
  } catch (error) {
    say({ id, failed: error instanceof Error ? error.message : String(error) });
  }
}
