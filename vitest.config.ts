import { defineConfig } from 'vitest/config';

// What takes minutes runs only when asked for: `npm run check:long`.
const long = process.env['HOLDFAST_LONG'] === '1';

export default defineConfig({
  test: {
    environment: 'node',
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts', 'bench/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', ...(long ? [] : ['tests/long/**'])],
    // Processes, not threads: engines start threads of their own, and a test may kill what it started.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: long ? 2_400_000 : 120_000,
    hookTimeout: 120_000,
  },
});
