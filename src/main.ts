#!/usr/bin/env -S node --max-semi-space-size=32
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// What was compiled at an earlier start need not be compiled again; threads look for it in the environment. Where the
// directory cannot be written, everything is compiled each time.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('../node_modules/.cache/compile', import.meta.url));
enableCompileCache(process.env['NODE_COMPILE_CACHE']);
const { run } = await import('./cli/cli.ts');

await run(process.argv.slice(2));
