import type { Static } from 'typebox';
import type { InventoryCommand } from '../rooms/inventory/inventory.ts';
import { limits } from '../rooms/inventory/inventory.ts';
import { checked } from './input.ts';
import type { InputFault } from './problem.ts';
import { bucket, closed, id, optional, reason, text, units } from './schemas.ts';
import { Type } from './type.ts';

/** What every adjustment says. */
const common = {
  location: optional(id()),
  reason,
  reference: optional(text(limits.REFERENCE_LENGTH_MAX)),
  note: optional(text(limits.NOTE_LENGTH_MAX)),
};
const shapes = {
  change: closed({
    ...common,
    change: Type.Integer({ minimum: -limits.QUANTITY_MAX, maximum: limits.QUANTITY_MAX, description: 'Not 0.' }),
    bucket: optional(bucket),
  }),
  count: closed({ ...common, count: units(), expected: optional(units()), bucket: optional(bucket) }),
  move: closed({ ...common, move: units(1), from: bucket, to: bucket }),
};
type Shape = keyof typeof shapes;
type Input = { [shape in Shape]: Static<(typeof shapes)[shape]> };

export const adjustmentInput = Type.Union([shapes.change, shapes.count, shapes.move], { title: 'AdjustmentInput', description: 'A change, a count, or a move between buckets.' });
/** The same as one line of many. */
export const adjustmentLine = Type.Union([Type.Interface([shapes.change], { sku: id() }), Type.Interface([shapes.count], { sku: id() }), Type.Interface([shapes.move], { sku: id() })], { title: 'AdjustmentLine' });

const checks = { change: checked(shapes.change), count: checked(shapes.count), move: checked(shapes.move) };

export type AdjustmentCommand = Extract<InventoryCommand, { type: 'AdjustStock' | 'CountStock' | 'MoveStock' }>;

/** Which of the three is meant follows from the member that only it has, so that faults are named for that one and not for all. */
function shapeOf(value: object): Shape {
  if (Object.hasOwn(value, 'move')) return 'move';
  return Object.hasOwn(value, 'count') ? 'count' : 'change';
}

/** The command that an adjustment asks for, or everything that is wrong with it. */
export function readAdjustment(sku: string, value: unknown, ifEtag?: string): AdjustmentCommand | InputFault[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ pointer: '', detail: 'must be a JSON object' }];
  const shape = shapeOf(value);
  const faults = checks[shape].accepts(value) ? [] : checks[shape].faults(value);
  faults.push(...contradictions(shape, value).filter(({ pointer }) => !faults.some((fault) => fault.pointer === pointer)));
  return faults.length > 0 ? faults : commandOf(shape, sku, value as never, ifEtag); // it passed the check of its shape
}

/** What a schema cannot say. */
function contradictions(shape: Shape, value: object): InputFault[] {
  const { change, from, to } = value as { change?: unknown; from?: unknown; to?: unknown }; // looked at before use
  if (shape === 'change' && change === 0) return [{ pointer: '/change', detail: 'must not be 0' }];
  if (shape === 'move' && from !== undefined && from === to) return [{ pointer: '/to', detail: 'must be another bucket than from' }];
  return [];
}

function commandOf(shape: Shape, sku: string, value: Input[Shape], ifEtag: string | undefined): AdjustmentCommand {
  const about = { sku, location: value.location ?? 'main', reason: value.reason, ...kept(value), ...(ifEtag === undefined ? undefined : { ifEtag }) };
  switch (shape) {
    case 'change': {
      const { change, bucket = 'sellable' } = value as Input['change']; // by its shape
      return { type: 'AdjustStock', ...about, bucket, change };
    }
    case 'count': {
      const { count, expected, bucket = 'sellable' } = value as Input['count']; // by its shape
      return { type: 'CountStock', ...about, bucket, count, ...(expected === undefined ? undefined : { expected }) };
    }
    case 'move': {
      const { move, from, to } = value as Input['move']; // by its shape
      return { type: 'MoveStock', ...about, move, from, to };
    }
    default:
      return shape satisfies never;
  }
}

function kept({ reference, note }: Input[Shape]): { reference?: string; note?: string } {
  return { ...(reference === undefined ? undefined : { reference }), ...(note === undefined ? undefined : { note }) };
}
