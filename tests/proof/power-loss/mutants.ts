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
  /** The batch is answered, and only then committed. */
  'answers-before-the-fsync': {
    file: '/engines/sqlite/database.ts',
    from: `      const result = body();
      commit.run();
      return result;`,
    to: `      const result = body();
      if (begin === beginWrite && file.endsWith('log.db') && !isMainThread) setTimeout(() => { if (connection.isOpen && connection.isTransaction) commit.run(); }, 1);
      else commit.run();
      return result;`,
  },
  /** A commit is in the WAL, and synced when the WAL is copied. */
  'synchronous-normal': {
    file: '/engines/sqlite/database.ts',
    from: `durability === 'full' ? 'FULL' : 'NORMAL'`,
    to: `'NORMAL'`,
  },
} as const satisfies Record<string, Change>;

export type SourceMutant = keyof typeof MUTANTS;

/** The deferred commit of the first mutant has to happen before the next transaction. */
const BEFORE_BEGIN = { from: '    begin.run();', to: '    if (connection.isTransaction) connection.exec(\'COMMIT\');\n    begin.run();' };

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
  const changed = source.replace(from, to);
  return name === 'answers-before-the-fsync' ? `import { isMainThread } from 'node:worker_threads';\n${changed.replace(BEFORE_BEGIN.from, BEFORE_BEGIN.to)}` : changed;
}
