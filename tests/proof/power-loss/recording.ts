/** A server whose disk is watched while shoppers, storekeepers and an administrator keep it busy; killed, and started again. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { seededRandom } from '../../../src/base/random.ts';
import { Audit } from '../audit.ts';
import type { Place } from '../places.ts';
import { ServerProcess } from '../server-process.ts';
import { newShop, openShop, type Shop } from '../shoppers.ts';
import { readTrace, watching, type Deed } from './trace.ts';

const SKUS = ['HOT-1', 'HOT-2', 'COLD-1'];
/** A seeded bug: a change of the source (see `mutants.ts`), or a disk that lies about some syncs. */
export interface Mutant {
  readonly source?: string;
  readonly skip?: string;
}

const SOUND: Mutant = {};

export interface Recording extends Disposable {
  readonly deeds: readonly Deed[];
  /** The directory that was watched, and the store's in it. */
  readonly root: string;
  readonly data: string;
}

/** Records a server over some lives, in each of which shoppers wait for so many answers. Its data is two directories deep in what is watched, and none of it is there before. */
export async function record({ seed, lives, answers, mutant = SOUND }: { seed: number; lives: number; answers: number; mutant?: Mutant }): Promise<Recording> {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-power-'));
  const [root, trace] = [join(home, 'disk'), join(home, 'trace')];
  const data = join(root, 'shop', 'data');
  const env = {
    ...watching({ root, trace, ...(mutant.skip === undefined ? undefined : { skip: mutant.skip }) }),
    ...(mutant.source === undefined ? undefined : { NODE_OPTIONS: `--import ${pathToFileURL(join(import.meta.dirname, 'mutants.ts')).href}`, HOLDFAST_MUTANT: mutant.source }),
  };
  mkdirSync(root);
  const place: Place = { engine: 'sqlite', flags: ['--data', data], env: {}, async [Symbol.asyncDispose]() {} };
  const shop = newShop(SKUS, seed);
  for (let life = 1; life <= lives; life++) await live(await ServerProcess.start(place, env), shop, { life, answers, sound: mutant === SOUND });
  return { deeds: readTrace(trace), root, data, [Symbol.dispose]: () => rmSync(home, { recursive: true, force: true }) };
}

/** One life: where the server is sound, everything is looked at at its end, so that every answer is one that the facts bear out. Every other life ends with SIGKILL. */
async function live(server: ServerProcess, shop: Shop, { life, answers, sound }: { life: number; answers: number; sound: boolean }): Promise<void> {
  const client = server.client();
  const { ledger } = shop;
  if (life === 1) {
    for (const sku of SKUS) {
      await client.items.put(sku, {});
      const intent = { kind: 'adjust', sku, change: 150, reference: `first-${sku}` } as const;
      await client.items.adjust(sku, { change: intent.change, reason: 'received', reference: intent.reference }, { waitSeconds: 10 });
      ledger.adjusted(intent);
    }
  }
  const until = ledger.answered.length + answers;
  const leave = (): boolean => ledger.answered.length >= until;
  await Promise.all([openShop(shop, client, leave), administer(server, leave)]);
  if (sound) await new Audit(ledger, seededRandom(life), SKUS).whole(client);
  if (ledger.faults.length > 0) throw new Error(`the run itself was wrong: ${ledger.faults.join('; ')}`);
  if (life % 2 === 1) await server.kill();
  else await server.stop();
}

/** Makes keys, and revokes every other one of them. */
async function administer({ url, key }: ServerProcess, leave: () => boolean): Promise<void> {
  for (let n = 0; !leave(); n++) {
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
    const made = await fetch(`${url}/v1/keys`, { method: 'POST', headers, body: JSON.stringify({ name: `till ${n}`, scopes: ['write'] }) });
    const { id } = (await made.json()) as { id: string }; // what this path answers
    if (n % 2 === 1) await fetch(`${url}/v1/keys/${id}`, { method: 'DELETE', headers: { authorization: headers.authorization, 'x-request-id': `revoke.${id}` } });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
