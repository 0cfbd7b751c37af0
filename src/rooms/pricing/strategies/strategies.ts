/**
 * Strategies that are computed: from what is known of an item to a price and the steps to it. Each starts from the base
 * price; none knows what guardrails will make of its answer. What needs somebody else's answer, functions and modules, is
 * called elsewhere.
 */
import type { GallegoVanRyzinStrategy, LearnedStrategy, RulesStrategy, RunOutStrategy } from '../policy.ts';
import { compileGallegoVanRyzin, compileLearned, compileRunOut } from './models.ts';
import { compileRules } from './rules.ts';
import type { PriceModel } from './trace.ts';

export type ComputedStrategy = RulesStrategy | RunOutStrategy | GallegoVanRyzinStrategy | LearnedStrategy;

/** Makes a strategy ready, once for each version of a policy. */
export function compileStrategy(strategy: ComputedStrategy): PriceModel {
  switch (strategy.kind) {
    case 'rules':
      return compileRules(strategy);
    case 'run-out':
      return compileRunOut(strategy);
    case 'gallego-van-ryzin':
      return compileGallegoVanRyzin(strategy);
    case 'learned':
      return compileLearned(strategy);
    default:
      return strategy satisfies never;
  }
}
