interface Node<T> {
  readonly children: Map<string, Node<T>>;
  readonly values: Set<T>;
}

function newNode<T>(): Node<T> {
  return { children: new Map(), values: new Set() };
}

/**
 * Finds the values whose pattern matches a routing key. Words are parted by dots; `*` stands for exactly one word (also
 * an empty one), `#` for none or more. An empty key has no words at all.
 *
 * @see https://www.rabbitmq.com/tutorials/tutorial-five-javascript
 */
export class TopicMatcher<T> {
  readonly #root = newNode<T>();

  add(pattern: string, value: T): void {
    let node = this.#root;
    for (const word of words(pattern)) {
      let child = node.children.get(word);
      if (child === undefined) {
        child = newNode();
        node.children.set(word, child);
      }
      node = child;
    }
    node.values.add(value);
  }

  remove(pattern: string, value: T): void {
    const path: Node<T>[] = [this.#root];
    const parts = words(pattern);
    for (const word of parts) {
      const child = path.at(-1)?.children.get(word);
      if (child === undefined) return;
      path.push(child);
    }
    path.at(-1)?.values.delete(value);
    for (let depth = path.length - 1; depth > 0; depth--) {
      const node = path[depth];
      if (node === undefined || node.values.size > 0 || node.children.size > 0) return;
      path[depth - 1]?.children.delete(parts[depth - 1] ?? '');
    }
  }

  /** Calls `found` for every matching value; a value may be found more than once. */
  match(key: string, found: (value: T) => void): void {
    new Walk(words(key), found).from(this.#root, 0);
  }
}

/** One search through the patterns. */
class Walk<T> {
  readonly #words: readonly string[];
  readonly #found: (value: T) => void;
  /** Positions already tried below a node: without them, several `#` in one pattern would take exponential time. */
  readonly #tried = new Map<Node<T>, Set<number>>();

  constructor(parts: readonly string[], found: (value: T) => void) {
    this.#words = parts;
    this.#found = found;
  }

  from(node: Node<T>, index: number): void {
    if (this.#seen(node, index)) return;
    const hash = node.children.get('#');
    if (hash !== undefined) for (let next = index; next <= this.#words.length; next++) this.from(hash, next);
    const word = this.#words[index];
    if (word === undefined) {
      for (const value of node.values) this.#found(value);
      return;
    }
    const star = node.children.get('*');
    if (star !== undefined) this.from(star, index + 1);
    const exact = word === '#' || word === '*' ? undefined : node.children.get(word);
    if (exact !== undefined) this.from(exact, index + 1);
  }

  #seen(node: Node<T>, index: number): boolean {
    const positions = this.#tried.get(node);
    if (positions === undefined) {
      this.#tried.set(node, new Set([index]));
      return false;
    }
    if (positions.has(index)) return true;
    positions.add(index);
    return false;
  }
}

function words(key: string): string[] {
  return key === '' ? [] : key.split('.');
}
