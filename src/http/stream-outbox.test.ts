import { describe, expect, test } from 'vitest';
import { handClock } from '../base/clock.ts';
import { STREAM_WRITES_PER_TURN } from './limits.ts';
import { StreamOutbox, type Runs, type Writer } from './stream-outbox.ts';

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const entry = (n: number): { json: string; type: string; subject: string; cursor: string } => ({ json: `{"n":${n}}`, type: 't', subject: 's', cursor: `c${n}` });
const words = (n: number): string => `id: c${n}\ndata: {"n":${n}}\n\n`;

/** A stream that keeps what it was to write. */
class Listener implements Writer {
  runs: Runs = [];
  readonly written: string[] = [];
  readonly chunks: Buffer[] = [];
  readonly #outbox: StreamOutbox;

  constructor(outbox: StreamOutbox) {
    this.#outbox = outbox;
  }

  hear(number: number): void {
    if (this.runs.length === 0) this.#outbox.post(this);
    if (this.runs.at(-1) === number) this.runs[this.runs.length - 1] = number + 1;
    else this.runs.push(number, number + 1);
  }

  flush(): void {
    if (this.runs.length === 0) return;
    const { bytes, chunk } = this.#outbox.chunkOf(this.runs);
    this.runs = [];
    this.written.push(bytes.toString());
    this.chunks.push(chunk);
  }
}

describe('what streams say', () => {
  test('is one chunk for all that came at once, with its length before it, shared by those who hear the same', async () => {
    const outbox = new StreamOutbox(handClock());
    const [all, same, some] = [new Listener(outbox), new Listener(outbox), new Listener(outbox)];
    for (let n = 0; n < 3; n++) {
      const fact = entry(n);
      all.hear(outbox.addEntry(fact));
      same.hear(outbox.addEntry(fact));
      if (n !== 1) some.hear(outbox.addEntry(fact));
    }
    await turn();
    expect([all.written, some.written]).toEqual([[words(0) + words(1) + words(2)], [words(0) + words(2)]]);
    expect(same.chunks[0]).toBe(all.chunks[0]);
    expect(all.chunks[0]?.toString()).toBe(`${all.written[0]?.length.toString(16)}\r\n${all.written[0]}\r\n`);
  });

  test('is kept for whoever has yet to write it, also where others have gone on and some are written to before their turn', async () => {
    const outbox = new StreamOutbox(handClock());
    const listeners = Array.from({ length: STREAM_WRITES_PER_TURN * 3 }, () => new Listener(outbox));
    const expected = listeners.map(() => '');
    for (let n = 0; n < 20; n++) {
      const fact = entry(n);
      for (const [i, listener] of listeners.entries()) {
        if (i % 7 === n % 7) continue;
        listener.hear(outbox.addEntry(fact));
        expected[i] += words(n);
      }
      listeners[(n * 31) % listeners.length]?.flush();
      if (n % 3 === 0) await turn();
    }
    for (let n = 0; n < 5; n++) await turn();
    expect(listeners.map(({ written }) => written.join(''))).toEqual(expected);
  });
});
