import type { BindingView, ExchangeView } from './views.js';

/**
 * Which queues an exchange hands a message to, by the bindings there are. `undefined` where a routing key alone does not say:
 * headers exchanges, and types of plugins.
 */
export function routesOf(
  exchanges: readonly ExchangeView[],
  bindings: readonly BindingView[],
): (exchange: string, routingKey: string) => readonly string[] | undefined {
  const types = new Map(exchanges.map(({ name, type }) => [name, type]));
  const bySource = groupBySource(bindings);
  return (exchange, routingKey) => {
    if (exchange === '') return [routingKey];
    const queues = new Set<string>();
    // A set that grows while it is walked: each exchange once, in circles too.
    const reached = new Set([exchange]);
    for (const name of reached) {
      const matches = MATCHERS[types.get(name) ?? ''];
      if (matches === undefined && types.has(name)) return undefined;
      const found = (bySource.get(name) ?? []).filter((binding) => matches?.(binding.routingKey, routingKey));
      for (const { destination, destinationType } of found) {
        (destinationType === 'queue' ? queues : reached).add(destination);
      }
    }
    return [...queues].sort();
  };
}

const MATCHERS: Readonly<Record<string, (pattern: string, key: string) => boolean>> = {
  direct: (pattern, key) => pattern === key,
  fanout: () => true,
  topic: matchesTopic,
};

/** Whether a routing key matches a topic pattern: `*` is one word, `#` any number of them. */
export function matchesTopic(pattern: string, key: string): boolean {
  const words = key.split('.');
  // How many words the pattern so far can stand for: one pass for each part of it, however many # it has.
  let ends = new Set([0]);
  for (const part of pattern.split('.')) {
    const next = new Set<number>();
    if (part === '#') for (let end = Math.min(...ends); end <= words.length; end++) next.add(end);
    else for (const end of ends) if (end < words.length && (part === '*' || part === words[end])) next.add(end + 1);
    if (next.size === 0) return false;
    ends = next;
  }
  return ends.has(words.length);
}

function groupBySource(bindings: readonly BindingView[]): ReadonlyMap<string, readonly BindingView[]> {
  const groups = new Map<string, BindingView[]>();
  for (const binding of bindings) {
    const group = groups.get(binding.source);
    if (group === undefined) groups.set(binding.source, [binding]);
    else group.push(binding);
  }
  return groups;
}
