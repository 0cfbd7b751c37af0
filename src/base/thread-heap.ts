import v8 from 'node:v8';

/**
 * Bounds what threads that are made from now on may have of new objects, to three times this. What they make lives for
 * one batch; the process's own size would take 100 MB in each. V8 heeds the limits that a thread is given for itself
 * only where the process was started without `--max-semi-space-size`, and the server is started with it. The flag is read
 * where a heap is made, so those that are there stay as they are.
 */
export function boundNewThreads(semiSpaceMb: number): void {
  v8.setFlagsFromString(`--max-semi-space-size=${semiSpaceMb}`);
}
