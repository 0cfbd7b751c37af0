import { Fault } from '../base/errors.ts';

/** What a failed append means for those who wait: decide again, tell them, or stop. */
export type Verdict = 'again' | 'refused' | 'failed';

export function verdictOn(error: unknown): Verdict {
  if (error === undefined) return 'again';
  if (!(error instanceof Fault)) return 'failed';
  switch (error.code) {
    case 'conflict':
    case 'unavailable':
      return 'again';
    case 'storage-full':
    case 'overloaded':
      return 'refused';
    default:
      return 'failed';
  }
}
