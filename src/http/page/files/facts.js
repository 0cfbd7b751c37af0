import { learnNames, nameOf } from './items.js';
import { money } from './prices.js';

/** Rows that are kept, and how many may join them at once: more than that nobody can read. */
const ROWS_MAX = 30;
const JOIN_MAX = 2;
const JOIN_MS = 350;

const list = document.getElementById('facts');
const rate = document.getElementById('facts-rate');
const waiting = [];

/** Fact types by when they were shown last: of those waiting, the type that was not shown for longest goes first. */
const lastShown = new Map();
let turn = 0;

/** What a fact is called on the page, and its tone. */
const WORDS = {
  'inventory.reservation.held': { word: 'held', tone: 'held' },
  'inventory.reservation.changed': { word: 'changed', tone: 'held' },
  'inventory.reservation.extended': { word: 'extended', tone: 'held' },
  'inventory.reservation.released': { word: 'released', tone: 'free' },
  'inventory.reservation.expired': { word: 'expired', tone: 'free' },
  'inventory.reservation.confirmed': { word: 'sold', tone: 'sold' },
  'inventory.allocation.fulfilled': { word: 'shipped', tone: 'sold' },
  'inventory.allocation.cancelled': { word: 'cancelled', tone: 'free' },
  'inventory.stock.adjusted': { word: 'adjusted', tone: 'free' },
  'pricing.price.changed': { word: 'priced', tone: 'price' },
  'pricing.policy.changed': { word: 'policy', tone: 'price' },
  'inventory.shortfall.detected': { word: 'shortfall', tone: 'line-refused' },
};

export function take(fact) {
  waiting.push(fact);
  if (waiting.length > 200) waiting.splice(0, 100);
}

export function showRate(perSecond) {
  rate.textContent = `${perSecond.toLocaleString('en')} a second`;
}

export function startTicker() {
  setInterval(() => {
    if (waiting.length === 0 || document.hidden) return;
    const newest = new Map(waiting.map((fact) => [fact.type, fact]));
    waiting.length = 0;
    const chosen = [...newest.values()].sort((a, b) => (lastShown.get(a.type) ?? 0) - (lastShown.get(b.type) ?? 0)).slice(0, JOIN_MAX);
    turn++;
    for (const { type } of chosen) lastShown.set(type, turn);
    chosen.sort((a, b) => (a.time < b.time ? -1 : 1));
    const named = learnNames(chosen.filter(isAboutItem).map(({ subject }) => subject)).catch(() => undefined); // without its name an item goes by its SKU
    void named.then(() => requestAnimationFrame(() => {
      for (const fact of chosen) list.prepend(rowOf(fact));
      while (list.childElementCount > ROWS_MAX) list.lastElementChild.remove();
    }));
  }, JOIN_MS);
}

function isAboutItem({ type }) {
  return type !== 'pricing.policy.changed';
}

function rowOf(fact) {
  const { word, tone } = WORDS[fact.type] ?? { word: fact.type.split('.').slice(1).join(' '), tone: '' };
  const row = document.createElement('li');
  row.className = 'fresh';
  const [time, verb, what] = ['time', 'b', 'span'].map((tag) => document.createElement(tag));
  time.textContent = new Date(fact.time).toLocaleTimeString('en-GB');
  time.dateTime = fact.time;
  verb.textContent = fact.type === 'inventory.stock.adjusted' ? fact.data.reason : word;
  if (tone !== '') verb.className = tone;
  what.textContent = wordsOf(fact);
  row.append(time, verb, what);
  return row;
}

function wordsOf({ type, subject, data }) {
  if (type === 'pricing.policy.changed') return `${subject}, version ${data.version}`;
  if (type === 'pricing.price.changed') return `${nameOf(subject)} ${data.before ? `from ${money(data.before)} ` : ''}${data.price ? `to ${money(data.price)}` : 'without a price'}`;
  const change = type === 'inventory.stock.adjusted' ? data.change : undefined;
  if (change !== undefined) return `${change > 0 ? '+' : ''}${change} ${nameOf(subject)} at ${data.location}`;
  const quantity = data.quantity ?? data.shortfall;
  return quantity === undefined ? nameOf(subject) : `${quantity} × ${nameOf(subject)}`;
}
