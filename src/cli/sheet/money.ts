/** How many decimals a currency has, by its code: what ISO 4217 says, as the runtime knows it. */
const decimals = new Map<string, number>();

function decimalsOf(currency: string): number {
  let known = decimals.get(currency);
  if (known === undefined) {
    known = /^[A-Z]{3}$/.test(currency) ? (new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2) : 2;
    decimals.set(currency, known);
  }
  return known;
}

/** `19.99` as 1999, exactly; or why it cannot be. */
export function minorUnits(text: string, currency: string): number | string {
  const parts = /^(\d{1,16})(?:\.(\d+))?$/.exec(text);
  const [, whole = '', fraction = ''] = parts ?? [];
  if (!parts) return `"${text}" is not an amount: write it as 19.99, without a sign for the currency or for thousands`;
  const digits = decimalsOf(currency);
  if (fraction.length > digits) return `"${text}" has more decimals than ${currency} has (${digits})`;
  const amount = Number(`${whole}${fraction.padEnd(digits, '0')}`);
  return Number.isSafeInteger(amount) ? amount : `"${text}" is more than can be counted`;
}

/** The opposite of {@link minorUnits}. */
export function amountText({ amount, currency }: { amount: number; currency: string }): string {
  const digits = decimalsOf(currency);
  if (digits === 0) return String(amount);
  const text = String(amount).padStart(digits + 1, '0');
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}
