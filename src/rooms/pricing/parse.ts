/** JSON becomes a policy, or a list of everything that is wrong with it. */
import { Checks, isObject, type JsonMembers, type PolicyFault } from './checks.ts';
import { AMOUNT_MAX, FREEZE_MAX, PERCENT_MAX, PRIORITY_MAX, RULES_MAX, SECONDS_MAX, TIMEOUT_MS, TIMEOUT_MS_MAX, URL_LENGTH_MAX } from './limits.ts';
import type { Change, Controls, Guardrails, PolicyDefinition, Rule, Strategy } from './policy.ts';

/** A policy as `PUT /v1/pricing/policies/{id}` takes it, with its defaults. */
export function parsePolicy(json: unknown): { readonly policy: PolicyDefinition } | { readonly faults: readonly PolicyFault[] } {
  const checks = new Checks();
  const members = checks.object(json, '', ['priority', 'match', 'mode', 'strategy', 'guardrails']);
  const policy = members && {
    priority: checks.number(members['priority'], '/priority', { max: PRIORITY_MAX, whole: true }) ?? 0,
    match: checks.pattern(members['match'], '/match'),
    mode: checks.oneOf(members['mode'] ?? 'live', '/mode', ['live', 'shadow', 'off'] as const) ?? 'off',
    strategy: strategyOf(members['strategy'], checks),
    guardrails: guardrailsOf(members['guardrails'] ?? {}, checks),
  };
  const { strategy, ...rest } = policy ?? {};
  return strategy && checks.faults.length === 0 ? { policy: { ...(rest as Omit<PolicyDefinition, 'strategy'>), strategy } } : { faults: checks.faults }; // without a fault there is a policy
}

/** Controls as `PUT /v1/pricing/controls` takes them. */
export function parseControls(json: unknown): { readonly controls: Controls } | { readonly faults: readonly PolicyFault[] } {
  const checks = new Checks();
  const members = checks.object(json, '', ['killSwitch', 'freeze']) ?? {};
  const { killSwitch = false, freeze = [] } = members;
  if (typeof killSwitch !== 'boolean') checks.fault('/killSwitch', 'must be true or false');
  const patterns = checks.list(freeze, '/freeze', FREEZE_MAX).map((pattern, i) => checks.pattern(pattern, `/freeze/${i}`));
  return checks.faults.length > 0 ? { faults: checks.faults } : { controls: { killSwitch: killSwitch === true, freeze: patterns } };
}

const KINDS = ['rules', 'run-out', 'gallego-van-ryzin', 'learned', 'function', 'module'] as const;

/** A strategy as far as it could be read: it is used only if nothing was wrong. */
function strategyOf(json: unknown, checks: Checks): Strategy | undefined {
  if (!isObject(json)) return checks.fault('/strategy', json === undefined ? 'is missing' : 'must be an object');
  const kind = checks.oneOf(json['kind'], '/strategy/kind', KINDS);
  return kind && READ[kind](json, checks);
}

const known = (json: JsonMembers, checks: Checks, members: readonly string[]): void => void checks.object(json, '/strategy', ['kind', ...members]);
const ELASTICITY = { above: 0, max: 100 };
const RATE = { above: 0, max: 1e12 };

const READ: { readonly [Kind in Strategy['kind']]: (json: JsonMembers, checks: Checks) => Extract<Strategy, { kind: Kind }> } = {
  rules: (json, checks) => {
    known(json, checks, ['rules']);
    const rules = checks.list(json['rules'], '/strategy/rules', RULES_MAX).map((rule, i) => ruleOf(rule, `/strategy/rules/${i}`, checks));
    return { kind: 'rules', rules };
  },
  'run-out': (json, checks) => {
    known(json, checks, ['elasticity', 'referencePerDay', 'horizonDays', 'seasonEnd']);
    const { horizonDays, seasonEnd } = json;
    if (horizonDays === undefined && seasonEnd === undefined) checks.fault('/strategy/horizonDays', 'is missing: there must be it or seasonEnd');
    if (horizonDays !== undefined && seasonEnd !== undefined) checks.fault('/strategy/seasonEnd', 'must not be there beside horizonDays');
    return {
      kind: 'run-out',
      elasticity: checks.number(json['elasticity'], '/strategy/elasticity', ELASTICITY) ?? 0,
      referencePerDay: checks.number(json['referencePerDay'], '/strategy/referencePerDay', RATE) ?? 0,
      ...member('horizonDays', checks.optional(horizonDays, '/strategy/horizonDays', { above: 0, max: 36_500 })),
      ...member('seasonEnd', seasonEnd === undefined ? undefined : checks.instant(seasonEnd, '/strategy/seasonEnd')),
    };
  },
  'gallego-van-ryzin': (json, checks) => {
    known(json, checks, ['demandPerDay', 'alpha', 'seasonEnd', 'salvage']);
    return {
      kind: 'gallego-van-ryzin',
      demandPerDay: checks.number(json['demandPerDay'], '/strategy/demandPerDay', RATE) ?? 0,
      alpha: checks.number(json['alpha'], '/strategy/alpha', { above: 0, max: 1e6 }) ?? 0,
      seasonEnd: checks.instant(json['seasonEnd'], '/strategy/seasonEnd') ?? '',
      ...member('salvage', checks.optional(json['salvage'], '/strategy/salvage', { min: 0, max: 1e12 })),
    };
  },
  learned: (json, checks) => {
    known(json, checks, ['priorElasticity', 'category']);
    return {
      kind: 'learned',
      priorElasticity: checks.number(json['priorElasticity'], '/strategy/priorElasticity', ELASTICITY) ?? 0,
      ...member('category', json['category'] === undefined ? undefined : checks.text(json['category'], '/strategy/category')),
    };
  },
  function: (json, checks) => {
    known(json, checks, ['url', 'timeoutMs']);
    const url = checks.text(json['url'], '/strategy/url', URL_LENGTH_MAX);
    if (url !== undefined && !isHttp(url)) checks.fault('/strategy/url', 'must be an address that begins with http:// or https://');
    return { kind: 'function', url: url ?? '', timeoutMs: checks.optional(json['timeoutMs'], '/strategy/timeoutMs', { min: 1, max: TIMEOUT_MS_MAX, whole: true }) ?? TIMEOUT_MS };
  },
  module: (json, checks) => {
    known(json, checks, ['path']);
    const path = checks.text(json['path'], '/strategy/path');
    if (path?.split(/[/\\]/).includes('..') === true) checks.fault('/strategy/path', 'must not lead upwards');
    return { kind: 'module', path: path ?? '' };
  },
};

function isHttp(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function ruleOf(json: unknown, pointer: string, checks: Checks): Rule {
  const members = checks.object(json, pointer, ['name', 'when', 'change']) ?? {};
  return {
    name: checks.text(members['name'], `${pointer}/name`) ?? '',
    when: checks.pattern(members['when'], `${pointer}/when`),
    change: changeOf(members['change'], `${pointer}/change`, checks) ?? { percent: 0 },
  };
}

function changeOf(json: unknown, pointer: string, checks: Checks): Change | undefined {
  const says = 'must have exactly one of percent, amount and set';
  if (!isObject(json)) return checks.fault(pointer, json === undefined ? 'is missing' : says);
  const kinds = ['percent', 'amount', 'set'].filter((name) => json[name] !== undefined);
  if (kinds.length !== 1) return checks.fault(pointer, says);
  if (kinds[0] === 'percent') {
    checks.object(json, pointer, ['percent']);
    const percent = checks.number(json['percent'], `${pointer}/percent`, { min: -100, max: PERCENT_MAX });
    return percent === undefined ? undefined : { percent };
  }
  const set = json['set'];
  if (isObject(set)) {
    checks.object(json, pointer, ['set']);
    checks.object(set, `${pointer}/set`, ['amount', 'currency']);
    const money = checks.money(set, `${pointer}/set`);
    return money && { set: money.amount, currency: money.currency };
  }
  checks.object(json, pointer, [...kinds, 'currency']);
  const rest = member('currency', json['currency'] === undefined ? undefined : checks.currency(json['currency'], `${pointer}/currency`));
  const amount = checks.number(json[kinds[0] ?? ''], `${pointer}/${kinds[0]}`, { min: kinds[0] === 'set' ? 0 : -AMOUNT_MAX, max: AMOUNT_MAX, whole: true });
  if (amount === undefined) return undefined;
  return kinds[0] === 'set' ? { set: amount, ...rest } : { amount, ...rest };
}

const SECONDS = { min: 1, max: SECONDS_MAX, whole: true };

function guardrailsOf(json: unknown, checks: Checks): Guardrails {
  const at = (name: string): string => `/guardrails/${name}`;
  const members = checks.object(json, '/guardrails', ['floor', 'ceiling', 'maxStepPercent', 'stepWindowSeconds', 'maxChanges', 'cooldownSeconds', 'hysteresisPercent', 'ending', 'staleAfterSeconds']) ?? {};
  const read = (name: string, range: Parameters<Checks['optional']>[2]): object => member(name, checks.optional(members[name], at(name), range));
  const guardrails: Guardrails = {
    ...member('floor', boundOf(members['floor'], at('floor'), { name: 'margin', above: -1 }, checks)),
    ...member('ceiling', boundOf(members['ceiling'], at('ceiling'), { name: 'factor', above: 0 }, checks)),
    ...read('maxStepPercent', { above: 0, max: 100 }),
    ...read('stepWindowSeconds', SECONDS),
    ...read('maxChanges', { min: 1, max: 1_000_000, whole: true }),
    ...read('cooldownSeconds', SECONDS),
    ...read('hysteresisPercent', { min: 0, max: 100 }),
    ...read('ending', { min: 0, max: 999, whole: true }),
    ...read('staleAfterSeconds', SECONDS),
  };
  checkTogether(guardrails, checks);
  return guardrails;
}

/** A share of something, or money. */
function boundOf(json: unknown, pointer: string, share: { name: string; above: number }, checks: Checks): object | undefined {
  if (json === undefined) return undefined;
  if (!isObject(json)) return checks.fault(pointer, `must be { "${share.name}": … } or money`);
  if (share.name in json) {
    checks.object(json, pointer, [share.name]);
    return member(share.name, checks.number(json[share.name], `${pointer}/${share.name}`, { above: share.above, max: 1_000 }));
  }
  checks.object(json, pointer, ['amount', 'currency']);
  return checks.money(json, pointer);
}

/** Bounds that no price could be within, or that no price could ever leave. */
function checkTogether({ floor, ceiling, maxStepPercent, hysteresisPercent }: Guardrails, checks: Checks): void {
  if (floor && ceiling && 'amount' in floor && 'amount' in ceiling) {
    if (floor.currency !== ceiling.currency) checks.fault('/guardrails/ceiling/currency', `must be that of the floor, ${floor.currency}`);
    else if (floor.amount > ceiling.amount) checks.fault('/guardrails/ceiling', 'must not be below the floor: no price could be within them');
  }
  if (maxStepPercent !== undefined && hysteresisPercent !== undefined && hysteresisPercent > maxStepPercent) {
    checks.fault('/guardrails/hysteresisPercent', 'must not be above maxStepPercent: every step that is allowed would be ignored');
  }
}

const member = <Value>(name: string, value: Value | undefined): { [name: string]: Value } => (value === undefined ? {} : { [name]: value });
