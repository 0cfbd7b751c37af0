/**
 * Who the page is. In the demo the service gives a read token to whoever asks; elsewhere somebody types an API key,
 * which stays in this tab's memory and is traded for read tokens. Only tokens are kept over a reload.
 */
const SLOT = 'holdfast.token';
/** A token is renewed this long before it runs out. */
const MARGIN_MS = 30_000;

const isDemo = document.documentElement.dataset.mode === 'demo';
let key;
let current = stored();

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(SLOT) ?? 'null') ?? undefined;
  } catch {
    return undefined;
  }
}

/** Said when only a person with a key can help. */
export class KeyNeeded extends Error {}

/** A read token that is good for a while. */
export async function token() {
  if (current && Date.parse(current.expiresAt) - Date.now() > MARGIN_MS) return current.token;
  return renewed();
}

async function renewed() {
  if (!isDemo && key === undefined) {
    forget();
    throw new KeyNeeded('Enter an API key.');
  }
  const response = isDemo
    ? await fetch('/demo/session', { cache: 'no-store' })
    : await fetch('/v1/tokens', { method: 'POST', headers: { authorization: `Bearer ${key}` } });
  if (!isDemo && (response.status === 401 || response.status === 403)) {
    forget();
    throw new KeyNeeded('That key is not accepted here.');
  }
  if (!response.ok) throw new Error(`no token: ${response.status}`);
  current = await response.json();
  sessionStorage.setItem(SLOT, JSON.stringify(current));
  return current.token;
}

/** Trades a key for a token; rejects with KeyNeeded where the service does not know it. */
export async function enter(typed) {
  key = typed;
  current = undefined;
  await token();
}

export function forget() {
  key = undefined;
  current = undefined;
  sessionStorage.removeItem(SLOT);
}

/** A GET with the token; undefined where the service does not answer this happily. */
export async function read(path) {
  const get = async () => fetch(path, { headers: { authorization: `Bearer ${await token()}` }, cache: 'no-store' });
  let response = await get();
  if (response.status === 401) {
    // The token was revoked, or the service was made anew.
    current = undefined;
    response = await get();
  }
  if (!response.ok) return undefined;
  return response.headers.get('content-type')?.includes('json') ? response.json() : response.text();
}
