import type { LogStore } from '../../store/store.ts';
import { channelName } from './channels.ts';

/**
 * Tells of new commits, whichever thread of this process wrote them: every writer announces them on one channel, so
 * that a projector on a thread of its own hears of them as soon as the thread that asked for them.
 */
export function watchCommits(directory: string): { watch: LogStore['watch']; close: () => void } {
  const watchers = new Set<() => void>();
  let channel: BroadcastChannel | undefined;
  const listen = (): BroadcastChannel => {
    const opened = new BroadcastChannel(channelName(directory));
    opened.onmessage = () => watchers.forEach((watcher) => watcher());
    // A watcher alone is no reason to keep a process alive.
    opened.unref();
    return opened;
  };
  const close = (): void => {
    channel?.close();
    channel = undefined;
  };
  return {
    watch(onAdvance) {
      const watcher = (): void => onAdvance(); // one of its own, so that the same function may watch twice
      watchers.add(watcher);
      channel ??= listen();
      return () => {
        watchers.delete(watcher);
        if (watchers.size === 0) close();
      };
    },
    close() {
      watchers.clear();
      close();
    },
  };
}
