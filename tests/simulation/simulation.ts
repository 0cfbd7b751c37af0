/**
 * A whole shop in one process, from a seed: nodes on one store, shoppers and restockers, bad luck of every kind, plugs
 * pulled at any moment. Time and chance come from the seed alone, so the same seed is the same history. Outside of it
 * all a ledger keeps what was acknowledged, and compares.
 */
import { createHash } from 'node:crypto';
import { handClock } from '../../src/base/clock.ts';
import { isFault } from '../../src/base/errors.ts';
import { canonicalJson, type Json } from '../../src/base/json.ts';
import { below, chance, pick, seededRandom } from '../../src/base/random.ts';
import { openMemory, type MemoryStore } from '../../src/engines/memory/memory.ts';
import { rooms } from '../../src/processes/processes.ts';
import type { InventoryCommand, InventoryEvent } from '../../src/rooms/inventory/inventory.ts';
import type { PricingEvent } from '../../src/rooms/pricing/pricing.ts';
import { ANSWERED, type Settled } from '../../src/runtime/runtime.ts';
import { Auditor } from './audit.ts';
import { Ledger, type Adjustment, type Order } from './ledger.ts';
import { Node } from './node.ts';
import { brokenChains, PRICES, someSign, wrongPrices } from './prices.ts';
import { PLACES, setup, SKUS, someCommand } from './shoppers.ts';
import { Luck, someWeather, type Weather } from './weather.ts';

const PARTITIONS = 3;

/** What clocks are set wrong by. */
const CLOCK_STEPS_MS = [1_000, 3_600_000, 86_400_000].flatMap((ms) => [ms, -ms]);
/** How far the clock of a process may be from the true time besides: what it takes over at once, and what it slews. */
const CLOCK_JUMP_MS = 51;
const CLOCK_SLEW = 0.0005;
/** Longer than claims of the queue and most holds. */
const PAUSE_MS = 15_000;
const DISK_FULL_MS = 5_000;

export interface Run {
  readonly errors: readonly string[];
  /** A hash of everything that happened, in order. */
  readonly history: string;
  readonly figures: { readonly acknowledged: number; readonly refused: number; readonly doubtful: number; readonly replayed: number; readonly crashes: number; readonly conflicts: number; readonly facts: number; readonly clockSteps: number; readonly pauses: number; readonly tornAppends: number; readonly diskFull: number };
}

/** Plays one seed to its end. */
export async function simulate(seed: number, steps = 300): Promise<Run> {
  const simulation = new Simulation(seed);
  await simulation.begin();
  for (let step = 0; step < steps && simulation.ledger.errors.length === 0; step++) await simulation.step();
  await simulation.end();
  return simulation.run;
}

class Simulation {
  readonly ledger = new Ledger();
  readonly #auditor = new Auditor();
  readonly #random;
  readonly #weather: Weather;
  readonly #clock = handClock();
  readonly #history = createHash('sha256');
  readonly #count: number;
  #store: MemoryStore;
  #nodes: Node[] = [];
  #lucks: Luck[] = [];
  /** Nothing goes wrong while the shop is set up, and once all is to come to its end. */
  #calm = true;
  #named = 0;
  #conflicts = 0;
  readonly #happened = { crashes: 0, clockSteps: 0, pauses: 0, tornAppends: 0, diskFull: 0 };
  #diskFull = false;
  readonly #began = this.#clock.now();
  /** When each commit came into its log, by the true time; index = log, then position - 1. */
  readonly #arrivals: number[][] = Array.from({ length: PARTITIONS }, () => []);

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#weather = someWeather(this.#random);
    this.#count = 1 + below(this.#random, 2);
    this.#store = openMemory({ partitions: PARTITIONS });
    this.#observe(this.#store);
  }

  /** One or two nodes, and a shop with something to sell: the sky clouds over after that. */
  async begin(): Promise<void> {
    for (let n = 0; n < this.#count; n++) this.#boot();
    await this.#settle();
    const [first] = this.#nodes;
    for (const command of [...setup(this.#clock.now()), ...PRICES]) {
      const done = first?.engine.execute(command);
      await this.#pass(1);
      await done;
    }
    this.#sky('stormy');
  }

  async step(): Promise<void> {
    const random = this.#random;
    const drawn = below(random, 100);
    if (drawn < 48) this.#order();
    else if (drawn < 56) this.#repeat();
    else if (drawn < 64) this.#restock();
    else if (drawn < 72) this.#each((node) => this.#project(node));
    else if (drawn < 78) this.#each((node) => void node.follow());
    else if (drawn < 81) await this.#kill();
    else if (drawn < 82) await this.#crash();
    else if (drawn < 84) this.#setClock();
    else if (drawn < 86) this.#pause();
    else if (drawn < 87) this.#fillDisk();
    else if (drawn < 89) await this.#passToAnEnd();
    else if (drawn < 92) await this.#pass(below(random, 4_000));
    else await this.#pass(below(random, 8));
    if (chance(random, 0.6)) await this.#settle();
  }

  /** The sky clears; everything that is doubtful is asked for again, everything that is due is done, and the books are audited. */
  async end(): Promise<void> {
    this.#sky('calm');
    for (const node of this.#nodes) if (node.paused) node.resume();
    await this.#revive();
    for (let round = 0; round < 60 && this.ledger.waiting > 0; round++) {
      this.#repeatDoubtful();
      await this.#pass(2_000);
      await this.#revive();
      this.#each((node) => void node.follow());
    }
    // Messages claimed by somebody who is gone, retries, holds that run out, timers that load what they missed.
    for (let round = 0; round < 30; round++) {
      await this.#pass(10_000);
      // What one node has decided the others hear of, as by a database that tells them.
      this.#each((node) => void node.follow());
      for (let steps = 0; steps < 4; steps++) {
        this.#each((node) => this.#project(node));
        await this.#pass(1);
      }
    }
    const unanswered = this.ledger.waiting + this.ledger.hanging;
    if (unanswered > 0) this.ledger.errors.push(`${unanswered} commands were never answered`);
    await this.#audit('all must have arrived');
    await this.#comparePrices();
    await this.#compareSavedStates();
  }

  get run(): Run {
    const { errors, counts } = this.ledger;
    return { errors, history: this.#history.copy().digest('hex'), figures: { ...counts, conflicts: this.#conflicts, facts: this.#auditor.facts.length, ...this.#happened } };
  }

  /** A shopper does something. With a key, whatever comes of it can be asked for again. */
  #order(): void {
    const node = this.#anyNode();
    const command = chance(this.#random, 0.06) ? someSign(this.#random) : someCommand(this.#random, this.ledger);
    const order = this.ledger.order(command, chance(this.#random, 0.6));
    if (node) this.#send(node, order);
    else this.ledger.lost(order);
  }

  #send(node: Node, order: Order): void {
    const once = order.key === undefined ? undefined : { key: order.key, fingerprint: canonicalJson(order.command as unknown as Json) }; // a command is plain JSON
    this.ledger.sent(order, node);
    node.whenAwake(() => {
      node.engine.execute(order.command, { once }).then(
        (settled) => {
          if (node.alive) this.#answered(node, order, settled);
        },
        (error: unknown) => {
          if (node.alive) this.#failed(node, order, error);
        },
      );
    });
  }

  #answered(node: Node, order: Order, { cursor: _, ...settled }: Settled): void {
    this.#note(`${node.name} answered ${order.number}`, settled as unknown as Json);
    this.ledger.answered(order, node, settled);
    const aheadMs = node.engine.now() - this.#clock.now();
    if (Math.abs(aheadMs) > this.#errorMs) this.ledger.errors.push(`${node.name} answers ${order.number} by a clock that is ${aheadMs} ms ahead`);
    const id = settled.ok ? this.ledger.idIn(settled.answer) : undefined;
    // Who was told of a hold finds it at the same node.
    if (id !== undefined) {
      node.engine.read((world) => world.get(`r/${id}`) !== undefined).then(
        (found) => {
          if (node.alive && !found) this.ledger.errors.push(`${node.name} acknowledged ${id} and then did not know it`);
        },
        () => undefined, // it was closed or failed meanwhile
      );
    }
  }

  #failed(node: Node, order: Order, error: unknown): void {
    const code = isFault(error) ? error.code : String(error);
    this.#note(`order ${order.number} failed`, code);
    if (!isFault(error)) this.ledger.errors.push(`order ${order.number} met a mistake of ours: ${error instanceof Error ? (error.stack ?? error.message) : code}`);
    this.ledger.failed(order, node, code);
  }

  /** Somebody asks again: for what is doubtful, or for what was answered long ago. */
  #repeat(): void {
    const node = this.#anyNode();
    const candidates = this.ledger.repeatable();
    if (node && candidates.length > 0) this.#send(node, pick(this.#random, candidates));
  }

  #repeatDoubtful(): void {
    const node = this.#anyNode();
    if (!node) return;
    for (const order of this.ledger.doubtful()) this.#send(node, order);
    for (const adjustment of this.ledger.unacknowledged()) this.#put(node, adjustment);
  }

  /** Goods come in through the queue, one delivery of a lane after another. */
  #restock(): void {
    const node = this.#anyNode();
    const lane = pick(this.#random, SKUS);
    const adjustment = this.ledger.nextAdjustment(lane, pick(this.#random, PLACES), 1 + below(this.#random, 3));
    if (node && adjustment) this.#put(node, adjustment);
  }

  #put(node: Node, adjustment: Adjustment): void {
    const { id, sku, location, change } = adjustment;
    const body = { type: 'AdjustStock', sku, location, bucket: 'sellable', change, reason: 'received', reference: id };
    adjustment.pending = true;
    node.whenAwake(() => {
      node.worker.put([{ id, lane: sku, body }]).then(
        () => {
          if (!node.alive) return;
          adjustment.pending = false;
          adjustment.acknowledged = true;
          this.#note('delivery', id);
        },
        () => (adjustment.pending = false), // it is put again under the same name
      );
    });
  }

  #project(node: Node): void {
    node.project().catch((error: unknown) => this.ledger.errors.push(`${node.name} could not save states: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`));
  }

  #each(action: (node: Node) => void): void {
    for (const node of this.#nodes) if (node.started && node.alive && !node.paused && chance(this.#random, 0.8)) action(node);
  }

  #anyNode(): Node | undefined {
    const ready = this.#nodes.filter((node) => node.started && node.alive);
    return ready.length === 0 ? undefined : pick(this.#random, ready);
  }

  /** Time passes until a hold is about to run out by the clock of a node, or has just done so, and somebody wants it. */
  async #passToAnEnd(): Promise<void> {
    const node = this.#anyNode();
    const id = this.ledger.holds.length === 0 ? undefined : pick(this.#random, this.ledger.holds.slice(-6));
    const leftMs = node && id !== undefined ? (this.ledger.ends.get(id) ?? 0) - node.engine.now() : 0;
    if (leftMs <= 0) return;
    await this.#pass(Math.max(0, leftMs - 1 + below(this.#random, 3)));
    if (node?.alive === true) this.#send(node, this.ledger.order({ type: 'ConfirmReservation', id: id ?? '' }, chance(this.#random, 0.6)));
  }

  /** One process ends, and another takes its place some time later. */
  async #kill(): Promise<void> {
    if (this.#nodes.length > 0) this.#end(pick(this.#random, this.#nodes));
    await this.#pass(below(this.#random, 50));
  }

  #end(node: Node): void {
    this.#bury(node);
    node.kill(this.#random);
  }

  /** Somebody sets the clock of a machine wrong, or right again. */
  #setClock(): void {
    const node = this.#anyNode();
    if (!node || !this.#weather.clockSteps) return;
    const ms = pick(this.#random, CLOCK_STEPS_MS);
    this.#happened.clockSteps++;
    this.#note(`clock of ${node.name} set`, ms);
    node.stepClock(ms);
  }

  /** A process stands still for some time. Its clients lose patience, and ask another. */
  #pause(): void {
    const node = this.#anyNode();
    if (!node || node.paused || !this.#weather.pauses) return;
    this.#happened.pauses++;
    this.#note('stands still', node.name);
    node.pause();
    this.ledger.impatient(node);
    this.#clock.after(below(this.#random, PAUSE_MS), () => {
      if (node.alive && node.paused) node.resume();
    });
  }

  /** For some time no write finds room. */
  #fillDisk(): void {
    if (this.#diskFull || !this.#weather.diskFills) return;
    this.#happened.diskFull++;
    this.#disk('full');
    this.#clock.after(below(this.#random, DISK_FULL_MS), () => this.#disk('has room'));
  }

  #disk(state: 'full' | 'has room'): void {
    this.#note('disk', state);
    this.#diskFull = state === 'full';
    for (const luck of this.#lucks) luck.diskFull = this.#diskFull;
  }

  /** The plug is pulled: what was durable is all that is left. */
  async #crash(): Promise<void> {
    this.#happened.crashes++;
    for (const node of [...this.#nodes]) {
      this.#bury(node);
      node.end();
    }
    this.#lucks = [];
    this.#store = openMemory({ from: this.#store.crash(this.#random) });
    this.#observe(this.#store);
    await this.#audit();
    for (let n = 0; n < this.#count; n++) this.#boot();
    await this.#pass(below(this.#random, 20));
  }

  #bury(node: Node): void {
    this.#note('ends', node.name);
    this.#conflicts += node.engine.figures.conflicts;
    this.#nodes = this.#nodes.filter((other) => other !== node);
    this.#lucks = this.#lucks.filter((luck) => luck !== node.luck);
    this.ledger.gone(node);
  }

  #boot(): void {
    const { skewMs } = this.#weather;
    const tear = (inMs: number): void => void this.#clock.after(inMs, () => this.#tear(node));
    const luck = new Luck(seededRandom(this.#random.u32()), this.#weather, tear);
    luck.calm = this.#calm;
    luck.diskFull = this.#diskFull;
    const store = this.#store.share({ faults: luck, clock: this.#clock });
    const random = seededRandom(this.#random.u32());
    const node = new Node({ name: `node ${++this.#named}`, store, luck, clock: this.#clock, random, weather: this.#weather, skewMs: below(this.#random, 2 * skewMs + 1) - skewMs, alone: this.#count === 1 });
    this.#nodes.push(node);
    this.#lucks.push(luck);
    node.start().catch((error: unknown) => this.ledger.errors.push(`${node.name} could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`));
  }

  /** An append breaks off in the middle, and its process with it: all of it arrived, or nothing. */
  #tear(node: Node): void {
    if (!node.alive || this.#calm) return;
    this.#happened.tornAppends++;
    this.#end(node);
  }

  /** Holds for the nodes that are there and for those to come. */
  #sky(sky: 'calm' | 'stormy'): void {
    this.#calm = sky === 'calm';
    for (const luck of this.#lucks) luck.calm = this.#calm;
  }

  /** Whoever could not start, or stopped after a failed write, is started again, and who was killed replaced. */
  async #revive(): Promise<void> {
    for (const node of [...this.#nodes]) {
      const { health } = node.engine;
      if (node.alive && (health.state !== 'failed' || node.paused)) continue;
      if (health.state === 'failed' && !node.luck.broke) this.ledger.errors.push(`${node.name} stopped for no reason: ${health.reason}`);
      this.#bury(node);
      if (node.alive) node.kill(this.#random);
    }
    while (this.#nodes.length < this.#count) this.#boot();
    await this.#settle();
  }

  /** Everything happens that waits for nothing but its turn. */
  async #settle(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #pass(ms: number): Promise<void> {
    const end = this.#clock.now() + ms;
    await this.#settle();
    for (;;) {
      const next = Math.min(end, this.#clock.nextDue() ?? end);
      this.#clock.advance(Math.max(0, next - this.#clock.now()));
      await this.#settle();
      if (next >= end && (this.#clock.nextDue() ?? Number.POSITIVE_INFINITY) > end) break;
    }
    await this.#revive();
  }

  async #audit(when?: 'all must have arrived'): Promise<void> {
    await this.#settle();
    const { facts, answered } = this.#auditor;
    const before = [facts.length, answered.length];
    const errors = await this.#auditor.audit(this.#store, (log, position) => (this.#arrivals[log]?.[position - 1] ?? 0) + this.#errorMs);
    if (when) this.ledger.errors.push(...this.ledger.missingAdjustments(facts), ...this.#auditor.auditAtRest(this.#clock.now()));
    this.#note('audit', [facts.slice(before[0]), answered.slice(before[1])] as unknown as Json); // facts are plain JSON
    this.ledger.errors.push(...errors, ...this.ledger.compare(facts, answered, this.#clock.now() + this.#errorMs));
  }

  /** Every price is that of its stock, and came there step by step. */
  async #comparePrices(): Promise<void> {
    this.ledger.errors.push(...brokenChains(this.#auditor.facts as unknown as PricingEvent[])); // it looks at those of prices only
    const node = this.#anyNode();
    if (!node) return;
    await node.follow();
    await this.#pass(1_000);
    const wrong = node.engine.read(wrongPrices);
    await this.#pass(1);
    this.ledger.errors.push(...(await wrong));
  }

  /** What the projector saved is what all facts fold to; and every hold that ran out has its fact by now. */
  async #compareSavedStates(): Promise<void> {
    const states = new Map<string, unknown>();
    for (let log = 0; log < PARTITIONS; log++) {
      for await (const commit of this.#store.log.read(log, 0)) {
        for (const event of commit.events) if (event.type !== ANSWERED) rooms.evolve(event, { get: (key) => states.get(key), set: (key, state) => void states.set(key, state) });
      }
    }
    for (const [key, state] of states) {
      const log = rooms.logOf(key, PARTITIONS);
      const { bodies } = await this.#store.projections.loadStates(log, [key]);
      const folded = state === undefined ? undefined : rooms.write(key, state);
      const [a, b] = [folded, bodies.get(key)].map((text) => (text === undefined ? 'nothing' : canonicalJson(JSON.parse(text) as Json)));
      if (a !== b) this.ledger.errors.push(`${key} was saved as ${b}, and its facts fold to ${a}`);
      const due = state === undefined ? null : rooms.dueOf(key, state);
      if (due !== null && due + 5_000 < this.#clock.now() - this.#errorMs) this.ledger.errors.push(`${key} ran out ${this.#clock.now() - due} ms ago without a fact`);
    }
  }

  /** How far the clock of a process that keeps its promises may be from the true time. */
  get #errorMs(): number {
    return this.#weather.skewMs + CLOCK_JUMP_MS + Math.ceil((this.#clock.now() - this.#began) * CLOCK_SLEW);
  }

  /** Writes down when commits come into a store, without being in anybody's way. */
  #observe(store: MemoryStore): void {
    const look = async (): Promise<void> => {
      const heads = await store.log.heads();
      for (const [log, head] of heads.entries()) {
        const arrivals = this.#arrivals[log] ?? [];
        while (arrivals.length < head) arrivals.push(this.#clock.now());
      }
    };
    store.log.watch(() => void look());
    void look();
  }

  #note(what: string, data: Json): void {
    this.#history.update(`${this.#clock.now()} ${what} ${canonicalJson(data)}\n`);
  }
}

export type { InventoryCommand, InventoryEvent };
