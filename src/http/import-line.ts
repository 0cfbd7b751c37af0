import type { JsonObject } from '../base/json.ts';
import type { ImportLine, LocationDefinition } from '../rooms/inventory/inventory.ts';
import { readAdjustment } from './adjustment.ts';
import { checked, isId } from './input.ts';
import type { InputFault } from './problem.ts';
import { halfPlace } from './routes/locations.ts';
import { itemChanges, itemInput, locationInput } from './schemas.ts';

/** How the lines of an import are meant. */
export interface ImportRules {
  /** `merge`: what a line does not say stays as it is. `replace`: it takes its default, as in a PUT. */
  readonly items: 'merge' | 'replace';
  /** A line that only changes stock makes the item that it names. */
  readonly createItems: boolean;
}

type Commands = ImportLine['commands'];

/** What a line says about stock; everything else that it says describes the item. */
const STOCK = new Set(['location', 'bucket', 'change', 'count', 'expected', 'move', 'from', 'to', 'reason', 'reference', 'note']);
const CHANGES = ['change', 'count', 'move'] as const;

const checks = { merge: checked(itemChanges), replace: checked(itemInput) };
const checkLocation = checked(locationInput);

/**
 * The commands that a line of an import asks for, or everything that is wrong with it. With a `sku` it describes the
 * item, changes its stock, or both, in the members that the interface has for either; without one it describes the
 * place that `location` names.
 */
export function readImportLine(value: unknown, rules: ImportRules): Commands | { readonly faults: readonly InputFault[] } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { faults: [{ pointer: '', detail: 'must be a JSON object' }] };
  return Object.hasOwn(value, 'sku') ? readItem(value as JsonObject, rules) : readLocation(value as JsonObject); // parsed from JSON or a table
}

function readItem(value: JsonObject, rules: ImportRules): Commands | { faults: InputFault[] } {
  const definition: Record<string, JsonObject[string]> = {};
  const stock: Record<string, JsonObject[string]> = {};
  let [describes, changes] = [false, false];
  for (const name in value) {
    if (name === 'sku') continue;
    if (STOCK.has(name)) changes = true;
    else describes = true;
    (STOCK.has(name) ? stock : definition)[name] = value[name];
  }
  const named = idOf(value['sku']);
  const faults: InputFault[] = named === '' ? [{ pointer: '/sku', detail: SKU }] : [];
  const commands: Commands[number][] = [];
  const check = checks[rules.items];
  if (describes && !check.accepts(definition)) faults.push(...check.faults(definition));
  if (describes) commands.push({ type: 'DefineItem', sku: named, mode: rules.items === 'merge' ? 'upsert' : 'replace', definition });
  else if (!changes || rules.createItems) commands.push({ type: 'DefineItem', sku: named, mode: 'create', definition: {} });
  const adjustment = changes ? readStock(named, stock) : undefined;
  if (Array.isArray(adjustment)) faults.push(...adjustment);
  else if (adjustment) commands.push(adjustment);
  return faults.length > 0 ? { faults } : commands;
}

/** Nothing where it cannot be one. */
function idOf(value: unknown): string {
  return typeof value === 'string' && isId(value) ? value : '';
}

const SKU = 'must be 1 to 128 printable characters without "/", in Unicode NFC, and not "." or ".."';

function readStock(sku: string, stock: Record<string, JsonObject[string]>): ReturnType<typeof readAdjustment> {
  if (!CHANGES.some((name) => Object.hasOwn(stock, name))) return [{ pointer: '/count', detail: `is required beside ${Object.keys(stock).join(', ')}; a change will do instead` }];
  // Whoever says how many there are has counted them.
  if (Object.hasOwn(stock, 'count') && stock['reason'] === undefined) stock['reason'] = 'counted';
  return readAdjustment(sku, stock);
}

function readLocation({ location, ...definition }: JsonObject): Commands | { faults: InputFault[] } {
  if (location === undefined) return { faults: [{ pointer: '/sku', detail: 'is required, or a location to be described' }] };
  const id = idOf(location);
  const faults: InputFault[] = id === '' ? [{ pointer: '/location', detail: SKU }] : [];
  const half = halfPlace(definition);
  if (half) faults.push(half);
  if (!checkLocation.accepts(definition)) faults.push(...checkLocation.faults(definition));
  if (faults.length > 0) return { faults };
  const described: LocationDefinition = { ...(definition as unknown as Omit<LocationDefinition, 'active'>), active: definition['active'] !== false }; // it passed the schema of a location
  return [{ type: 'DefineLocation', id, definition: described }];
}
