import { rfc3339 } from '../../base/clock.ts';
import { simulateCases, type SimulatedCase, type SimulatedItem } from '../../processes/processes.ts';
import type { Floor } from '../floor.ts';
import { SIMULATION_TIMEOUT_MS } from '../limits.ts';
import { invalidRequest } from '../problem.ts';
import { route, type Route } from '../route.ts';
import { policyIn } from './price-policies.ts';
import { simulation, simulationInput } from './price-schemas.ts';

export function priceSimulationRoutes({ services }: Floor): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/pricing/simulations',
      operation: 'simulatePricing',
      summary: 'What a policy would make of an item in some cases, each following the one before; nothing is stored',
      tag: 'Pricing',
      access: 'read',
      body: simulationInput,
      answers: { 200: { description: 'A result for each case, in their order.', schema: simulation } },
      async handle(call) {
        const policy = policyIn(call, call.body.policy, '/policy');
        const cases = casesIn(call.body.cases, services.engine.now());
        call.waitFor(SIMULATION_TIMEOUT_MS);
        const item = call.body.item as unknown as SimulatedItem; // attributes are scalars, or match nothing
        const results = await simulateCases(policy, item, cases, { ids: services.ids, ask: (strategy, asked, base) => services.consumers.pricing.ask(strategy, asked, base) });
        return { status: 200, body: { results: results.map((result) => ({ ...result, at: rfc3339(result.at) })) } };
      },
    }),
  ];
}

/** A case without an instant is at that of the one before. */
function casesIn(given: readonly { readonly at?: string; readonly signals: object }[], now: number): SimulatedCase[] {
  let last = given[0]?.at === undefined ? now : Date.parse(given[0].at);
  return given.map(({ at, signals }, index) => {
    const instant = at === undefined ? last : Date.parse(at);
    if (instant < last) throw invalidRequest([{ pointer: `/cases/${index}/at`, detail: 'must not be before the case before' }]);
    last = instant;
    return { at: instant, signals };
  });
}
