/**
 * Preloaded into a server to seed a bug in it: the text of one of its modules is changed as it is loaded. Each change
 * must find the text that it replaces, so that a mutant cannot become sound unnoticed.
 */
import { registerHooks } from 'node:module';

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const MUTANTS = {
  /** A commit is in the WAL, and synced when the WAL is copied. */
  'synchronous-normal': {
    file: '/engines/sqlite/database.ts',
    from: '${SYNCHRONOUS[durability]}',
    to: 'NORMAL',
  },
} as const satisfies Record<string, Change>;

export type SourceMutant = keyof typeof MUTANTS;

const name = process.env['HOLDFAST_MUTANT'];
if (name !== undefined && name in MUTANTS) {
  const change: Change = MUTANTS[name as SourceMutant]; // looked up just above
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith(change.file)) return loaded;
      return { ...loaded, source: mutated(textOf(loaded.source), change) };
    },
  });
}

function textOf(source: string | NodeJS.ArrayBufferView | ArrayBufferLike | null | undefined): string {
  return typeof source === 'string' ? source : new TextDecoder().decode(source ?? undefined);
}

function mutated(source: string, { from, to, file }: Change): string {
  if (!source.includes(from)) throw new Error(`the mutant ${name} finds nothing to change in ${file}`);
  return source.replace(from, to);
}
