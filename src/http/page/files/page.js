/** Stock, live: facts come over an event stream, figures are read back, and the page is touched once a frame at most. */
import { chart, logarithmic, short } from './chart.js';
import { showRate, startTicker, take } from './facts.js';
import { every, everythingMoved, moved, priced, showItems, shown } from './items.js';
import { between, reading } from './metrics.js';
import { enter, KeyNeeded, read, token } from './session.js';
import { listen } from './stream.js';

const METRICS_MS = 1_000;
/** Checking an item reads all of its facts, so the pause after a check is this long, and a multiple of what it took. */
const CHECK_PAUSE_MS = 1_500;
const CHECK_PAUSE_FACTOR = 20;

const $ = (id) => document.getElementById(id);
const STATES = { connecting: 'connecting', live: 'live', lost: 'connection lost, trying again' };

let facts = 0;
let holds = 0;
let latest;
let before;

async function start() {
  try {
    await token();
  } catch (error) {
    if (error instanceof KeyNeeded) return askForKey('');
    showState('lost');
    setTimeout(start, 2_000);
    return;
  }
  $('door').hidden = true;
  $('floor').hidden = false;
  listen({ onFact, onState: showState, onKeyNeeded: () => location.reload(), onGap: everythingMoved });
  await showItems(doubt).catch(() => setTimeout(() => location.reload(), 2_000));
  startTicker();
  startFigures();
  startChecking();
}

function askForKey(refusal) {
  showState('connecting');
  $('state-text').textContent = 'waiting for a key';
  $('door').hidden = false;
  $('door-refused').textContent = refusal;
  $('key').focus();
}

$('door').addEventListener('submit', (event) => {
  event.preventDefault();
  void open($('key').value.trim());
});

async function open(typed) {
  try {
    await enter(typed);
    $('key').value = '';
    await start();
  } catch (error) {
    askForKey(error instanceof KeyNeeded ? error.message : 'The service does not answer. Try again.');
  }
}

function showState(state) {
  $('state').dataset.state = state;
  $('state-text').textContent = STATES[state];
}

function onFact(text) {
  facts++;
  const fact = JSON.parse(text);
  if (fact.type === 'inventory.reservation.held') holds++;
  if (fact.type.startsWith('inventory.')) moved(fact.subject);
  if (fact.type === 'pricing.price.changed') priced(fact.subject, fact.data);
  take(fact);
}

function startFigures() {
  const demand = chart($('demand'), ['line-holds', 'line-refused']);
  const answers = chart($('answers'), ['line-p50', 'line-p99'], logarithmic);
  every(METRICS_MS, async () => {
    const text = await read('/metrics');
    if (typeof text !== 'string') return;
    const now = reading(text, performance.now());
    latest = before && between(before, now);
    before = now;
  });
  let last = performance.now();
  setInterval(() => {
    // Timers are slowed down in a tab that nobody looks at: divide by the time that really passed.
    const now = performance.now();
    const seconds = (now - last) / 1000;
    last = now;
    const perSecond = holds / seconds;
    const factsPerSecond = Math.round(facts / seconds);
    [holds, facts] = [0, 0];
    demand.push([perSecond, latest?.refusedPerSecond]);
    answers.push([latest?.p50, latest?.p99]);
    if (document.hidden) return;
    requestAnimationFrame(() => {
      showRate(factsPerSecond);
      $('holds-now').textContent = short(Math.round(perSecond));
      $('refused-now').textContent = latest ? short(Math.round(latest.refusedPerSecond)) : '–';
      $('p99-now').textContent = latest?.p99 === undefined ? '–' : `${short(latest.p99)} ms`;
      $('p50-now').textContent = latest?.p50 === undefined ? 'answer time, p99' : `answer time, p99 (p50 ${short(latest.p50)} ms)`;
      demand.draw();
      answers.draw();
    });
  }, 1_000);
}

/** SKU → what the service's own check of its facts said. */
const checks = new Map();
const doubted = new Set();
const doubt = (sku) => doubted.add(sku);

/** Goes round the items that are shown, those in doubt first, and asks the service whether their books balance. */
function startChecking() {
  let turn = 0;
  const next = async () => {
    const skus = shown();
    for (const sku of checks.keys()) if (!skus.includes(sku)) checks.delete(sku);
    const [inDoubt] = doubted;
    const sku = inDoubt ?? skus[turn++ % skus.length];
    const began = performance.now();
    if (sku !== undefined) {
      doubted.delete(sku);
      try {
        const check = await read(`/v1/items/${encodeURIComponent(sku)}/check`);
        if (check !== undefined) {
          checks.set(sku, check);
          showPromise();
        }
      } catch {
        // The connection's state says what is wrong.
      }
    }
    // The first round is quick, so that the line says something soon.
    const isFirstRound = checks.size < skus.length;
    setTimeout(next, isFirstRound ? 100 : Math.max(CHECK_PAUSE_MS, (performance.now() - began) * CHECK_PAUSE_FACTOR));
  };
  void next();
}

function showPromise() {
  const all = [...checks.values()];
  const oversold = all.reduce((sum, check) => sum + (check.oversold ?? 0), 0);
  const wrong = all.filter((check) => !check.ok).length;
  $('promise').dataset.kept = oversold === 0 && wrong === 0 ? 'yes' : 'no';
  $('oversold').textContent = `oversold: ${oversold.toLocaleString('en')}`;
  $('books').textContent = wrong === 0 ? `the books of ${all.length} item${all.length === 1 ? '' : 's'} balance` : `the books of ${wrong} do not balance`;
}

void start();
