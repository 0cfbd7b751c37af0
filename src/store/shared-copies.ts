import type { Position } from './envelope.ts';

/** A copy of something that has versions, as a few named texts. */
export interface SharedCopy {
  readonly name: string;
  /** Grows with every change of what it is a copy of. */
  readonly version: number;
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * Copies outside of the store, which anybody may read and which may be lost at any moment: they are made again from the
 * store. How far they have come is noted among them, so that whatever is lost, its note is lost too. They never promise
 * more than that note says.
 */
export interface SharedCopies extends AsyncDisposable {
  /** Where they are, in words for messages. */
  readonly place: string;
  /** What is noted; undefined where nothing is, or where it is about another store. Rejects with `unavailable`, and so do the others. */
  progress(): Promise<readonly Position[] | undefined>;
  /** Writes copies: each only where none of its version or of a later one is. What is late changes nothing. */
  put(copies: readonly SharedCopy[]): Promise<void>;
  /** Notes that everything up to these positions is among the copies; positions only grow. False where no note of this store is there any more. */
  note(positions: readonly Position[]): Promise<boolean>;
  /** Begins a note at these positions, whatever was noted before. */
  begin(positions: readonly Position[]): Promise<void>;
  /** Removes all copies, and then the note: they are of another history, whose versions say nothing about this one's. */
  clear(): Promise<void>;
  /** Whether there is a note, and of which store. */
  noted(): Promise<'none' | 'ours' | 'foreign'>;
  /** Calls back whenever the copies can be reached again. */
  onBack(listener: () => void): () => void;
}
