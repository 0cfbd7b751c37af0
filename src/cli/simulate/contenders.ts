import { readFile } from 'node:fs/promises';
import { basename, extname } from 'node:path';
import { ConfigError } from '../../app/app.ts';
import { DAY_MS, exponentialRunOutPrice, parsePolicy, type ComputedStrategy, type Guardrails } from '../../rooms/pricing/pricing.ts';
import type { HistoryItem } from './history.ts';
import type { DemandModel } from './demand-model.ts';
import type { Contender, Season } from './season.ts';

const HOUR_MS = 3_600_000;
/** Policies that look at the time are priced again every minute, as in the server, or as often as makes sense in a long season. */
const TICKS_MAX = 2_000;

function tickOf({ startMs, endMs }: Season): number {
  return Math.max(60_000, (endMs - startMs) / TICKS_MAX);
}

/** Rules as a merchant would write them for a season: dearer where stock goes early, cheaper where it stays. */
function seasonRules(days: number): ComputedStrategy {
  const early = (name: string, share: number, percent: number) => ({ name, when: { ageDays: [{ numeric: ['<', days * share] }], sellThrough: [{ numeric: ['>=', share] }] }, change: { percent } });
  const late = (name: string, after: number, below: number, percent: number) => ({ name, when: { ageDays: [{ numeric: ['>', days * after] }], sellThrough: [{ numeric: ['<', below] }] }, change: { percent } });
  return {
    kind: 'rules',
    rules: [early('a quarter went early', 0.25, 15), early('half went early', 0.5, 15), early('most went early', 0.75, 15), late('most is left at half time', 0.5, 0.3, -15), late('much is left at the end', 0.8, 0.6, -15)],
  };
}

/** Less than half a per cent is no change: without it a price that follows the time changes every minute. */
export const STEADY: Guardrails = { hysteresisPercent: 0.5 };
const RULES_GUARDRAILS: Guardrails = { ...STEADY, ceiling: { factor: 2 } };

/** No policy, and the same rules once an hour and at once. */
export function plainContenders(season: Season): Contender[] {
  const strategy = seasonRules((season.endMs - season.startMs) / DAY_MS);
  return [
    { name: 'static' },
    { name: 'rules, hourly batch', strategy, guardrails: RULES_GUARDRAILS, everyMs: HOUR_MS },
    { name: 'rules, event-driven', strategy, guardrails: RULES_GUARDRAILS, onStock: true, everyMs: tickOf(season) },
  ];
}

/** Run-out and Gallego–van Ryzin with what the first quarter taught: the rate at the base price, and the elasticity that was given. */
export function learnedContenders({ season, perDay }: HistoryItem, elasticity: number): Contender[] {
  const seasonEnd = new Date(season.endMs).toISOString();
  const alpha = (elasticity * 100) / season.basePrice.amount;
  const rest = { guardrails: STEADY, onStock: true, everyMs: tickOf(season) };
  return [
    { name: 'run-out', strategy: { kind: 'run-out', elasticity, referencePerDay: perDay, seasonEnd }, ...rest },
    // The exponential demand that has this rate and this elasticity at the base price.
    { name: 'gallego-van-ryzin', strategy: { kind: 'gallego-van-ryzin', demandPerDay: perDay * Math.exp(elasticity), alpha, seasonEnd, ...(season.cost === null ? {} : { salvage: season.cost.amount / 100 }) }, ...rest },
  ];
}

/** What theory knows of an exponential demand: two prices that stay, and two strategies that follow stock and time. */
export function theoreticalContenders({ perDay, alpha }: DemandModel, season: Season, perUnit: number): Contender[] {
  const { units, startMs, endMs, basePrice, cost } = season;
  const worth = cost === null ? 0 : cost.amount / perUnit;
  const best = worth + 1 / alpha;
  const base = basePrice.amount / perUnit;
  const seasonEnd = new Date(endMs).toISOString();
  const rest = { guardrails: STEADY, onStock: true, everyMs: tickOf(season) };
  return [
    fixedAt('best margin, fixed', best * perUnit),
    fixedAt('run-out, fixed', Math.max(best, exponentialRunOutPrice({ demandPerDay: perDay, alpha }, units, (endMs - startMs) / DAY_MS)) * perUnit),
    // The constant elasticity and the rate that this demand has at the base price.
    { name: 'run-out', strategy: { kind: 'run-out', elasticity: Math.max(0.1, alpha * base), referencePerDay: perDay * Math.exp(-alpha * base), seasonEnd }, ...rest },
    { name: 'gallego-van-ryzin', strategy: { kind: 'gallego-van-ryzin', demandPerDay: perDay, alpha, seasonEnd, salvage: worth }, ...rest },
  ];
}

function fixedAt(name: string, amount: number): Contender {
  return { name, strategy: { kind: 'rules', rules: [{ name, when: {}, change: { set: Math.round(amount) } }] } };
}

/** A policy from a file, in the form that `PUT /v1/pricing/policies/{id}` takes; what it matches does not count here. */
export async function contenderFrom(file: string): Promise<(season: Season) => Contender> {
  const json = await readFile(file, 'utf8').then((text) => JSON.parse(text) as unknown).catch((error: unknown) => {
    throw new ConfigError(`${file} cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  });
  const parsed = parsePolicy(typeof json === 'object' ? { priority: 0, match: {}, ...json } : json);
  if ('faults' in parsed) throw new ConfigError(`${file} is no policy: ${parsed.faults.map(({ pointer, detail }) => `${pointer} ${detail}`).join('; ')}`);
  const { strategy, guardrails } = parsed.policy;
  if (strategy.kind === 'function' || strategy.kind === 'module') throw new ConfigError(`${file}: a ${strategy.kind} cannot be simulated, because its answers come from elsewhere`);
  return (season) => ({ name: basename(file, extname(file)), strategy, guardrails, onStock: true, everyMs: tickOf(season) });
}
