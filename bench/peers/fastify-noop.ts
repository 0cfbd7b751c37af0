/**
 * What the web framework alone can do: a POST with the request schema of a reservation, and a GET of a price, that answer
 * each request with one and the same text. It checks no key, counts nothing, logs nothing, stores nothing.
 *
 *     node bench/peers/fastify-noop.ts '<the answer as JSON>'
 */
import Fastify from 'fastify';

const id = { type: 'string', minLength: 1, maxLength: 128 };
const line = { type: 'object', additionalProperties: false, required: ['sku', 'quantity'], properties: { sku: id, quantity: { type: 'integer', minimum: 1, maximum: 1_000_000_000 }, location: id } };
const body = {
  type: 'object',
  additionalProperties: false,
  required: ['lines'],
  properties: {
    cartId: id,
    customerId: id,
    channel: id,
    ttlSeconds: { type: 'integer', minimum: 1, maximum: 2_678_400 },
    lines: { type: 'array', minItems: 1, maxItems: 500, items: line },
    strategy: { enum: ['rank', 'most-stock', 'nearest'] },
    near: { type: 'object', additionalProperties: false, required: ['lat', 'lon'], properties: { lat: { type: 'number', minimum: -90, maximum: 90 }, lon: { type: 'number', minimum: -180, maximum: 180 } } },
    partial: { type: 'boolean' },
  },
};

const said: unknown = JSON.parse(process.argv[2] ?? '{}');
const app = Fastify();
// No schema for the answer: with one, serialising it was no faster than JSON.stringify.
app.post('/v1/reservations', { schema: { body } }, (_request, reply) => reply.code(201).send(said));
app.get('/v1/prices/:sku', (_request, reply) => reply.send(said));
console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
