/** The same list, turned so that what follows `last` comes first. RabbitMQ starts anywhere; this is as fair, and repeats. */
export function startingAfter<T>(last: T | undefined, list: readonly T[]): readonly T[] {
  const start = last === undefined ? 0 : list.indexOf(last) + 1;
  return [...list.slice(start), ...list.slice(0, start)];
}
