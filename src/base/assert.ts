/** A broken assumption of our own. Stop that unit of work; never catch it to carry on. */
export class Bug extends Error {
  override readonly name = 'Bug';
}

/** Throws a {@link Bug} when something that must hold does not. Stays on in production. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Bug(message);
}

/** The value, or a {@link Bug} when it is missing although it must be there. */
export function must<T>(value: T | undefined | null, message: string): T {
  if (value === undefined || value === null) throw new Bug(message);
  return value;
}
