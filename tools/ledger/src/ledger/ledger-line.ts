/**
 * A line of a ledger: `<monotonic µs> <wall ms> <event> <rest>`, separated by single spaces. The monotonic clock is the
 * machine's, so that lines of different processes compare; the wall clock is there for databases and people.
 */
export interface LedgerLine {
  /** Microseconds of the machine's monotonic clock. */
  readonly at: number;
  /** Milliseconds since the epoch. */
  readonly wallAt: number;
  readonly event: string;
  /** What stands behind the event, by position. */
  readonly words: readonly string[];
}

export function parseLine(text: string): LedgerLine | undefined {
  const words = text.split(' ');
  const [at, wallAt, event] = words;
  // The last line of a process that was killed may be cut off.
  if (event === undefined || event === '') return undefined;
  const line = { at: Number(at), wallAt: Number(wallAt), event, words: words.slice(3) };
  return Number.isNaN(line.at + line.wallAt) ? undefined : line;
}

/** Now, in microseconds of the machine's monotonic clock. */
export function monotonicMicros(): number {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1_000_000 + Math.floor(nanos / 1000);
}
