import { makePrice } from './prices.js';
import { read } from './session.js';

/** Bars on the page. */
const SHOWN_MAX = 8;
/** Availability is asked for at most this often, for all bars that moved meanwhile in one request. */
const REFRESH_MS = 300;
/** Bars that did not move are looked at this often all the same. */
const SWEEP_MS = 5_000;
/** The lines of prices move on this often. */
const DRAW_MS = 1_000;
/** The busiest are chosen again this often, and activity counts half after as long. */
const CHOOSE_MS = 3_000;

/** Names that are remembered. */
const NAMES_MAX = 5_000;

const list = document.getElementById('items');
const empty = document.getElementById('no-items');
const names = new Map();
const activity = new Map();
const dirty = new Set();
/** SKUs whose price has to be asked for: later ones come with the facts. */
const unpriced = new Set();
/** SKU → the bar, in the order shown. */
const bars = new Map();
/** The shop named its hot items; otherwise the busiest are shown. */
let named = false;

export const nameOf = (sku) => names.get(sku) ?? sku;
export const shown = () => [...bars.keys()];

/** Finds out what to show, then keeps the bars up to date. `onDoubt` hears of an item that seems to promise too much. */
export async function showItems(onDoubt) {
  await choose();
  every(REFRESH_MS, () => refresh(onDoubt));
  every(REFRESH_MS, refreshPrices);
  every(SWEEP_MS, async () => everythingMoved());
  setInterval(drawPrices, DRAW_MS);
  setInterval(() => void choose().catch(() => undefined), CHOOSE_MS); // a failure is seen in the connection's state
}

/** What items are called, for `nameOf`; only those whose name is not known yet are asked for, and asked for once. */
export async function learnNames(skus) {
  for (const sku of skus) {
    if (names.has(sku)) continue;
    if (names.size >= NAMES_MAX) names.clear();
    const item = await read(`/v1/items/${encodeURIComponent(sku)}`);
    names.set(sku, item?.name ?? sku);
  }
}

/** Hears of a fact about an item. */
export function moved(sku) {
  activity.set(sku, (activity.get(sku) ?? 0) + 1);
  if (bars.has(sku)) dirty.add(sku);
}

/** Hears of a fact about a price, which says all that is shown of it. */
export function priced(sku, price) {
  if (!bars.has(sku)) return;
  unpriced.delete(sku);
  bars.get(sku).price.show(price);
}

export function everythingMoved() {
  for (const sku of bars.keys()) {
    dirty.add(sku);
    unpriced.add(sku);
  }
}

/** The items that the shop calls hot; until it names some, those that move most. Asked again and again: shops change. */
async function choose() {
  const hot = await read(`/v1/items?attribute.hot=true&limit=${SHOWN_MAX}`);
  named = hot !== undefined && hot.items.length > 0;
  const busiest = [...activity].sort((a, b) => b[1] - a[1]).slice(0, SHOWN_MAX).map(([sku]) => sku);
  const chosen = named ? hot.items.map(({ sku }) => sku) : busiest;
  await learnNames(chosen);
  replaceBars(chosen);
  for (const [sku, count] of activity) {
    if (count < 1) activity.delete(sku);
    else activity.set(sku, count / 2);
  }
}

/** Bars that stay keep their place. Nothing is taken away while there is nothing to show instead. */
function replaceBars(skus) {
  const free = SHOWN_MAX - skus.filter((sku) => !bars.has(sku)).length;
  const leaving = shown().filter((sku) => !skus.includes(sku));
  for (const sku of named ? leaving : leaving.slice(0, Math.max(0, bars.size - free))) {
    bars.get(sku)?.row.remove();
    bars.delete(sku);
  }
  for (const sku of skus) add(sku);
}

async function refresh(onDoubt) {
  if (dirty.size === 0 || document.hidden) return;
  const asked = [...dirty];
  dirty.clear();
  const answer = await read(`/v1/availability?${asked.map((sku) => `sku=${encodeURIComponent(sku)}`).join('&')}`);
  if (answer === undefined) return;
  requestAnimationFrame(() => {
    for (const figures of answer.items) {
      const bar = bars.get(figures.sku);
      if (!bar) continue;
      bar.show(figures);
      if (figures.net + figures.safetyStock < 0) onDoubt(figures.sku);
    }
  });
}

async function refreshPrices() {
  if (unpriced.size === 0 || document.hidden) return;
  const asked = [...unpriced];
  unpriced.clear();
  const answer = await read(`/v1/prices?${asked.map((sku) => `sku=${encodeURIComponent(sku)}`).join('&')}`);
  for (const price of answer?.items ?? []) bars.get(price.sku)?.price.show(price);
}

function drawPrices() {
  if (document.hidden) return;
  requestAnimationFrame(() => bars.forEach(({ price }) => price.draw()));
}

function add(sku) {
  if (bars.has(sku)) return;
  const bar = makeBar(sku);
  bars.set(sku, bar);
  list.append(bar.row);
  empty.hidden = true;
  dirty.add(sku);
  unpriced.add(sku);
}

function makeBar(sku) {
  const row = document.createElement('li');
  const [head, name, code, free] = ['div', 'span', 'small', 'span'].map((tag) => document.createElement(tag));
  head.className = 'item-head';
  name.className = 'item-name';
  free.className = 'item-free';
  name.textContent = nameOf(sku);
  code.textContent = names.has(sku) ? sku : '';
  name.append(code);
  const price = makePrice();
  head.append(name, price.element, free);
  const bar = document.createElement('div');
  bar.className = 'bar';
  bar.setAttribute('role', 'img');
  const parts = ['sold', 'held', 'free'].map((part) => {
    const span = document.createElement('span');
    span.className = part;
    bar.append(span);
    return span;
  });
  const rest = document.createElement('div');
  rest.className = 'item-rest';
  const [words, total] = [document.createElement('span'), document.createElement('span')];
  rest.append(words, total);
  row.append(head, bar, rest);

  let whole = 0;
  let before = 0;
  return {
    row,
    price,
    show({ onHand, reserved, available, backordered }) {
      // What was shipped is no longer on hand but was sold from the same heap, so the bar does not shrink with it. A
      // delivery lengthens the bar; one of half a bar or more begins a new one.
      const arrived = Math.max(0, onHand - before);
      whole = arrived >= whole / 2 ? onHand : Math.max(whole + arrived, onHand);
      before = onHand;
      const held = Math.min(reserved, whole);
      const left = Math.max(0, Math.min(available, whole - held));
      const sold = whole - held - left;
      const figures = [sold, held, left];
      parts.forEach((part, index) => {
        part.style.width = `${whole === 0 ? 0 : (figures[index] / whole) * 100}%`;
        part.classList.toggle('nil', figures[index] === 0 || figures.slice(0, index).every((figure) => figure === 0));
      });
      free.textContent = available > 0 ? `${available.toLocaleString('en')} free` : held > 0 ? 'all taken' : 'sold out';
      free.dataset.none = available > 0 ? 'no' : 'yes';
      words.textContent = `${sold.toLocaleString('en')} sold · ${reserved.toLocaleString('en')} held${backordered > 0 ? ` · ${backordered.toLocaleString('en')} on backorder` : ''}`;
      total.textContent = `of ${whole.toLocaleString('en')}`;
      bar.setAttribute('aria-label', `${sold} sold, ${held} held, ${left} free of ${whole}`);
    },
  };
}

/** Runs a task again and again, never beside itself; a failure is tried again the next time. */
export function every(ms, task) {
  const run = async () => {
    try {
      await task();
    } catch {
      // The connection's state says what is wrong.
    }
    setTimeout(run, ms);
  };
  void run();
}
