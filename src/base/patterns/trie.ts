/** A place in a tree of texts: what belongs to the text that leads here, and where the next character leads. */
interface Node<T> {
  values: T[] | undefined;
  /** Most places go on with one character: it needs no map. */
  code: number;
  next: Node<T> | undefined;
  others: Map<number, Node<T>> | undefined;
}

/**
 * Texts with something to each, found at the beginning of longer ones, at their end, or anywhere in them, by going along
 * the longer text: what is found costs no copy, and texts that end elsewhere cost nothing.
 */
export class Trie<T> {
  readonly #root: Node<T> = node();

  get isEmpty(): boolean {
    const { values, next } = this.#root;
    return values === undefined && next === undefined;
  }

  /** Files what begins with the text; `step` -1 files what ends with it. */
  add(text: string, value: T, step: 1 | -1 = 1): void {
    let at = this.#root;
    for (let i = step > 0 ? 0 : text.length - 1; i >= 0 && i < text.length; i += step) at = grown(at, text.charCodeAt(i));
    (at.values ??= []).push(value);
  }

  /** Calls back for all texts along the way from `from` on, forwards, or backwards as they were added. */
  along(text: string, found: (value: T) => void, from = 0, step: 1 | -1 = 1): void {
    for (let at: Node<T> | undefined = this.#root, i = from; at; i += step) {
      const { values } = at;
      if (values) for (let v = 0; v < values.length; v++) found(values[v] as T); // within bounds
      if (i < 0 || i >= text.length) return;
      const code = text.charCodeAt(i);
      at = at.code === code ? at.next : at.others?.get(code);
    }
  }

  /** Of longer ones that end with them. */
  backwards(text: string, found: (value: T) => void): void {
    this.along(text, found, text.length - 1, -1);
  }
}

function node<T>(): Node<T> {
  return { values: undefined, code: -1, next: undefined, others: undefined };
}

function grown<T>(at: Node<T>, code: number): Node<T> {
  if (at.code === code && at.next) return at.next;
  if (!at.next) {
    at.code = code;
    return (at.next = node());
  }
  at.others ??= new Map();
  let next = at.others.get(code);
  if (!next) at.others.set(code, (next = node()));
  return next;
}
