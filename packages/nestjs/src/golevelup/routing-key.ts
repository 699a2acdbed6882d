/** Whether a routing key is one that a handler is bound by: `*` stands for one word, `#` for any number of them. */
export function matchesRoutingKey(routingKey: string, pattern: string | readonly string[] | undefined): boolean {
  // Bound elsewhere, by whoever it may be.
  if (pattern === undefined) return true;
  const patterns = typeof pattern === 'string' ? [pattern] : pattern;
  return patterns.some((each) => matches(routingKey.split('.'), each.split('.')));
}

function matches(words: readonly string[], pattern: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return words.length === 0;
  if (first === '#')
    return rest.length === 0 || words.some((_, index) => matches(words.slice(index), rest)) || matches([], rest);
  if (words.length === 0 || (first !== '*' && first !== words[0])) return false;
  return matches(words.slice(1), rest);
}
