/**
 * The service's own figures, from its Prometheus text: how long answers to holds take, and how many were refused.
 * Counters only grow, so what happened lately is the difference between two readings.
 */
const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

/** Reads what this page is interested in. */
export function reading(text, at) {
  const buckets = new Map();
  let refused = 0;
  for (const line of text.split('\n')) {
    if (!line.startsWith('holdfast_')) continue;
    const match = LINE.exec(line);
    if (!match) continue;
    const [, name, labelText = '', value] = match;
    if (name === 'holdfast_holds_refused_total') refused += Number(value);
    if (name !== 'holdfast_http_request_duration_seconds_bucket') continue;
    const labels = Object.fromEntries([...labelText.matchAll(LABEL)].map(([, label, content]) => [label, content]));
    if (!isHold(labels)) continue;
    const upTo = labels.le === '+Inf' ? Infinity : Number(labels.le);
    buckets.set(upTo, (buckets.get(upTo) ?? 0) + Number(value));
  }
  return { at, refused, buckets };
}

function isHold({ method, route }) {
  return (method === 'POST' && (route === '/v1/reservations' || route === '/v1/reservations/batch')) || (method === 'PUT' && route === '/v1/carts/{cartId}/reservation');
}

/** Refusals a second and quantiles in milliseconds between two readings; undefined where nothing can be said. */
export function between(before, after) {
  const seconds = (after.at - before.at) / 1000;
  const refused = after.refused - before.refused;
  // A counter that fell belongs to a service that was started again.
  if (seconds <= 0 || refused < 0) return undefined;
  const counts = [...after.buckets].map(([upTo, count]) => [upTo, count - (before.buckets.get(upTo) ?? 0)]).sort((a, b) => a[0] - b[0]);
  return { refusedPerSecond: refused / seconds, p50: quantile(counts, 0.5), p99: quantile(counts, 0.99) };
}

/** Linear inside the bucket, as Prometheus does it. */
function quantile(counts, share) {
  const total = counts.at(-1)?.[1] ?? 0;
  if (total <= 0) return undefined;
  let [lower, below] = [0, 0];
  for (const [upTo, count] of counts) {
    if (count >= share * total) {
      if (upTo === Infinity) return lower * 1000;
      return (lower + (upTo - lower) * ((share * total - below) / (count - below || 1))) * 1000;
    }
    [lower, below] = [upTo, count];
  }
  return undefined;
}
