#!/usr/bin/env -S node --max-semi-space-size=64
import { run } from './cli/cli.ts';

await run(process.argv.slice(2));
