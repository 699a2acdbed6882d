/** A number as it is read: `1,000`. */
export function numberText(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A number with its noun: `1 message`, `1,000 messages`. */
export function countText(count: number, noun: string, plural = `${noun}s`): string {
  return `${numberText(count)} ${count === 1 ? noun : plural}`;
}

/** Messages in a second: `0`, `0.4`, `49.8`, `1,200`. */
export function rateText(rate: number): string {
  return rate >= 100 ? numberText(rate) : String(Number(rate.toFixed(1)));
}

/** Bytes: `12 bytes`, `3.1 kB`, `4.2 MB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return countText(bytes, 'byte');
  const [unit, name] = bytes < 1_000_000 ? [1000, 'kB'] : [1_000_000, 'MB'];
  return `${(bytes / unit).toFixed(1)} ${name}`;
}
