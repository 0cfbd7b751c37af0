import { InvalidArgumentError } from 'commander';

/** Reads a flag's number, or says which numbers it may be. */
export function between(least: number, most: number, kind: 'whole' | 'any'): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most && (kind === 'any' || Number.isInteger(value))) return value;
    throw new InvalidArgumentError(`It must be a ${kind === 'whole' ? 'whole ' : ''}number from ${least} to ${most}.`);
  };
}
