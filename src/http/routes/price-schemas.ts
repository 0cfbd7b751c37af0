import { limits } from '../../rooms/pricing/pricing.ts';
import { closed, id, instant, money, nullable, optional, text } from '../schemas.ts';
import { Type } from '../type.ts';

/** Shapes of prices, policies and quotes. */
export const moneyOrNone = Type.Union([money, Type.Null()]);

export const step = closed({ step: Type.String(), before: moneyOrNone, after: moneyOrNone, reason: Type.String() }, { title: 'PriceStep' });

export const price = closed(
  {
    sku: id(),
    price: moneyOrNone,
    basePrice: moneyOrNone,
    lowest30d: Type.Union([money, Type.Null()], { description: 'What a reduction is announced from (Directive 98/6/EC, Art. 6a), or else the lowest price of 30 days.' }),
    reductionPercent: nullable<number>('number', { description: 'null: nothing may be announced as a reduction.' }),
    policy: nullable<string>('string', { description: 'null: the price is the base price, or set by hand.' }),
    policyVersion: nullable<number>('integer'),
    degraded: Type.Boolean({ description: 'Not computed from all that should be known: signals are old, or a function or module gave no price.' }),
    why: Type.Array(step, { description: 'From the base price on; the `after` of the last step is the price.' }),
    version: Type.Integer(),
    stockVersion: Type.Integer({ description: 'The version of the stock that the price was computed with.' }),
    effectiveAt: nullable<string>('string', { format: 'date-time' }),
    held: optional(Type.String({ description: 'What keeps the price from where it would go.' })),
    override: optional(closed({ until: nullable<string>('string', { format: 'date-time', description: 'null: until somebody ends it.' }), reason: Type.String() })),
  },
  { title: 'Price' },
);

export const overrideInput = closed({ price: money, until: optional(instant()), reason: text(500) }, { title: 'PriceOverrideInput' });

/** A price that was shown, or that a shadow policy would have shown. */
export const pastPrice = Type.Object(
  {
    at: instant(),
    before: moneyOrNone,
    price: moneyOrNone,
    basePrice: moneyOrNone,
    policy: nullable<string>('string'),
    policyVersion: nullable<number>('integer'),
    why: Type.Array(step),
    stockVersion: Type.Integer(),
    shadow: Type.Boolean(),
    live: optional(Type.Union([money, Type.Null()], { description: 'Of a shadow result: the price shown at that moment.' })),
    model: optional(nullable<number>('number', { description: 'Of a shadow result: in currency units, before guardrails.' })),
  },
  { title: 'PastPrice' },
);

const pattern = Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', description: 'In the language of Amazon EventBridge; without members everything fits.' });
const free = (description: string) => Type.Unsafe<Readonly<Record<string, unknown>>>({ type: 'object', description });

/** What a policy is described by. The route checks it by itself, and names every fault. */
const definition = {
  priority: Type.Integer({ minimum: -limits.PRIORITY_MAX, maximum: limits.PRIORITY_MAX, description: 'The highest that fits an item prices it, ties by id.' }),
  match: pattern,
  mode: Type.Enum(['live', 'shadow', 'off']),
  strategy: free('`{ kind: "rules" | "run-out" | "gallego-van-ryzin" | "learned" | "function" | "module", … }`: functions and modules need the scope admin.'),
  guardrails: free('floor, ceiling, maxStepPercent, stepWindowSeconds, maxChanges, cooldownSeconds, hysteresisPercent, ending, staleAfterSeconds.'),
};

export const policyInput = closed({ ...definition, mode: optional(definition.mode), guardrails: optional(definition.guardrails) }, { title: 'PricingPolicyInput' });
export const policy = closed({ id: id(), version: Type.Integer(), ...definition }, { title: 'PricingPolicy' });
export const policyVersion = closed(
  {
    id: id(),
    version: Type.Integer(),
    at: instant(),
    ...Object.fromEntries(Object.entries(definition).map(([name, schema]) => [name, optional(schema)])),
    removed: optional(Type.Boolean({ description: 'With this version the policy was removed.' })),
    rolledBackTo: optional(Type.Integer()),
    actor: optional(Type.String({ description: 'The API key, by its id, that made it.' })),
  },
  { title: 'PricingPolicyVersion' },
);

export const controlsInput = closed({ killSwitch: optional(Type.Boolean({ description: 'Prices stay where they are.' })), freeze: optional(Type.Array(pattern, { maxItems: limits.FREEZE_MAX, description: 'Prices of items that fit one stay where they are.' })) }, { title: 'PricingControlsInput' });
export const controls = closed({ killSwitch: Type.Boolean(), freeze: Type.Array(pattern), revision: Type.Integer({ description: 'Grows with every change of a policy or of the controls.' }) }, { title: 'PricingControls' });

export const sweep = closed(
  {
    state: Type.Enum(['idle', 'running']),
    done: Type.Integer({ description: 'Items looked at.' }),
    total: Type.Integer({ description: 'About how many there are.' }),
    startedAt: nullable<string>('string', { format: 'date-time' }),
    pricedItems: Type.Integer({ description: 'Items that a policy prices, or compares.' }),
    dueItems: Type.Integer({ description: 'Items that wait to be priced.' }),
  },
  { title: 'PricingSweep' },
);

const quoteLine = closed({ sku: id(), quantity: Type.Integer(), unitPrice: money, total: money, priceVersion: Type.Integer() });
export const quoteInput = closed(
  {
    lines: Type.Array(closed({ sku: id(), quantity: Type.Integer({ minimum: 1, maximum: limits.QUANTITY_MAX }) }), { minItems: 1, maxItems: limits.QUOTE_LINES_MAX }),
    channel: optional(id()),
    ttlSeconds: optional(Type.Integer({ minimum: 1, maximum: limits.QUOTE_TTL_SECONDS_MAX, default: limits.QUOTE_TTL_SECONDS })),
  },
  { title: 'QuoteInput' },
);
export const quote = closed(
  { id: id(), status: Type.Enum(['open', 'expired']), lines: Type.Array(quoteLine), total: money, channel: optional(id()), createdAt: instant(), expiresAt: instant() },
  { title: 'Quote' },
);

const signals = Type.Partial(
  closed({
    available: Type.Number(),
    onHand: Type.Number(),
    reserved: Type.Number(),
    daysOfCover: nullable<number>('number'),
    velocityHour: Type.Number({ minimum: 0 }),
    velocityDay: Type.Number({ minimum: 0 }),
    sellThrough: Type.Number({ minimum: 0, maximum: 1 }),
    ageDays: Type.Number({ minimum: 0 }),
    price: moneyOrNone,
    basePrice: moneyOrNone,
    cost: moneyOrNone,
    hour: Type.Integer({ minimum: 0, maximum: 23 }),
    weekday: Type.Integer({ minimum: 1, maximum: 7 }),
    attributes: free('By name.'),
  }),
  { additionalProperties: false, title: 'SignalsInput' },
);

/** Cases of one simulation: some milliseconds of computing. */
const CASES_MAX = 1_000;

export const simulationInput = closed(
  {
    policy: free('As it is put.'),
    item: closed({ sku: optional(id()), name: optional(text(500)), price: money, cost: optional(money), attributes: optional(free('By name.')) }),
    cases: Type.Array(closed({ at: optional(instant()), signals }), { minItems: 1, maxItems: CASES_MAX }),
  },
  { title: 'PricingSimulationInput' },
);
export const simulation = closed(
  {
    results: Type.Array(closed({ at: instant(), model: nullable<number>('number', { description: 'What the strategy says, unrounded, in currency units; null where it says nothing.' }), price: money, why: Type.Array(step), degraded: Type.Boolean() })),
  },
  { title: 'PricingSimulation' },
);
