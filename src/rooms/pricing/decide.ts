import type { Decision } from '../../base/decision.ts';
import type { Ids } from '../../base/ids.ts';
import type { Json } from '../../base/json.ts';
import type { PricingCommand } from './commands.ts';
import type { PricingEvent } from './events.ts';
import { endOverride, setOverride } from './overrides.ts';
import { putPolicy, removePolicy, rollbackPolicy, setControls } from './policies.ts';
import { publishPrices } from './publish.ts';
import { createQuote, forgetQuote } from './quotes.ts';
import type { World } from './state.ts';

export interface Context {
  readonly now: number;
  readonly ids: Ids;
}

/** Says what follows from a command in this world: facts with the answer, or a refusal. Pure: it changes nothing and waits for nothing. */
export function decide(command: PricingCommand, world: World, context: Context): Decision<PricingEvent, Json> {
  return route(command, world, context) as Decision<PricingEvent, Json>; // every answer below is plain JSON; interfaces lack its index signature
}

function route(command: PricingCommand, world: World, context: Context): Decision<PricingEvent, unknown> {
  const { now } = context;
  switch (command.type) {
    case 'PublishPrices':
      return publishPrices(command, world, now);
    case 'PutPolicy':
      return putPolicy(command, world, now);
    case 'RollbackPolicy':
      return rollbackPolicy(command, world, now);
    case 'RemovePolicy':
      return removePolicy(command, world, now);
    case 'SetControls':
      return setControls(command, world, now);
    case 'SetOverride':
      return setOverride(command, world, now);
    case 'EndOverride':
      return endOverride(command, world, now);
    case 'CreateQuote':
      return createQuote(command, world, context);
    case 'ForgetQuote':
      return forgetQuote(command, world, now);
    default:
      return command satisfies never;
  }
}
