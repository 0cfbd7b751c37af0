/** What somebody wants to hear of: facts of these types (all, where none are named) about this subject (or any). */
export interface Interest {
  readonly types: ReadonlySet<string> | undefined;
  readonly key: string | undefined;
}

export function interests(interest: Interest, type: string, subject: string): boolean {
  return (interest.key === undefined || interest.key === subject) && (interest.types === undefined || interest.types.has(type));
}

/** Those who hear facts live, kept so that a fact finds them without asking everybody. */
export class Audience<Listener extends Interest> {
  readonly #members = new Set<Listener>();
  readonly #ofEverything = new Set<Listener>();
  readonly #byType = new Map<string, Set<Listener>>();
  readonly #byKey = new Map<string, Set<Listener>>();

  get size(): number {
    return this.#members.size;
  }

  add(listener: Listener): void {
    this.#members.add(listener);
    const { key, types } = listener;
    if (key !== undefined) enter(this.#byKey, key, listener);
    else if (types === undefined) this.#ofEverything.add(listener);
    else for (const type of types) enter(this.#byType, type, listener);
  }

  delete(listener: Listener): void {
    if (!this.#members.delete(listener)) return;
    const { key, types } = listener;
    if (key !== undefined) leave(this.#byKey, key, listener);
    else if (types === undefined) this.#ofEverything.delete(listener);
    else for (const type of types) leave(this.#byType, type, listener);
  }

  /** Visits everybody whom a fact concerns. A visit may remove whom it likes. */
  reach(type: string, subject: string, visit: (listener: Listener) => void): void {
    for (const listener of this.#ofEverything) visit(listener);
    for (const listener of this.#byType.get(type) ?? NOBODY) visit(listener as Listener); // nobody is of any type
    for (const listener of this.#byKey.get(subject) ?? NOBODY) {
      if (interests(listener as Listener, type, subject)) visit(listener as Listener);
    }
  }

  /** Sends everybody away and says who it was. */
  empty(): Listener[] {
    const members = [...this.#members];
    for (const listener of members) this.delete(listener);
    return members;
  }
}

const NOBODY: ReadonlySet<unknown> = new Set();

function enter<Listener>(index: Map<string, Set<Listener>>, name: string, listener: Listener): void {
  const group = index.get(name);
  if (group) group.add(listener);
  else index.set(name, new Set([listener]));
}

function leave<Listener>(index: Map<string, Set<Listener>>, name: string, listener: Listener): void {
  const group = index.get(name);
  group?.delete(listener);
  if (group?.size === 0) index.delete(name);
}
