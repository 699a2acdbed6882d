/** What a relay has done since it was made. */
export interface RelayStats {
  /** Confirmed by the broker. */
  readonly published: number;
  /** Refused by the broker, each time counted. */
  readonly refused: number;
  readonly parked: number;
  /** Publishes that failed for want of a connection, by an alarm, or without an answer. */
  readonly outages: number;
  /** Confirmed when the lease had passed to another relay: these messages may have been published twice. */
  readonly lostLeases: number;
  /** Looks at the table, with or without a find. */
  readonly polls: number;
  readonly wakeUps: number;
  /** Statements that failed. */
  readonly databaseErrors: number;
  /** Old rows of the inbox and the idempotency table that were deleted. */
  readonly purged: number;
}

export type RelayCounters = { -readonly [Name in keyof RelayStats]: number };

export function zeroCounters(): RelayCounters {
  return {
    published: 0,
    refused: 0,
    parked: 0,
    outages: 0,
    lostLeases: 0,
    polls: 0,
    wakeUps: 0,
    databaseErrors: 0,
    purged: 0,
  };
}
