/** The checks of a store, each with what it says in a word. */
export type Check =
  | 'files'
  | 'positions'
  | 'readable'
  | 'placement'
  | 'time'
  | 'folding'
  | 'sums'
  | 'promises'
  | 'answers'
  | 'states'
  | 'views'
  | 'records';

/** Something in a store that is not as it must be. */
export interface Violation {
  readonly check: Check;
  readonly log: number;
  /** The commit that shows it, where one does. */
  readonly position?: number;
  /** What it is about: the key of a state, or of a row. */
  readonly key?: string;
  readonly expected?: string;
  readonly found?: string;
  readonly message: string;
}

export type Tell = (violation: Violation) => void;
