const KINDS = [
  ['queue', /amq\.gen-[\w-]{22}/g],
  ['tag', /amq\.ctag-[\w-]{22}/g],
  ['reply', /amq\.rabbitmq\.reply-to\.[\w.+/=-]+/g],
] as const;

/**
 * Names the server makes, numbered in the order they appear: `$queue1` for `amq.gen-…`, `$tag1` for `amq.ctag-…`, `$reply1`
 * for an opaque reply-to. What else has to differ between two brokers becomes a star: the times of `x-death`, what a node
 * is called, client ports, and what the server properties tell about the build. The login mechanisms are sorted: nodes of one
 * version list them in either order.
 */
export class Labels {
  readonly #labels = new Map<string, string>();
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();

  /** Puts labels for names. */
  hide(line: string): string {
    let text = line;
    for (const [kind, pattern] of KINDS) text = text.replace(pattern, (name) => this.#labelOf(kind, name));
    return text
      .replaceAll(/time:T\d+/g, 'time:T*')
      .replaceAll(/rabbit(?:mq)?@[\w.-]+|leveret-[0-9a-f]+@localhost/g, '*@*')
      .replace(/mechanisms="([^"]*)"/, (_, names: string) => `mechanisms="${names.split(' ').sort().join(' ')}"`)
      .replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:*')
      .replaceAll(
        /\b(copyright|cluster_name|information|platform|product|version|license):S"(?:[^"\\]|\\.)*"/g,
        '$1:S*',
      );
  }

  /** Puts names for labels; one that nobody has yet stays as it is. */
  reveal(text: string): string {
    return text.replaceAll(/\$(?:queue|tag|reply)\d+/g, (label) => this.#names.get(label) ?? label);
  }

  #labelOf(kind: string, name: string): string {
    const known = this.#labels.get(name);
    if (known !== undefined) return known;
    const count = (this.#counts.get(kind) ?? 0) + 1;
    this.#counts.set(kind, count);
    const label = `$${kind}${count}`;
    this.#labels.set(name, label);
    this.#names.set(label, name);
    return label;
  }
}
