import { accepted, type Decision, type Refusal } from '../base/decision.ts';
import type { Json } from '../base/json.ts';
import type { InventoryCommand } from '../rooms/inventory/inventory.ts';
import type { Once, QueuedResult, Settled, World } from '../runtime/runtime.ts';
import type { Message, MessageReport } from '../store/store.ts';
import type { Answer, Call } from './call.ts';
import { WAIT_SECONDS_MAX } from './limits.ts';
import { problem, refusalDocument, refusalProblem } from './problem.ts';
import type { Services } from './services.ts';
import { preferenceOf, writeHeaders } from './settle.ts';

type Queued = Omit<Message, 'queue'>;

/** What is remembered of a request whose work was accepted for later. */
interface AcceptedAnswer {
  readonly [member: string]: Json | undefined;
  readonly commandId: string;
}

export interface Work {
  readonly command: InventoryCommand;
  /** Work of one lane is done in the order in which it was accepted. */
  readonly lane: string;
  /** Why it cannot even be accepted. */
  check(world: World, now: number): Refusal | undefined;
}

/** A question's answer where there is nothing to refuse. */
export function unless<Answer extends Json>(refusal: Refusal | undefined, answer: Answer): Decision<never, Answer> {
  return refusal ? { ok: false, refusal } : accepted([], answer);
}

/**
 * Work that is accepted now and done soon. With an Idempotency-Key the answer is remembered before the work is put in
 * the queue, under a name that follows from the key: a repeat, also after a crash between the two, puts the same name
 * again, which changes nothing where it is there already.
 */
export class AcceptedWork {
  readonly #services: Services;
  #waiting: { messages: readonly Queued[]; resolve: () => void; reject: (error: unknown) => void }[] = [];
  #putting = false;

  constructor(services: Services) {
    this.#services = services;
  }

  async take(call: Call<never, never> | Call, work: Work, shapeFirst: (settled: Settled & { ok: true }) => Answer): Promise<Answer> {
    const { engine } = this.#services;
    const { waitSeconds } = preferenceOf(call, WAIT_SECONDS_MAX);
    const once = call.once();
    const commandId = this.newId('cmd', once);
    const settled = await engine.ask((world, now) => unless<AcceptedAnswer>(work.check(world, now), { commandId }), once);
    const headers = writeHeaders(settled);
    if (!settled.ok) throw refusalProblem(settled.refusal, headers);
    // The first request with this key may have been answered at once.
    if (!isAccepted(settled.answer)) return shapeFirst(settled);
    await this.put([{ id: commandId, lane: work.lane, body: work.command as unknown as Json }]); // commands are plain JSON
    const acceptedAnswer: Answer = { status: 202, headers: { ...headers, location: `/v1/commands/${commandId}` }, body: { commandId, status: 'accepted' } };
    return waitSeconds === undefined ? acceptedAnswer : this.#waited(call, commandId, waitSeconds, acceptedAnswer);
  }

  /** The answer of a request that was first accepted for later, to the same request made again without asking for that. */
  replay(settled: Settled & { ok: true }): Answer | undefined {
    if (!isAccepted(settled.answer)) return undefined;
    const { commandId } = settled.answer;
    return { status: 202, headers: { ...writeHeaders(settled), location: `/v1/commands/${commandId}` }, body: { commandId, status: 'accepted' } };
  }

  /** A name for work, the same for the same request. */
  newId(prefix: string, once: Once | undefined): string {
    const { ids, engine } = this.#services;
    return once === undefined ? ids.next(prefix, engine.now(), 0) : `${prefix}_${once.key.slice(2)}`;
  }

  /** Stores work durably; what is put while the queue is busy is stored together. */
  put(messages: readonly Queued[]): Promise<void> {
    if (messages.length === 0) return Promise.resolve();
    for (const { id } of messages) this.#services.tracing?.accepted(id);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ messages, resolve, reject });
      if (this.#putting) return;
      this.#putting = true;
      setImmediate(() => void this.#putWaiting());
    });
  }

  async #putWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        await this.#services.commands.put(group.flatMap(({ messages }) => messages));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#putting = false;
  }

  async #waited(call: Call<never, never> | Call, commandId: string, waitSeconds: number, otherwise: Answer): Promise<Answer> {
    call.waitFor(waitSeconds * 1000);
    const result = await this.#services.commands.resultOf(commandId, waitSeconds * 1000);
    if (!result) return otherwise;
    const headers = { ...otherwise.headers, 'preference-applied': `wait=${waitSeconds}`, 'holdfast-cursor': this.#services.engine.cursor };
    if (!result.ok) throw refusalProblem(result.refusal as unknown as Refusal, headers); // the worker stored the room's refusal
    return { status: 200, headers, body: commandDocument(commandId, result, call.requestId) };
  }
}

function isAccepted(answer: Json): answer is AcceptedAnswer {
  return typeof answer === 'object' && answer !== null && 'commandId' in answer;
}

/** A command that was worked off, as its resource. */
function commandDocument(commandId: string, result: QueuedResult, requestId: string): object {
  if (result.ok) return { commandId, status: 'applied', result: result.answer };
  return { commandId, status: 'refused', problem: refusalDocument(result.refusal as unknown as Refusal, requestId) }; // the worker stored the room's refusal
}

/** How a command stands. One that was set aside still waits: for somebody to look at it. */
export function reportDocument(report: MessageReport, requestId: string): object {
  if (report.status === 'done') return commandDocument(report.id, report.result as unknown as QueuedResult, requestId); // recorded by the worker
  return { commandId: report.id, status: 'accepted', ...(report.status === 'dead' ? { deadLettered: true } : undefined) };
}

export function unknownCommand(id: string): ReturnType<typeof problem> {
  return problem('unknown-command', `There is no command ${id}.`);
}
