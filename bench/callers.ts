import { Histogram, type Waits } from './histogram.ts';

export interface CallersResult {
  readonly perSecond: number;
  readonly seconds: number;
  readonly acknowledged: number;
  readonly waits: Waits;
}

export interface CallersSpec {
  readonly callers: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/**
 * So many callers, each asking again as soon as it was answered. All are waited for, so that what was acknowledged can
 * be compared with the books; the rate leaves the warm-up out, `acknowledged` does not.
 */
export async function runCallers({ callers, seconds, warmUpSeconds }: CallersSpec, call: (caller: number) => Promise<unknown>): Promise<CallersResult> {
  const histogram = new Histogram();
  const warm = performance.now() + warmUpSeconds * 1000;
  const end = warm + seconds * 1000;
  let [acknowledged, measured] = [0, 0];
  const loop = async (caller: number): Promise<void> => {
    for (let asked = performance.now(); asked < end; ) {
      await call(caller);
      const now = performance.now();
      acknowledged++;
      if (now >= warm && now < end) {
        measured++;
        histogram.add(now - asked);
      }
      asked = now;
    }
  };
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)));
  return { perSecond: measured / seconds, seconds, acknowledged, waits: histogram.waits };
}
