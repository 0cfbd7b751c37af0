/**
 * A typed client of the HTTP interface, for Node.js and for browsers. It uses nothing but `fetch`. Every write carries
 * an Idempotency-Key, so that a call whose answer was lost on the way, or that met an overloaded service, is made
 * again without being done twice. What the service refuses is thrown as a `HoldfastProblem`.
 */
import { events, type Delivered, type EventsOptions } from './events.ts';
import type {
  Adjustment, Allocation, ApiKey, Availabilities, Availability, BatchAccepted, BatchResult, BatchStatus, Check, CommandStatus, EventsPage, Fact, Item,
  ItemInput, Location, LocationInput, Page, Paging, PatternVerdict, PlacedLine, QuantityLine, QueueFigures, ReadToken, Reservation, ReservationChanges, ReservationInput,
  ReservationMove, Scope, Transfer, TransferInput, TransferStatus,
} from './resources.ts';
import type { ImportedPart, ImportPart, ImportStatus } from './imports.ts';
import { Prices, Pricing } from './pricing.ts';
import { Transport, type Call, type CallOptions, type ClientOptions, type Method } from './transport.ts';

export { HoldfastProblem, HoldfastUnreachable, isProblem, type ProblemDocument, type ProblemFault } from './problem.ts';
export type { ImportedPart, ImportPart, ImportStatus } from './imports.ts';
export type { Guardrails, PastPrice, Price, PriceStep, PricingControls, PricingPolicy, PricingPolicyInput, PricingPolicyVersion, PricingSimulation, PricingStrategy, PricingSweep, Quote, SimulatedPrice } from './pricing.ts';
export type { Delivered, EventsOptions } from './events.ts';
export type { AnswerHead, Call, CallOptions, ClientOptions, Method } from './transport.ts';
export type {
  Adjustment, Allocation, ApiKey, Attributes, Availabilities, Availability, BatchAccepted, BatchResult, BatchStatus, Bucket, Check, CommandStatus, EventsPage, Fact, Item, ItemInput,
  Level, LineProblem, Location, LocationInput, Money, OrderLine, Page, Paging, PatternVerdict, PlacedLine, QuantityLine, QueueFigures, ReadToken, Reason, Reservation, ReservationInput, ReservationChanges, ReservationLine, ReservationMove, Scope, Share, Transfer,
  TransferInput, TransferLine, TransferStatus,
} from './resources.ts';

const segment = encodeURIComponent;

export class HoldfastClient {
  readonly #transport: Transport;
  readonly locations: Locations;
  readonly items: Items;
  readonly commands: Commands;
  readonly reservations: Reservations;
  readonly carts: Carts;
  readonly allocations: Allocations;
  readonly transfers: Transfers;
  readonly imports: Imports;
  readonly prices: Prices;
  readonly pricing: Pricing;
  readonly keys: Keys;
  readonly operation: Operation;

  constructor(options: ClientOptions) {
    const transport = new Transport(options);
    this.#transport = transport;
    this.locations = new Locations(transport);
    this.items = new Items(transport);
    this.commands = new Commands(transport);
    this.reservations = new Reservations(transport);
    this.carts = new Carts(transport);
    this.allocations = new Allocations(transport);
    this.transfers = new Transfers(transport);
    this.imports = new Imports(transport);
    this.prices = new Prices(transport);
    this.pricing = new Pricing(transport);
    this.keys = new Keys(transport);
    this.operation = new Operation(transport);
  }

  /** Availability of up to 200 items at once, in the order asked. */
  availability(skus: readonly string[], options?: CallOptions): Promise<Availabilities> {
    return this.#transport.call('GET', '/v1/availability', { ...options, query: { sku: skus } });
  }

  /** Whether an event matches a pattern of EventBridge's language, and if not, why. */
  testPattern(pattern: object, event: object, options?: CallOptions): Promise<PatternVerdict> {
    return this.#transport.call('POST', '/v1/patterns/test', { ...options, body: { pattern, event } });
  }

  /** Adjusts up to 1,000 items at once; lines of one item are applied in order. */
  adjust(lines: readonly (Adjustment & { readonly sku: string })[], options: CallOptions & { createItems?: boolean } = {}): Promise<BatchAccepted> {
    return this.#transport.call('POST', '/v1/adjustments', { ...options, query: { createItems: options.createItems }, body: lines });
  }

  /** The same as `adjust` for up to 100,000 lines: they travel as NDJSON. */
  adjustMany(lines: readonly (Adjustment & { readonly sku: string })[], options: CallOptions & { createItems?: boolean } = {}): Promise<BatchAccepted> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    return this.#transport.call('POST', '/v1/adjustments', { ...options, query: { createItems: options.createItems }, raw: { type: 'application/x-ndjson', text } });
  }

  /** A page of facts after a cursor, waiting up to `waitSeconds` for the first. An empty page is the end for now. */
  eventsPage(asked: { after?: string; types?: readonly string[]; key?: string; limit?: number; waitSeconds?: number } = {}, options?: CallOptions): Promise<EventsPage> {
    const { after, types, key, limit, waitSeconds } = asked;
    return this.#transport.call('GET', '/v1/events', { ...options, query: { after, type: types, key, limit, wait: waitSeconds } });
  }

  /** Facts as they happen, across disconnects, without a gap: `for await (const { fact, cursor } of client.events())`. */
  events(options: EventsOptions = {}): AsyncGenerator<Delivered, void, undefined> {
    return events(this.#transport, options);
  }

  /** Any other request of the interface, with the same retries and problems. */
  request<T>(method: Method, path: string, call?: Call): Promise<T> {
    return this.#transport.call(method, path, call);
  }
}

/** What the parts of the client have in common. */
class Part {
  protected readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  protected post<T>(path: string, body: unknown, options?: CallOptions): Promise<T> {
    return this.transport.call('POST', path, { ...options, body });
  }
}

class Locations extends Part {
  put(id: string, location: LocationInput, options?: CallOptions): Promise<Location> {
    return this.transport.call('PUT', `/v1/locations/${segment(id)}`, { ...options, body: location });
  }
  get(id: string, options?: CallOptions): Promise<Location> {
    return this.transport.call('GET', `/v1/locations/${segment(id)}`, options);
  }
  list(paging?: Paging, options?: CallOptions): Promise<Page<Location>> {
    return this.transport.call('GET', '/v1/locations', { ...options, query: { ...paging } });
  }
  async delete(id: string, options: CallOptions & { moveStockTo?: string } = {}): Promise<void> {
    await this.transport.call('DELETE', `/v1/locations/${segment(id)}`, { ...options, query: { moveStockTo: options.moveStockTo } });
  }
}

class Items extends Part {
  put(sku: string, item: ItemInput, options?: CallOptions): Promise<Item> {
    return this.transport.call('PUT', `/v1/items/${segment(sku)}`, { ...options, body: item });
  }
  patch(sku: string, changes: { readonly [member in keyof ItemInput]?: ItemInput[member] | null }, options?: CallOptions): Promise<Item> {
    return this.transport.call('PATCH', `/v1/items/${segment(sku)}`, { ...options, body: changes });
  }
  get(sku: string, options?: CallOptions): Promise<Item> {
    return this.transport.call('GET', `/v1/items/${segment(sku)}`, options);
  }
  list(asked: Paging & { q?: string; available?: boolean; attributes?: Readonly<Record<string, string>> } = {}, options?: CallOptions): Promise<Page<Item>> {
    const { attributes = {}, ...query } = asked;
    const byAttribute = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`attribute.${name}`, value]));
    return this.transport.call('GET', '/v1/items', { ...options, query: { ...query, ...byAttribute } });
  }
  async delete(sku: string, options?: CallOptions): Promise<void> {
    await this.transport.call('DELETE', `/v1/items/${segment(sku)}`, options);
  }
  availability(sku: string, asked: { channel?: string; location?: string; cartId?: string; at?: string } = {}, options?: CallOptions): Promise<Availability> {
    return this.transport.call('GET', `/v1/items/${segment(sku)}/availability`, { ...options, query: { ...asked } });
  }
  /** Puts an adjustment in the queue, or with `waitSeconds` waits until it is applied; a refusal while waiting is thrown. */
  adjust(sku: string, adjustment: Adjustment, options: CallOptions & { waitSeconds?: number } = {}): Promise<CommandStatus> {
    const prefer = options.waitSeconds === undefined ? undefined : { prefer: `wait=${options.waitSeconds}` };
    return this.post(`/v1/items/${segment(sku)}/adjustments`, adjustment, { ...options, ...prefer });
  }
  /** The item's facts, newest first. */
  history(sku: string, paging?: Paging, options?: CallOptions): Promise<Page<Fact>> {
    return this.transport.call('GET', `/v1/items/${segment(sku)}/history`, { ...options, query: { ...paging } });
  }
  /** Whether the item's facts add up to its levels and no promise exceeds its limit. */
  check(sku: string, options?: CallOptions): Promise<Check> {
    return this.transport.call('GET', `/v1/items/${segment(sku)}/check`, options);
  }
}

/** What was accepted and is done later. */
class Commands extends Part {
  get(commandId: string, options?: CallOptions): Promise<CommandStatus> {
    return this.transport.call('GET', `/v1/commands/${segment(commandId)}`, options);
  }
  batch(batchId: string, options?: CallOptions): Promise<BatchStatus> {
    return this.transport.call('GET', `/v1/batches/${segment(batchId)}`, options);
  }
}

class Reservations extends Part {
  create(reservation: ReservationInput, options?: CallOptions): Promise<Reservation> {
    return this.post('/v1/reservations', reservation, options);
  }
  /** Up to 1,000 reservations, each on its own. */
  batch(reservations: readonly ReservationInput[], options?: CallOptions): Promise<{ results: readonly BatchResult[] }> {
    return this.post('/v1/reservations/batch', { reservations }, options);
  }
  get(id: string, options?: CallOptions): Promise<Reservation> {
    return this.transport.call('GET', `/v1/reservations/${segment(id)}`, options);
  }
  list(asked: Paging & { cartId?: string; sku?: string; status?: Reservation['status'] } = {}, options?: CallOptions): Promise<Page<Reservation>> {
    return this.transport.call('GET', '/v1/reservations', { ...options, query: { ...asked } });
  }
  /** Changes a hold; where the change is refused it stays as it was. */
  patch(id: string, changes: ReservationChanges, options?: CallOptions): Promise<Reservation> {
    return this.transport.call('PATCH', `/v1/reservations/${segment(id)}`, { ...options, body: changes });
  }
  /** To another cart or location, whose limits are looked at anew. */
  move(id: string, target: ReservationMove, options?: CallOptions): Promise<Reservation> {
    return this.post(`/v1/reservations/${segment(id)}/move`, target, options);
  }
  extend(id: string, ttlSeconds: number | null, options?: CallOptions): Promise<Reservation> {
    return this.post(`/v1/reservations/${segment(id)}/extend`, { ttlSeconds }, options);
  }
  release(id: string, part: { lines?: readonly QuantityLine[] } = {}, options?: CallOptions): Promise<Reservation> {
    return this.post(`/v1/reservations/${segment(id)}/release`, part, options);
  }
  confirm(id: string, order: { orderId?: string; lines?: readonly QuantityLine[]; fulfil?: boolean } = {}, options?: CallOptions): Promise<Reservation> {
    return this.post(`/v1/reservations/${segment(id)}/confirm`, order, options);
  }
}

class Carts extends Part {
  /** The cart holds exactly these lines from now on. */
  put(cartId: string, cart: Omit<ReservationInput, 'cartId'>, options?: CallOptions): Promise<Reservation> {
    return this.transport.call('PUT', `/v1/carts/${segment(cartId)}/reservation`, { ...options, body: cart });
  }
  get(cartId: string, options?: CallOptions): Promise<Reservation> {
    return this.transport.call('GET', `/v1/carts/${segment(cartId)}/reservation`, options);
  }
  async delete(cartId: string, options?: CallOptions): Promise<void> {
    await this.transport.call('DELETE', `/v1/carts/${segment(cartId)}/reservation`, options);
  }
}

class Allocations extends Part {
  get(orderId: string, options?: CallOptions): Promise<Allocation> {
    return this.transport.call('GET', `/v1/allocations/${segment(orderId)}`, options);
  }
  fulfil(orderId: string, lines: readonly PlacedLine[], options?: CallOptions): Promise<Allocation> {
    return this.post(`/v1/allocations/${segment(orderId)}/fulfil`, { lines }, options);
  }
  unfulfil(orderId: string, lines: readonly PlacedLine[], options?: CallOptions): Promise<Allocation> {
    return this.post(`/v1/allocations/${segment(orderId)}/unfulfil`, { lines }, options);
  }
  cancel(orderId: string, part: { lines?: readonly QuantityLine[] } = {}, options?: CallOptions): Promise<Allocation> {
    return this.post(`/v1/allocations/${segment(orderId)}/cancel`, part, options);
  }
}

class Transfers extends Part {
  /** Plans a transfer; nothing moves before it is shipped. */
  create(transfer: TransferInput, options?: CallOptions): Promise<Transfer> {
    return this.post('/v1/transfers', transfer, options);
  }
  get(id: string, options?: CallOptions): Promise<Transfer> {
    return this.transport.call('GET', `/v1/transfers/${segment(id)}`, options);
  }
  list(asked: Paging & { status?: TransferStatus; sku?: string; location?: string } = {}, options?: CallOptions): Promise<Page<Transfer>> {
    return this.transport.call('GET', '/v1/transfers', { ...options, query: { ...asked } });
  }
  ship(id: string, options?: CallOptions): Promise<Transfer> {
    return this.post(`/v1/transfers/${segment(id)}/ship`, {}, options);
  }
  /** What has arrived so far, all deliveries together. */
  receive(id: string, lines: readonly { readonly sku: string; readonly received: number }[], options?: CallOptions): Promise<Transfer> {
    return this.post(`/v1/transfers/${segment(id)}/receive`, { lines }, options);
  }
  /** Units on their way go back or are lost: `disposition` says which, once it was shipped. */
  cancel(id: string, end: { disposition?: 'restock' | 'write-off' } = {}, options?: CallOptions): Promise<Transfer> {
    return this.post(`/v1/transfers/${segment(id)}/cancel`, end, options);
  }
}

/** Files of items, stock and places, part by part; a part that is sent again is not done again. */
class Imports extends Part {
  take(importId: string, part: ImportPart, options?: CallOptions): Promise<ImportedPart> {
    return this.post(`/v1/imports/${segment(importId)}/lines`, part, options);
  }
  get(importId: string, options?: CallOptions): Promise<ImportStatus> {
    return this.transport.call('GET', `/v1/imports/${segment(importId)}`, options);
  }
}

class Keys extends Part {
  create(name: string, scopes: readonly Scope[], options?: CallOptions): Promise<{ id: string; key: string }> {
    return this.post('/v1/keys', { name, scopes }, options);
  }
  list(paging?: Paging, options?: CallOptions): Promise<Page<ApiKey>> {
    return this.transport.call('GET', '/v1/keys', { ...options, query: { ...paging } });
  }
  async delete(id: string, options?: CallOptions): Promise<void> {
    await this.transport.call('DELETE', `/v1/keys/${segment(id)}`, options);
  }
  /** A short-lived token that only reads, for a browser's EventSource. */
  token(options?: CallOptions): Promise<ReadToken> {
    return this.transport.call('POST', '/v1/tokens', options);
  }
}

class Operation extends Part {
  /** Resolves where the process is alive. */
  async alive(options?: CallOptions): Promise<void> {
    await this.transport.call('GET', '/healthz', options);
  }
  /** Resolves where the service is caught up and takes writes. */
  async ready(options?: CallOptions): Promise<void> {
    await this.transport.call('GET', '/readyz', options);
  }
  /** The service's figures in Prometheus' text format. */
  metrics(options?: CallOptions): Promise<string> {
    return this.transport.call('GET', '/metrics', options);
  }
  system(options?: CallOptions): Promise<Readonly<Record<string, unknown>>> {
    return this.transport.call('GET', '/v1/system', options);
  }
  /** Makes all views again, while they go on answering; `system()` tells how far that is. */
  rebuildViews(options?: CallOptions): Promise<{ readonly state: 'idle' | 'running' | 'failed'; readonly done: number; readonly total: number; readonly reason?: string }> {
    return this.transport.call('POST', '/v1/views/rebuild', options);
  }
  queues(options?: CallOptions): Promise<readonly QueueFigures[]> {
    return this.transport.call('GET', '/v1/queues', options);
  }
  deadLetters(queue: string, paging?: Paging, options?: CallOptions): Promise<Page<Readonly<Record<string, unknown>>>> {
    return this.transport.call('GET', `/v1/queues/${segment(queue)}/dead-letters`, { ...options, query: { ...paging } });
  }
  async retryDeadLetter(queue: string, id: string, options?: CallOptions): Promise<void> {
    await this.post(`/v1/queues/${segment(queue)}/dead-letters/${segment(id)}/retry`, undefined, options);
  }
}
