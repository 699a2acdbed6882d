/** What a message that waits for its redelivery takes along, in headers of leveret's own. */
export interface WaitRecord {
  /** How often it has waited, this time included. Not counted are those that the handler asked for so. */
  readonly redeliveries: number;
  /** Calls of the handler so far. */
  readonly attempts: number;
  /** Milliseconds since the epoch. */
  readonly firstFailedAt: number;
  /** A line for each failure: the first and the last nine. */
  readonly history: readonly string[];
}
