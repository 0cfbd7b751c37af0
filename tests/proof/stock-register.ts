import { checkHistory, type Called, type Model } from './linearizable.ts';

/** What clients ask of one SKU. */
export type StockInput =
  | { readonly type: 'reserve'; readonly quantity: number }
  | { readonly type: 'release' | 'confirm'; readonly hold: string; readonly quantity: number }
  | { readonly type: 'adjust'; readonly change: number }
  | { readonly type: 'read' };

/** What they are told. */
export type StockOutput =
  | { readonly type: 'granted'; readonly hold: string }
  | { readonly type: 'insufficient'; readonly available: number }
  | { readonly type: 'done' }
  /** The hold had ended before. */
  | { readonly type: 'ended'; readonly as: 'released' | 'confirmed' }
  | { readonly type: 'levels'; readonly onHand: number; readonly reserved: number; readonly allocated: number; readonly available: number };

export type StockCall = Called<StockInput, StockOutput>;

interface Stock {
  readonly onHand: number;
  readonly reserved: number;
  readonly allocated: number;
}

const availableOf = ({ onHand, reserved, allocated }: Stock): number => Math.max(0, onHand - reserved - allocated);

/** What cannot be explained if one call after another came to a shelf with these units; undefined where all can. */
export function contradiction(history: readonly StockCall[], onHand: number): string | undefined {
  const lives = livesOf(history);
  if (typeof lives === 'string') return lives;
  const finding = checkHistory(lives, register(onHand));
  if (finding.linearizable) return undefined;
  return `${finding.explained} of ${lives.length} calls are explained, then none of ${JSON.stringify(finding.stuckAt)}`;
}

/**
 * The lives of single holds, apart from how many there are: each ends once, after it was handed out, and whoever hears
 * that it has ended heard it after that. So the call that ended it must have taken effect before such an answer came,
 * which is all that the answer says; with that, holds of one size are alike for the rest of the check.
 */
function livesOf(history: readonly StockCall[]): StockCall[] | string {
  const late = Map.groupBy(history.filter(({ output }) => output?.type === 'ended'), ({ input }) => holdOf(input));
  const granted = new Map(history.flatMap(({ output, returned }) => (output?.type === 'granted' ? [[output.hold, returned] as const] : [])));
  const winners = new Map<string, StockCall>();
  for (const call of history) {
    const { input, output, called } = call;
    if (!isStep(input)) continue;
    if ((granted.get(input.hold) ?? Number.POSITIVE_INFINITY) > called) return `a step on ${input.hold} before it was handed out`;
    if (output?.type !== 'done') continue;
    if (winners.has(input.hold)) return `${input.hold} ended twice`;
    winners.set(input.hold, call);
  }
  for (const [hold, calls] of late) {
    const winner = winners.get(hold) ?? history.find(({ input, output }) => output === undefined && holdOf(input) === hold && calls.every((call) => endedBy(input, call)));
    if (!winner) return `${hold} is said to have ended, and nobody ended it so`;
    if (!calls.every((call) => endedBy(winner.input, call))) return `${hold} is said to have ended otherwise than it did`;
    const returned = Math.min(winner.returned, ...calls.map((call) => call.returned));
    if (returned < winner.called) return `${hold} is said to have ended before anybody ended it`;
    winners.set(hold, { ...winner, output: { type: 'done' }, returned });
  }
  const others = history.filter(({ input, output }) => !isStep(input) || (output === undefined && !winners.has(input.hold)));
  return [...others.filter(({ input, output }) => input.type !== 'read' || output !== undefined), ...winners.values()];
}

const isStep = (input: StockInput): input is StockInput & { type: 'release' | 'confirm' } => input.type === 'release' || input.type === 'confirm';
const holdOf = (input: StockInput): string => (isStep(input) ? input.hold : '');

function endedBy(input: StockInput, { output }: StockCall): boolean {
  return output?.type === 'ended' && output.as === (input.type === 'confirm' ? 'confirmed' : 'released');
}

/** How a single shelf would answer if one person after another came to it. */
function register(onHand: number): Model<Stock, StockInput, StockOutput> {
  return {
    initial: { onHand, reserved: 0, allocated: 0 },
    step(stock, input, output) {
      switch (input.type) {
        case 'reserve':
          return reserve(stock, input.quantity, output);
        case 'release':
          return { ...stock, reserved: stock.reserved - input.quantity };
        case 'confirm':
          return { ...stock, reserved: stock.reserved - input.quantity, allocated: stock.allocated + input.quantity };
        case 'adjust':
          return { ...stock, onHand: stock.onHand + input.change };
        case 'read':
          return output?.type === 'levels' && shows(stock, output) ? stock : undefined;
        default:
          return input satisfies never;
      }
    },
    keyOf: ({ onHand, reserved, allocated }) => `${onHand} ${reserved} ${allocated}`,
    nameOf: (input, output) => JSON.stringify([{ ...input, hold: undefined }, { ...output, hold: undefined }]),
  };
}

function reserve(stock: Stock, quantity: number, output: StockOutput | undefined): Stock | undefined {
  const available = availableOf(stock);
  if (output?.type === 'insufficient') return quantity > available && output.available === available ? stock : undefined;
  return quantity > available ? undefined : { ...stock, reserved: stock.reserved + quantity };
}

function shows(stock: Stock, levels: StockOutput & { type: 'levels' }): boolean {
  return levels.onHand === stock.onHand && levels.reserved === stock.reserved && levels.allocated === stock.allocated && levels.available === availableOf(stock);
}
