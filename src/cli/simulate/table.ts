import type { Estimate, Result } from './experiment.ts';

/** The results as a table of text, with what half of a 95 % interval is beside each mean. */
export function tableOf(results: readonly Result[]): string {
  const hasMargin = results.some(({ margin }) => margin !== undefined);
  const header = ['policy', 'revenue', ...(hasMargin ? ['margin'] : []), 'gain', 'units', 'sold out', 'after days', 'price changes'];
  const rows = results.map(({ name, revenue, margin, gainPercent, units, soldOut, soldOutDays, changes }) => [
    name,
    of(revenue, 2),
    ...(hasMargin ? [margin ? of(margin, 2) : '–'] : []),
    `${signed(gainPercent.mean)} % ±${gainPercent.within.toFixed(1)}`,
    of(units, 1),
    `${Math.round(soldOut * 100)} %`,
    soldOutDays === undefined ? '–' : soldOutDays.toFixed(soldOutDays < 10 ? 2 : 1),
    of(changes, 1),
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string => cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ').trimEnd();
  return `${[line(header), line(widths.map((width) => '─'.repeat(width))), ...rows.map(line)].join('\n')}\n`;
}

function of({ mean, within }: Estimate, decimals: number): string {
  const places = mean >= 10_000 ? 0 : decimals;
  return `${mean.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })} ±${within.toLocaleString('en', { minimumFractionDigits: places, maximumFractionDigits: places })}`;
}

function signed(value: number): string {
  const text = value.toFixed(1);
  return value < 0 ? text.replace('-', '−') : `+${text}`;
}
