/** Failures over time: so many in each step from `from` on. */
export interface Histogram {
  readonly from: number;
  readonly stepMs: number;
  readonly counts: readonly number[];
}

/** A bar of a picture. */
export interface Bar {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly count: number;
  /** Begin of its step, milliseconds since the epoch. */
  readonly at: number;
}

/** Bars that fill a picture. A step with anything in it is at least one unit high, or few would look like none. */
export function bars({ from, stepMs, counts }: Histogram, width: number, height: number): readonly Bar[] {
  const highest = Math.max(1, ...counts);
  const step = width / Math.max(1, counts.length);
  const gap = step > 3 ? 1 : 0;
  return counts.flatMap((count, index) => {
    if (count <= 0) return [];
    const tall = Math.max(1, (count / highest) * height);
    const at = from + index * stepMs;
    return [{ x: index * step, y: height - tall, width: step - gap, height: tall, count, at }];
  });
}
