/** What finds bugs, on a source with the bug that HOLDFAST_MUTANT names; with none, on the source as it is. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { FINDERS, mutated, MUTANTS, type Mutant } from './mutants.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const name = process.env['HOLDFAST_MUTANT'];
const mutant = name === undefined ? undefined : (MUTANTS as Readonly<Record<string, Mutant>>)[name];
if (name !== undefined && !mutant) throw new Error(`there is no mutant ${name}; there are ${Object.keys(MUTANTS).join(', ')}`);

export default defineConfig({
  root,
  plugins: [
    {
      name: 'holdfast-mutant',
      enforce: 'pre',
      transform(source, id) {
        return mutant && id === root + mutant.file ? mutated(name ?? '', mutant, source) : undefined;
      },
    },
  ],
  // Never from or into the cache of what was read before: another bug may be in that, or none.
  test: { fsModuleCache: false, environment: 'node', setupFiles: ['tests/mutants/setup.ts'], include: Object.values(FINDERS), pool: 'forks', testTimeout: 500_000, bail: 1 },
});
