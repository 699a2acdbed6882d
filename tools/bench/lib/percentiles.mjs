/** What half of the values, and 99 of 100, are below. */
export function percentiles(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
