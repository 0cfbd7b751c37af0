/** Headers of the interface, by their name in lower case. */
export const HEADERS = {
  'if-match': { name: 'If-Match', description: 'The ETag that the resource must still have.' },
  'if-none-match': { name: 'If-None-Match', description: 'The ETag that the reader has.' },
  prefer: { name: 'Prefer', description: '`wait=N` waits up to N seconds for accepted work; `respond-async` has it done through the durable queue.' },
  'holdfast-cursor': { name: 'Holdfast-Cursor', description: 'How far a writer or reader has seen: a read that brings it sees at least that much.' },
  'last-event-id': { name: 'Last-Event-ID', description: 'The cursor after which the stream goes on.' },
  'idempotency-key': { name: 'Idempotency-Key', description: '1–255 characters. The same request with the same key is done once, and answered alike, for 24 hours.' },
  'idempotent-replayed': { name: 'Idempotent-Replayed', description: '`true` where this is the first answer again.' },
  'preference-applied': { name: 'Preference-Applied', description: 'The wait that was honoured.' },
  'x-request-id': { name: 'X-Request-Id', description: 'Names the request in logs and problems.' },
  'www-authenticate': { name: 'WWW-Authenticate', description: '`Bearer`.' },
  'retry-after': { name: 'Retry-After', description: 'Seconds to wait.' },
  etag: { name: 'ETag', description: 'Names this state of the resource.' },
  location: { name: 'Location', description: 'Where the resource is.' },
  'cache-control': { name: 'Cache-Control', description: 'How long the answer may be kept.' },
} as const;
