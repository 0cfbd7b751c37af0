import progress from 'cli-progress';

/** A bar for work in several parts: it begins anew with each part. Where the stream is no terminal nothing is drawn. */
export interface ProgressBar extends Disposable {
  readonly update: (what: string, done: number, total: number) => void;
}

export function progressBar(stream: NodeJS.WritableStream): ProgressBar {
  const bar = new progress.SingleBar({ format: '{what} {bar} {percentage} %  {eta_formatted} left', stream, hideCursor: true, clearOnComplete: true, fps: 10 }, progress.Presets.shades_classic);
  let part: string | undefined;
  const end = (): void => {
    if (part !== undefined) bar.stop();
    part = undefined;
  };
  return {
    update(what, done, total) {
      if (part !== what) {
        end();
        bar.start(Math.max(1, total), 0, { what });
        part = what;
      }
      bar.update(done);
    },
    [Symbol.dispose]: end,
  };
}
