import type { LineProblem } from './resources.ts';

/** Lines of a file after one line and up to another, for an import. */
export interface ImportPart {
  readonly after: number;
  readonly upTo: number;
  readonly items?: 'merge' | 'replace';
  readonly createItems?: boolean;
  readonly dryRun?: boolean;
  readonly lines: readonly { readonly line: number; readonly value: object }[];
}

export interface ImportedPart {
  readonly importId: string;
  readonly line: number;
  readonly repeated: boolean;
  readonly described: number;
  readonly adjusted: number;
  readonly unchanged: number;
  readonly refused: readonly LineProblem[];
}

/** How far an import has come. */
export interface ImportStatus extends Omit<ImportedPart, 'repeated' | 'refused'> {
  readonly refused: number;
  /** The first of them. */
  readonly refusals: readonly LineProblem[];
  readonly startedAt: string;
  readonly updatedAt: string;
}
