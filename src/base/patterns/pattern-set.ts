/** Many patterns at once: which of them an event matches, at a cost that follows those that could match. */
import type { Json } from '../json.ts';
import { isArray, isObject, memberOf, undotted } from './event.ts';
import { file, type Bucket, type Field, type Index, type Member } from './filing.ts';
import { matchesShape } from './match.ts';
import type { Pattern } from './patterns.ts';

/**
 * Each pattern is filed under what every event that matches it must have. An event looks up its own values there, and
 * only the patterns it finds are looked at in full.
 */
export class PatternSet<Id> {
  readonly #patterns = new Map<Id, Pattern>();
  #index: Index<Id> | undefined;
  /** The event at hand, its number, and the ids found so far: kept here so that an event which matches nothing allocates nothing. */
  #event: Json = null;
  #events = 0;
  #found: Id[] = [];

  get size(): number {
    return this.#patterns.size;
  }

  /** Adds a pattern, or replaces the one of the same id. The next match files all of them anew. */
  set(id: Id, pattern: Pattern): void {
    this.#patterns.set(id, pattern);
    this.#index = undefined;
  }

  delete(id: Id): boolean {
    this.#index = undefined;
    return this.#patterns.delete(id);
  }

  /** The ids of the patterns that an event matches, in no particular order. */
  matching(event: Json): readonly Id[] {
    this.#index ??= file(this.#patterns);
    this.#event = undotted(event);
    this.#events++;
    this.#found.length = 0;
    this.#search(this.#index);
    this.#event = null;
    const found = this.#found;
    if (found.length === 0) return NONE;
    this.#found = [];
    return found;
  }

  #search({ root, always }: Index<Id>): void {
    if (root.fields.size > 0) lookUp(root, this.#event, this.#open);
    for (const member of always) this.#look(member);
  }

  readonly #open = ({ index, members }: Bucket<Id>): void => {
    if (index) this.#search(index);
    else for (const { member } of members) this.#look(member);
  };

  /** In full, once for each event. */
  #look(member: Member<Id>): void {
    if (member.seen === this.#events) return;
    member.seen = this.#events;
    if (matchesShape(member.shape, this.#event, this.#event)) this.#found.push(member.id);
  }
}

const NONE: readonly never[] = [];

function lookUp<Id>(field: Field<Id>, value: Json, found: (bucket: Bucket<Id>) => void): void {
  if (isArray(value)) for (const element of value) lookUp(field, element, found);
  else if (isObject(value)) lookUpMembers(field, value, found);
  else field.values?.find(value, found);
}

/** Goes through the shorter of the two: what is asked, or what there is. */
const FIELDS_FEW = 8;
function lookUpMembers<Id>({ fields }: Field<Id>, object: Readonly<Record<string, Json | undefined>>, found: (bucket: Bucket<Id>) => void): void {
  if (fields.size <= FIELDS_FEW) {
    for (const [name, inner] of fields) {
      const value = memberOf(object, name);
      if (value !== undefined) lookUp(inner, value, found);
    }
    return;
  }
  for (const name in object) {
    const inner = fields.get(name);
    const value = inner && memberOf(object, name);
    if (inner && value !== undefined) lookUp(inner, value, found);
  }
}
