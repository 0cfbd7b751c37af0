import { KeyNeeded, token } from './session.js';

/** Back-off between attempts, doubled up to the second. */
const WAIT_MS = 500;
const WAIT_MAX_MS = 10_000;

/**
 * Facts as they happen. EventSource resumes by itself after a short disconnect; when it gives up, or its token has run
 * out, another one is opened after the last fact that came.
 */
export function listen({ onFact, onState, onKeyNeeded, onGap }) {
  let last = '';
  let failures = 0;

  async function open() {
    let access;
    try {
      access = await token();
    } catch (error) {
      if (error instanceof KeyNeeded) onKeyNeeded(error);
      else again();
      return;
    }
    const after = last === '' ? '' : `&after=${encodeURIComponent(last)}`;
    const source = new EventSource(`/v1/events/stream?access_token=${encodeURIComponent(access)}${after}`);
    source.onopen = () => {
      failures = 0;
      onState('live');
    };
    source.onmessage = (message) => {
      last = message.lastEventId;
      onFact(message.data);
    };
    source.addEventListener('reset', () => {
      source.close();
      last = '';
      onGap();
      again();
    });
    source.onerror = () => {
      onState('lost');
      if (source.readyState === EventSource.CLOSED) again();
    };
  }

  function again() {
    onState('lost');
    // A cursor that the service refuses would be refused again: after some attempts begin at the present.
    if (++failures % 4 === 0) {
      last = '';
      onGap();
    }
    setTimeout(open, Math.min(WAIT_MAX_MS, WAIT_MS * 2 ** (failures - 1)));
  }

  onState('connecting');
  void open();
}
