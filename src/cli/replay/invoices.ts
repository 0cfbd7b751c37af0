import type { LineFault, SalesLine } from './sales-file.ts';

/** Lines that follow each other in the file and have the same number: one visit to the till. */
export interface Invoice {
  readonly number: string;
  readonly atMs: number;
  /** Of its first line; names the invoice in Idempotency-Keys. */
  readonly line: number;
  readonly sold: readonly SalesLine[];
  readonly returned: readonly SalesLine[];
  readonly writtenOff: readonly SalesLine[];
}

/** What a line does to stock. Credit notes begin with C; other negative quantities are stock that was found to be gone. */
export function kindOf({ invoice, quantity }: SalesLine): 'sold' | 'returned' | 'written-off' | 'nothing' {
  if (quantity === 0) return 'nothing';
  if (quantity > 0) return 'sold';
  return /^C/i.test(invoice) ? 'returned' : 'written-off';
}

/** Gathers lines into invoices, in the order of the file. An invoice is as large as its lines; no more is kept. */
export async function* invoices(lines: AsyncIterable<SalesLine | LineFault>): AsyncGenerator<Invoice> {
  let gathered: SalesLine[] = [];
  for await (const line of lines) {
    if ('fault' in line) continue;
    if (gathered[0] && gathered[0].invoice !== line.invoice) {
      yield invoiceOf(gathered);
      gathered = [];
    }
    gathered.push(line);
  }
  if (gathered.length > 0) yield invoiceOf(gathered);
}

function invoiceOf(lines: readonly SalesLine[]): Invoice {
  const [first] = lines as [SalesLine]; // never called with none
  const of = (kind: ReturnType<typeof kindOf>): SalesLine[] => lines.filter((line) => kindOf(line) === kind);
  return { number: first.invoice, atMs: first.atMs, line: first.line, sold: of('sold'), returned: of('returned'), writtenOff: of('written-off') };
}
