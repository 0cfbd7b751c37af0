import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector gets it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, string | number>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly service: string;
}

export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly ReceivedSpan[];
}

/** Takes traces over OTLP/HTTP as protobuf, as any collector does, and keeps them. */
export async function startCollector(): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      if (request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf') spans.push(...spansOf(Buffer.concat(chunks)));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One field of a protobuf message: numbers for the types varint and fixed64, bytes for what has a length. */
interface Field {
  readonly number: number;
  readonly value: bigint | Buffer;
}

function* fieldsOf(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0: yield { number, value: varint() }; break;
      case 1: yield { number, value: bytes.readBigUInt64LE(at) }; at += 8; break;
      case 2: {
        const length = Number(varint());
        yield { number, value: bytes.subarray(at, at + length) };
        at += length;
        break;
      }
      case 5: yield { number, value: BigInt(bytes.readUInt32LE(at)) }; at += 4; break;
      default: throw new Error(`a field of type ${tag & 7}`);
    }
  }
}

const parts = (bytes: Buffer, number: number): Buffer[] => [...fieldsOf(bytes)].flatMap((field) => (field.number === number && Buffer.isBuffer(field.value) ? [field.value] : []));
const text = (bytes: Buffer, number: number): string => parts(bytes, number)[0]?.toString() ?? '';
const hex = (bytes: Buffer, number: number): string => parts(bytes, number)[0]?.toString('hex') ?? '';
const integer = (bytes: Buffer, number: number): bigint => [...fieldsOf(bytes)].flatMap((field) => (field.number === number && typeof field.value === 'bigint' ? [field.value] : []))[0] ?? 0n;

function attributesOf(bytes: Buffer, number: number): Record<string, string | number> {
  return Object.fromEntries(parts(bytes, number).map((pair) => {
    const value = parts(pair, 2)[0] ?? Buffer.alloc(0);
    return [text(pair, 1), parts(value, 1).length > 0 ? text(value, 1) : Number(integer(value, 3))];
  }));
}

/** ExportTraceServiceRequest → ResourceSpans → ScopeSpans → Span, by the numbers that opentelemetry-proto gives their fields. */
function spansOf(request: Buffer): ReceivedSpan[] {
  return parts(request, 1).flatMap((ofResource) => {
    const service = String(attributesOf(parts(ofResource, 1)[0] ?? Buffer.alloc(0), 1)['service.name']);
    return parts(ofResource, 2).flatMap((ofScope) => parts(ofScope, 2).map((span) => ({
      traceId: hex(span, 1),
      spanId: hex(span, 2),
      parentSpanId: hex(span, 4),
      name: text(span, 5),
      kind: Number(integer(span, 6)),
      startNs: integer(span, 7),
      endNs: integer(span, 8),
      attributes: attributesOf(span, 9),
      links: parts(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
      service,
    })));
  });
}
