import type { Nets } from './availability.ts';
import type { ItemDefinition } from './commands.ts';
import type { Exceeded, InventoryEvent } from './events.ts';
import { itemKey } from './keys.ts';
import { exceededFor, type Item } from './state.ts';

type Crossing = Extract<InventoryEvent, { type: 'inventory.threshold.crossed' }>;

/** What is available to a channel, or to nobody in particular. */
interface Watched {
  readonly channel: string;
  readonly before: number;
  readonly after: number;
}

/**
 * The thresholds that what is available crosses, once there was something: first those that time crossed unsaid, because holds ran out, then those
 * that the change crosses. What was said last is in `item.exceeded`, so that each crossing is told of once.
 */
export function crossingsOf(item: Item, definition: ItemDefinition, nets: Nets, now: number): readonly InventoryEvent[] {
  const { thresholds, channelBuffers } = definition;
  if (!item.stocked || isQuiet(item, definition, nets)) return NONE;
  const facts: Crossing[] = [];
  collect(facts, item, thresholds, { channel: '', ...nets }, now);
  for (const channel in channelBuffers) {
    const before = nets.before - (item.definition?.channelBuffers[channel] ?? 0);
    collect(facts, item, thresholds, { channel, before, after: nets.after - (channelBuffers[channel] ?? 0) }, now);
  }
  return facts;
}

const NONE: readonly InventoryEvent[] = [];

/** The usual case, found without making anything: nothing is crossed, and what was said last is so. */
function isQuiet(item: Item, { thresholds, channelBuffers }: ItemDefinition, { before, after }: Nets): boolean {
  if (!isQuietFor(exceededFor(item, ''), thresholds, before, after)) return false;
  for (const channel in channelBuffers) {
    const old = item.definition?.channelBuffers[channel] ?? 0;
    if (!isQuietFor(exceededFor(item, channel), thresholds, before - old, after - (channelBuffers[channel] ?? 0))) return false;
  }
  return true;
}

function isQuietFor(exceeded: readonly number[], thresholds: readonly number[], before: number, after: number): boolean {
  for (const threshold of thresholds) {
    const said = exceeded.includes(threshold);
    if (before > threshold !== said || after > threshold !== said) return false;
  }
  return true;
}

function collect(facts: Crossing[], item: Item, thresholds: readonly number[], watched: Watched, now: number): void {
  const exceeded = exceededFor(item, watched.channel);
  const known = thresholds.filter((threshold) => isWatched(item, watched.channel, threshold));
  const said = (threshold: number): boolean => exceeded.includes(threshold);
  facts.push(...steps(known, said, watched.before, item.sku, watched.channel, now));
  facts.push(...steps(known, (threshold) => watched.before > threshold, watched.after, item.sku, watched.channel, now));
}

/** Whether a side of the threshold is known: it is new where the description that names it is just being given. */
function isWatched(item: Item, channel: string, threshold: number): boolean {
  const { definition } = item;
  return definition !== undefined && definition.thresholds.includes(threshold) && (channel === '' || definition.channelBuffers[channel] !== undefined);
}

/** Thresholds between one side and what is available then, in the order in which they are passed. */
function steps(thresholds: readonly number[], exceeds: (threshold: number) => boolean, net: number, sku: string, channel: string, now: number): Crossing[] {
  const up = thresholds.filter((threshold) => !exceeds(threshold) && net > threshold).toSorted((a, b) => a - b);
  const down = thresholds.filter((threshold) => exceeds(threshold) && net <= threshold).toSorted((a, b) => b - a);
  const available = Math.max(0, net);
  const fact = (direction: 'up' | 'down') => (threshold: number): Crossing => ({
    type: 'inventory.threshold.crossed',
    key: itemKey(sku),
    time: now,
    data: { threshold, direction, available, ...(channel === '' ? undefined : { channel }) },
  });
  return [...up.map(fact('up')), ...down.map(fact('down'))];
}

/**
 * What is to be said of a bundle, whose figures follow from its parts: the thresholds on whose other side it is now than
 * was said last; and those that it exceeds although nothing crossed them, where it or a channel is looked at for the
 * first time or thresholds are new.
 */
export function bundleCrossings(item: Item, definition: ItemDefinition, nets: ReadonlyMap<string, number>, now: number): { crossed: readonly InventoryEvent[]; exceeded: Exceeded | undefined } {
  const crossed: Crossing[] = [];
  const exceeded: [string, number[]][] = [];
  if (!item.stocked && (nets.get('') ?? 0) <= 0) return { crossed, exceeded: undefined };
  for (const [channel, net] of nets) {
    const isKnown = item.stocked && (channel === '' || item.exceeded.some(([name]) => name === channel));
    const watched = isKnown ? definition.thresholds.filter((threshold) => item.definition?.thresholds.includes(threshold)) : [];
    crossed.push(...steps(watched, (threshold) => exceededFor(item, channel).includes(threshold), net, item.sku, channel, now));
    const fresh = definition.thresholds.filter((threshold) => net > threshold && !watched.includes(threshold));
    if (!isKnown || fresh.length > 0) exceeded.push([channel, fresh]);
  }
  return { crossed, exceeded: exceeded.length === 0 ? undefined : exceeded };
}

/** The thresholds that are exceeded although nothing crosses them: of a description, those that it names anew; all where the item has something for the first time. */
export function newlyExceeded(item: Item, definition: ItemDefinition, net: number): Exceeded {
  const exceeded: [string, number[]][] = [];
  const look = (channel: string, buffer: number): void => {
    const fresh = definition.thresholds.filter((threshold) => net - buffer > threshold && !(item.stocked && isWatched(item, channel, threshold)));
    if (fresh.length > 0) exceeded.push([channel, fresh]);
  };
  look('', 0);
  for (const channel in definition.channelBuffers) look(channel, definition.channelBuffers[channel] ?? 0);
  return exceeded;
}
