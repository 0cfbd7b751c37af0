/** The ceiling of whoever reads a whole log: the rows of a store's file read, and their JSON parsed, with nothing checked. */
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { answer, ask } from './child.ts';

export interface Parsed {
  readonly facts: number;
  readonly seconds: number;
}

interface Spec {
  readonly directory: string;
}

/** In a process of its own. */
export const parseAlone = (spec: Spec): Promise<Parsed> => ask(new URL(import.meta.url), spec);

async function run({ directory }: Spec): Promise<Parsed> {
  const file = new DatabaseSync(join(directory, 'log.db'), { readOnly: true });
  try {
    const began = performance.now();
    let facts = 0;
    for (const { body } of file.prepare('SELECT body FROM appends ORDER BY seq').iterate()) {
      for (const commit of String(body).split('\n')) facts += (JSON.parse(commit) as unknown[]).length; // a commit is an array of facts
    }
    return { facts, seconds: (performance.now() - began) / 1000 };
  } finally {
    file.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) answer(run);
