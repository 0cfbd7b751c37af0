import { minorPerUnit, type Money } from '../money.ts';
import type { GallegoVanRyzinStrategy, LearnedStrategy, RunOutStrategy } from '../policy.ts';
import type { Signals } from '../signals.ts';
import { DAY_MS } from './demand.ts';
import { learnedElasticity } from './elasticity.ts';
import { gallegoVanRyzinPrice } from './gallego-van-ryzin.ts';
import { monopolyPrice, runOutPrice } from './run-out.ts';
import { Trace, type Known, type PriceModel } from './trace.ts';

/**
 * The price at which the stock lasts to the end, or the one that earns most from each unit where that is higher. After
 * the end the price stays what it is. Never falls when stock falls.
 */
export function compileRunOut({ elasticity, referencePerDay, horizonDays, seasonEnd }: RunOutStrategy): PriceModel {
  const endMs = seasonEnd === undefined ? undefined : Date.parse(seasonEnd);
  return (known) => {
    const { basePrice, cost, signals, now } = known;
    const trace = new Trace(basePrice);
    const days = endMs === undefined ? (horizonDays ?? 0) : (endMs - now) / DAY_MS;
    if (days <= 0) {
      trace.step('run-out', shownPrice(known), 'the season is over: the price stays');
      return trace.priced('run-out', '');
    }
    const units = unitsToPrice(signals);
    trace.step('run-out', runOutPrice({ elasticity, referencePerDay, referencePrice: basePrice.amount }, units, days), `${stock(signals)} are to last ${inDays(days)} at ${number(referencePerDay)} a day for the base price, elasticity ${elasticity}`);
    const best = cost !== null && elasticity > 1 ? monopolyPrice(cost.amount, elasticity) : 0;
    if (best > trace.value) trace.step('best-margin', best, `there is more stock than sells at the price that earns most: ${number(elasticity / (elasticity - 1))} times the cost`);
    return trace.priced('run-out', '');
  };
}

/** The price of Gallego and van Ryzin, of which only the salvage value and the numbers of demand are given. Never falls when stock falls. */
export function compileGallegoVanRyzin(strategy: GallegoVanRyzinStrategy): PriceModel {
  const endMs = Date.parse(strategy.seasonEnd);
  return ({ basePrice, signals, now }) => {
    const days = Math.max(0, (endMs - now) / DAY_MS);
    const trace = new Trace(basePrice);
    const reason = days > 0 ? `${stock(signals)} and ${inDays(days)} are left` : 'the season is over: what is left sells at the price without a time';
    trace.step('gallego-van-ryzin', gallegoVanRyzinPrice(strategy, unitsToPrice(signals), days) * minorPerUnit(basePrice.currency), reason);
    return trace.priced('gallego-van-ryzin', '');
  };
}

/** Price points of an item and its category below which a line through them says too little. */
const PRICE_POINTS_MIN = 30;

/**
 * The price that earns most from each unit under the elasticity that sales have shown. Without the cost, or before there
 * are 30 price points, the base price is moved by how long the stock lasts and how briskly it sells.
 */
export function compileLearned({ priorElasticity }: LearnedStrategy): PriceModel {
  return ({ basePrice, cost, signals, seen }) => {
    const trace = new Trace(basePrice);
    const points = Math.max(seen?.item.points ?? 0, seen?.category.points ?? 0);
    if (cost !== null && seen !== undefined && points >= PRICE_POINTS_MIN) {
      const elasticity = learnedElasticity({ prior: priorElasticity, category: seen.category, item: seen.item });
      trace.step('learned', monopolyPrice(cost.amount, elasticity), `elasticity ${number(elasticity)} from ${seen.item.points} prices of the item and ${seen.category.points} of its category`);
      return trace.priced('learned', '');
    }
    const why = cost === null ? 'the cost is not known' : `${points} prices were seen and ${PRICE_POINTS_MIN} are needed`;
    trace.step('cover', trace.value * coverFactor(signals), `${why}; the stock lasts ${signals.daysOfCover === null ? 'for ever' : inDays(signals.daysOfCover)}, ${COVER_DAYS} days are aimed at`);
    trace.step('velocity', trace.value * velocityFactor(signals), `${number(signals.velocityHour)} a day in the last hours, ${number(signals.velocityDay)} in the last days`);
    return trace.priced('learned', '');
  };
}

/** Days that stock is meant to last, and how strongly the price follows: 0.3 % for each per cent of cover that is missing. */
const COVER_DAYS = 30;
const COVER_WEIGHT = 0.3;
/** The exponent on how much brisker an item sells now than it did. */
const VELOCITY_WEIGHT = 0.1;
/** How far each factor moves a price whose demand is not known yet. */
const FACTOR_MIN = 0.85;
const FACTOR_MAX = 1.2;

function coverFactor({ daysOfCover }: Signals): number {
  return withinBounds(daysOfCover === null ? FACTOR_MIN : 1 + (COVER_WEIGHT * (COVER_DAYS - daysOfCover)) / COVER_DAYS);
}

function velocityFactor({ velocityHour, velocityDay }: Signals): number {
  return velocityDay > 0 ? withinBounds((velocityHour / velocityDay) ** VELOCITY_WEIGHT) : 1;
}

function withinBounds(factor: number): number {
  return Math.min(FACTOR_MAX, Math.max(FACTOR_MIN, factor));
}

/** With nothing left the price is that of the last unit. */
function unitsToPrice({ available }: Signals): number {
  return Math.max(1, available);
}

function shownPrice({ basePrice, signals }: Known): Money['amount'] {
  return signals.price?.currency === basePrice.currency ? signals.price.amount : basePrice.amount;
}

function stock({ available }: Signals): string {
  return available === 1 ? '1 unit' : `${available} units`;
}

function inDays(days: number): string {
  return `${number(days)} days`;
}

function number(value: number): string {
  return String(Number(value.toPrecision(4)));
}
