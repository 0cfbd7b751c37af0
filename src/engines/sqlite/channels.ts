import { realpathSync } from 'node:fs';

/** The name under which everybody in this process who has the directory open hears of new commits. */
export function channelName(directory: string): string {
  return `holdfast-sqlite:${realpathSync(directory)}`;
}
