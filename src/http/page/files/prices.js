const SVG = 'http://www.w3.org/2000/svg';
/** What the line beside a price shows: so many seconds, drawn in so many units of width and height. */
const SPAN_S = 120;
const [WIDTH, HEIGHT] = [72, 18];
/** A line is at least this tall in percent of the base price: a cent more is no cliff. */
const RANGE_MIN = 0.04;
/** How long a change stays marked. */
const MARK_MS = 900;

const formats = new Map();

/** For people: €41.30. */
export function money({ amount, currency }) {
  if (!formats.has(currency)) formats.set(currency, new Intl.NumberFormat('en', { style: 'currency', currency }));
  const format = formats.get(currency);
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
}

/** A price with what it is beside the base price, and where it was in the last two minutes. */
export function makePrice() {
  const element = document.createElement('span');
  const [line, figure, change] = [svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' }), document.createElement('b'), document.createElement('small')];
  const path = svg('path', {});
  line.append(path);
  element.className = 'item-price';
  element.hidden = true;
  element.append(line, change, figure);
  const past = [];
  let shown;
  let unmark;

  return {
    element,
    /** Takes a price as the interface tells it; an item without a price shows none. */
    show({ price, basePrice }) {
      element.hidden = price === null;
      if (price === null || (price.amount === shown?.price.amount && basePrice?.amount === shown.basePrice?.amount)) return;
      if (shown) mark(price.amount > shown.price.amount ? 'up' : 'down');
      shown = { price, basePrice };
      past.push({ at: performance.now(), amount: price.amount });
      figure.textContent = money(price);
      const percent = basePrice ? Math.round((price.amount / basePrice.amount - 1) * 100) : 0;
      change.textContent = percent === 0 ? '' : `${percent > 0 ? '+' : '−'}${Math.abs(percent)} %`;
      this.draw();
    },
    /** The line moves on with the time, also while the price stays. */
    draw() {
      if (!shown) return;
      const now = performance.now();
      while (past.length > 1 && now - past[1].at > SPAN_S * 1000) past.shift();
      const amounts = past.map(({ amount }) => amount);
      const base = shown.basePrice?.amount ?? shown.price.amount;
      const spare = Math.max(0, base * RANGE_MIN - (Math.max(...amounts) - Math.min(...amounts))) / 2;
      const [low, high] = [Math.min(...amounts) - spare, Math.max(...amounts) + spare];
      const x = (at) => Math.max(0, WIDTH - ((now - at) / 1000 / SPAN_S) * WIDTH).toFixed(1);
      const y = (amount) => (HEIGHT - 2 - ((amount - low) / Math.max(1, high - low)) * (HEIGHT - 4)).toFixed(1);
      // A price stays until the next one: the line goes in steps.
      path.setAttribute('d', `${past.map(({ at, amount }, index) => `${index === 0 ? 'M' : 'H'}${index === 0 ? `${x(at)} ` : x(at)}${index === 0 ? '' : 'V'}${y(amount)}`).join('')}H${WIDTH}`);
    },
  };

  function mark(direction) {
    figure.dataset.moved = direction;
    clearTimeout(unmark);
    unmark = setTimeout(() => delete figure.dataset.moved, MARK_MS);
  }
}

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}
