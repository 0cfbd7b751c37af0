import { HoldfastUnreachable, isProblem, type HoldfastClient, type Method } from '../../src/client/client.ts';

/** One request, in a form that can be made again exactly as it was. */
export interface Request {
  readonly method: Method;
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly prefer?: string;
}

/** What became of it. Without an answer, or with one that says so, it may have been done or not. */
export type Reply =
  | { readonly known: true; readonly status: number; readonly body: unknown; readonly code: string | undefined; readonly replayed: boolean; readonly cursor: string | undefined }
  | { readonly known: false };

export async function ask(client: HoldfastClient, { method, path, ...call }: Request): Promise<Reply> {
  let head = { status: 0, replayed: false, cursor: undefined as string | undefined };
  const onAnswer = (answer: typeof head): void => void (head = answer);
  try {
    const body = await client.request<unknown>(method, path, { ...call, onAnswer });
    return { known: true, status: head.status, body, code: undefined, replayed: head.replayed, cursor: head.cursor };
  } catch (error) {
    if (error instanceof HoldfastUnreachable) return { known: false };
    if (!isProblem(error)) throw error;
    if (error.status === 503) return { known: false };
    // The requestId is another each time, and is all that may differ.
    const { requestId: _, ...body } = error.document;
    return { known: true, status: error.status, body, code: error.code, replayed: head.replayed, cursor: head.cursor };
  }
}

/** As `ask`, again and again with the same key until there is an answer. */
export async function askUntilAnswered(client: HoldfastClient, request: Request): Promise<Reply & { known: true }> {
  for (let attempt = 1; attempt <= 100; attempt++) {
    const reply = await ask(client, request);
    if (reply.known) return reply;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no answer in 100 attempts: ${JSON.stringify(request)}`);
}

/** Runs a task for each item, a bounded number at a time. */
export async function forEach<T>(items: Iterable<T>, width: number, task: (item: T) => Promise<void>): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: width }, work));
}
