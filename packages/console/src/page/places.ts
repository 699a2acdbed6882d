/** Where a moment stands in a picture. */
export interface Place {
  readonly at: number;
  readonly x: number;
}

/**
 * Moments from left to right: in proportion to time, but at least `gap` apart, so that attempts of one second can be told from each
 * other beside a death a day later. What has no time is left out.
 */
export function places(
  times: readonly (number | undefined)[],
  width: number,
  gap: number,
): readonly (Place | undefined)[] {
  const known = times.filter((at): at is number => at !== undefined).sort((a, b) => a - b);
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return times.map(() => undefined);
  const span = Math.max(1, last - first);
  const free = Math.max(0, width - gap * (known.length - 1));
  const xs = known.map((at, index) => ((at - first) / span) * free + index * gap);
  const taken = new Set<number>();
  return times.map((at) => {
    if (at === undefined) return undefined;
    const index = known.findIndex((each, place) => each === at && !taken.has(place));
    taken.add(index);
    return { at, x: xs[index] ?? 0 };
  });
}
