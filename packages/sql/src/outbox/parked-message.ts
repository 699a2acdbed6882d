import type { Publication } from '@leveret/core';
import { type OutboxEntry, type RawRow, readEntry, readKey, readPublication } from './outbox-row.js';

/** A message that a relay gave up, and why. */
export interface ParkedMessage extends OutboxEntry {
  readonly messageId: string | undefined;
  readonly exchange: string;
  readonly routingKey: string;
  readonly orderKey: string | undefined;
  /** When it was written; of one that was published with a delay, when it was due first. */
  readonly createdAt: Date;
  readonly parkedAt: Date;
  /** Why it was refused last, beginning with a code where there is one. */
  readonly error: string;
  /** The whole message; `undefined` when the row cannot be read. */
  readonly publication: Publication | undefined;
}

export function readParked(row: RawRow): ParkedMessage {
  return {
    ...readEntry(row),
    messageId: typeof row['message_id'] === 'string' ? row['message_id'] : undefined,
    exchange: String(row['exchange']),
    routingKey: String(row['routing_key']),
    orderKey: readKey(row),
    createdAt: new Date(Number(row['created_at'])),
    parkedAt: new Date(Number(row['parked_at'])),
    error: String(row['error']),
    publication: readable(row),
  };
}

function readable(row: RawRow): Publication | undefined {
  try {
    return readPublication(row);
  } catch {
    return undefined;
  }
}
