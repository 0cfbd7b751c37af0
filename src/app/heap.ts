import v8 from 'node:v8';
import vm from 'node:vm';

/**
 * V8 lets old objects grow to up to four times what the collection before found alive, which is quick where that is
 * little. States live for seconds and die old: of 300 MB alive a gigabyte is made. A heap that is large grows by half.
 * Holds of a small one cost a tenth more when it grows by half only, so it does as V8 likes.
 */
const LARGE_BYTES = 200 * 2 ** 20;
const LARGE_GROWS_PERCENT = 50;
const LOOK_MS = 1_000;

/** Keeps the garbage of a large heap in bounds, for all threads of the process, until it is disposed of. */
export function boundGarbage(): Disposable {
  let percent = 0;
  const grow = (by: number): void => {
    if (by === percent) return;
    percent = by;
    v8.setFlagsFromString(`--heap-growing-percent=${by}`); // read by V8 at the end of every collection
  };
  const timer = setInterval(() => grow(v8.getHeapStatistics().used_heap_size > LARGE_BYTES ? LARGE_GROWS_PERCENT : 0), LOOK_MS).unref();
  return {
    [Symbol.dispose]() {
      clearInterval(timer);
      grow(0);
    },
  };
}

/** Of the views' thread: what it keeps between steps is a third of this. */
const COLLECTED_ABOVE_BYTES = 120 * 2 ** 20;

/**
 * Gives what collects the garbage of the thread that calls it, where that is much. What a step of the views makes lives as
 * long as the step, so it dies old, and V8 would let three times as much of it lie as was alive at the worst moment.
 */
export function garbageCollector(): () => void {
  v8.setFlagsFromString('--expose-gc'); // of contexts that are made from now on
  const collect = vm.runInNewContext('gc') as () => void; // what the flag exposes
  return () => {
    if (v8.getHeapStatistics().used_heap_size > COLLECTED_ABOVE_BYTES) collect();
  };
}
