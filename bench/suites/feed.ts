import { fileURLToPath } from 'node:url';
import { crowd, type CrowdSpec } from '../listeners.ts';
import { atMost, type Line } from '../report.ts';
import { inRounds, type Rounds, type Sample } from '../rounds.ts';
import { Listening, Product } from '../server.ts';
import { HOT, type Settings, type Suite } from './suite.ts';

const bare = fileURLToPath(new URL('../peers/sse-fan-out.ts', import.meta.url));

/** How soon everybody who listens knows, next to a server that does nothing but tell them. */
export const feed: Suite = { name: 'feed', about: 'facts to 1,000 event streams', run };

const LISTENERS = 1_000;
/** Of a lively shop: with a thousand listeners, 20,000 deliveries a second. */
const FACTS_PER_SECOND = 20;
/** Held in one request, decided and committed together. */
const FACTS_TOGETHER = 100;

/** One side: where its crowd listens, and how it is made to speak. */
interface Stage {
  readonly listen: Pick<CrowdSpec, 'port' | 'path' | 'keys'>;
  listeners(): Promise<number>;
  cpuSeconds(): Promise<number>;
  speak(facts: number): Promise<void>;
}

type Name = 'singly' | 'bare, singly' | 'together' | 'bare, together';

async function run({ seconds, rounds }: Settings): Promise<Line[]> {
  await using product = await Product.start();
  await product.stockUp([HOT]);
  await using peer = await Listening.start([bare, await frameOf(product)]);
  const [ours, theirs] = [stageOf(product, await product.moreKeys(LISTENERS / 100)), bareStage(peer.port)];
  const singly = (stage: Stage) => async (): Promise<Sample> => perform(stage, { bursts: Math.ceil(seconds * FACTS_PER_SECOND), facts: 1, everyMs: 1000 / FACTS_PER_SECOND });
  const together = (stage: Stage) => async (): Promise<Sample> => perform(stage, { bursts: Math.ceil(seconds), facts: FACTS_TOGETHER, everyMs: 1000 });
  const measured = await inRounds<Name>(rounds, { singly: singly(ours), 'bare, singly': singly(theirs), together: together(ours), 'bare, together': together(theirs) });
  await product.checkBooks();
  return linesOf(measured);
}

/** `perSecond` is deliveries a second of the server's processor time: what else the machine does is not in it. */
async function perform(stage: Stage, { bursts, facts, everyMs }: { bursts: number; facts: number; everyMs: number }): Promise<Sample> {
  const heard = crowd({ ...stage.listen, listeners: LISTENERS, facts: bursts * facts });
  heard.catch(() => undefined); // told below, unless speaking fails first
  while ((await stage.listeners()) < LISTENERS) await rest(50);
  await rest(500);
  const before = await stage.cpuSeconds();
  const began = performance.now();
  for (let burst = 0; burst < bursts; burst++) {
    await rest(began + burst * everyMs - performance.now());
    await stage.speak(facts);
  }
  const { waits, deliveries } = await heard;
  const perSecond = deliveries / ((await stage.cpuSeconds()) - before);
  while ((await stage.listeners()) > 0) await rest(50);
  return { perSecond, p99: waits.p99 };
}

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));

function stageOf(product: Product, keys: readonly string[]): Stage {
  const metric = async (name: string): Promise<number> => {
    const text = await (await fetch(`http://127.0.0.1:${product.port}/metrics`)).text();
    return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
  };
  return {
    listen: { port: product.port, path: '/v1/events/stream', keys },
    listeners: () => metric('holdfast_http_event_streams'),
    cpuSeconds: () => metric('process_cpu_seconds_total'),
    async speak(facts) {
      const reservation = { lines: [{ sku: HOT, quantity: 1 }] };
      await product.call('POST', '/v1/reservations/batch', { reservations: Array.from({ length: facts }, () => reservation) });
      product.acknowledge([HOT], facts);
    },
  };
}

function bareStage(port: number): Stage {
  const ask = async (path: string): Promise<{ listeners: number; cpuSeconds: number }> => (await fetch(`http://127.0.0.1:${port}${path}`)).json() as Promise<{ listeners: number; cpuSeconds: number }>; // the peer is ours
  return {
    listen: { port, path: '/stream', keys: ['any'] },
    listeners: async () => (await ask('/')).listeners,
    cpuSeconds: async () => (await ask('/')).cpuSeconds,
    speak: async (facts) => void (await ask(`/facts?count=${facts}`)),
  };
}

/** A frame as the product sends it, so that both sides send the same bytes. */
async function frameOf(product: Product): Promise<string> {
  await product.call('POST', '/v1/reservations', { lines: [{ sku: HOT, quantity: 1 }] });
  product.acknowledge([HOT], 1);
  const page = (await product.call('GET', '/v1/events?type=inventory.reservation.held')) as { events: [object]; cursor: string }; // as the contract says
  return `id: ${page.cursor}\ndata: ${JSON.stringify({ ...page.events[0], time: '@time@' })}\n\n`;
}

function linesOf(measured: Rounds<Name>): Line[] {
  const line = (words: string, ours: Name, theirs: Name): Line[] => [
    { name: `${words}, age p99`, figure: measured.p99(ours), unit: 'ms', beside: { name: 'bare node:http', figure: measured.p99(theirs) }, ...atMost(measured.p99(ours), 100, '≤ 100 ms') },
    { name: `${words}, per processor second`, figure: measured.perSecond(ours), unit: '/s', beside: { name: 'bare node:http', figure: measured.perSecond(theirs) }, ratio: measured.ratio(ours, theirs) },
  ];
  return [...line('a fact to 1,000 event streams', 'singly', 'bare, singly'), ...line(`${FACTS_TOGETHER} facts of one commit to 1,000`, 'together', 'bare, together')];
}
