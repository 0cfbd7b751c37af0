import type { Static } from 'typebox';
import { limits } from '../../rooms/inventory/inventory.ts';
import type { Once } from '../../runtime/runtime.ts';
import type { Call } from '../call.ts';
import type { Floor } from '../floor.ts';
import { checked } from '../input.ts';
import { invalidRequest, problemDocument, refusalProblem, toProblem, type Problem } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { closed, optional, problemSchema, reservation } from '../schemas.ts';
import { sendAnswer } from '../server.ts';
import { foreverFault, HOLD_PROBLEMS, reservationInput, strategyFault } from './reservations.ts';
import { Type } from '../type.ts';

const result = closed({ status: Type.Integer(), reservation: optional(reservation), problem: optional(problemSchema) });
const one = checked(reservationInput);
type Input = Static<typeof reservationInput>;

/** The list itself is checked at the door; each reservation on its own, because one that is wrong must not stop the others. */
const list = closed({ reservations: Type.Array(Type.Unknown(), { minItems: 1, maxItems: limits.BATCH_RESERVATIONS_MAX }) });
const documented = closed({ reservations: Type.Array(reservationInput, { minItems: 1, maxItems: limits.BATCH_RESERVATIONS_MAX }) }, { title: 'ReservationBatch' });

export function reservationBatchRoutes(floor: Floor): Route[] {
  const checkedList = checked(list);
  return [
    route({
      method: 'POST',
      path: '/v1/reservations/batch',
      operation: 'createReservations',
      summary: 'Up to 1,000 holds in one request, each on its own',
      tag: 'Reservations',
      access: 'write',
      body: documented,
      bodyMode: 'own',
      answers: { 200: { description: 'What became of each, in the order asked.', schema: closed({ results: Type.Array(result) }, { title: 'ReservationBatchResult' }) } },
      problems: HOLD_PROBLEMS,
      handle(call) {
        const body: unknown = call.body;
        if (!checkedList.accepts(body)) throw invalidRequest(checkedList.faults(body ?? null));
        new Run(floor, call, body.reservations).start();
        return 'later';
      },
    }),
  ];
}

/** One batch under way: callbacks instead of promises, because a thousand of them are decided in some milliseconds. */
class Run {
  readonly #floor: Floor;
  readonly #call: Call<never, never> | Call;
  readonly #inputs: readonly unknown[];
  readonly #results: string[];
  readonly #once: Once | undefined;
  #left: number;
  #replayed = false;

  constructor(floor: Floor, call: Call<never, never> | Call, inputs: readonly unknown[]) {
    this.#floor = floor;
    this.#call = call;
    this.#inputs = inputs;
    this.#results = new Array<string>(inputs.length).fill('');
    this.#once = call.once();
    this.#left = inputs.length;
  }

  start(): void {
    this.#inputs.forEach((input, index) => {
      const refusal = faultOf(input) ?? foreverFault(this.#call, input as Input); // without a fault it passed the check
      if (refusal) this.#refuse(index, refusal);
      else this.#submit(index, input as Input); // it passed the check
    });
  }

  #submit(index: number, input: Input): void {
    // Each line is remembered by itself, with the whole request as its fingerprint.
    const once = this.#once && { key: `${this.#once.key}#${index}`, fingerprint: this.#once.fingerprint };
    const { holds } = this.#floor.metrics;
    this.#floor.services.engine.submit(
      { type: 'ReserveStock', ...input, actor: this.#call.caller?.id },
      { once },
      (outcome, replayed) => {
        if (replayed) this.#replayed = true;
        if (outcome.ok) {
          if (!replayed) holds.granted++;
          this.#done(index, `{"status":201,"reservation":${JSON.stringify(outcome.answer)}}`);
        } else {
          holds.refused++;
          this.#refuse(index, refusalProblem(outcome.refusal));
        }
      },
      (error) => this.#refuse(index, toProblem(error)),
    );
  }

  #refuse(index: number, refusal: Problem): void {
    this.#done(index, JSON.stringify({ status: refusal.status, problem: problemDocument(refusal, this.#call.requestId) }));
  }

  #done(index: number, result: string): void {
    this.#results[index] = result;
    if (--this.#left > 0) return;
    const headers = { 'holdfast-cursor': this.#floor.services.engine.cursor, ...(this.#replayed ? { 'idempotent-replayed': 'true' } : undefined) };
    sendAnswer(this.#call, { status: 200, headers, text: `{"results":[${this.#results.join(',')}]}` });
  }
}

function faultOf(input: unknown): Problem | undefined {
  if (!one.accepts(input)) return invalidRequest(one.faults(input));
  const fault = strategyFault(input);
  return fault && invalidRequest([fault]);
}
