import type { MessageProperties, Publication } from '@leveret/core';
import { readTable } from './table-json.js';

/** A row as the database gives it: drivers differ in how they give numbers and bytes. */
export type RawRow = Readonly<Record<string, unknown>>;

/** What identifies a row, and what was tried with it. */
export interface OutboxEntry {
  readonly id: number;
  /** Times a relay took it to publish it, this one included. */
  readonly attempts: number;
  /** Times the broker refused it. */
  readonly failures: number;
}

export function readEntry(row: RawRow): OutboxEntry {
  return { id: Number(row['id']), attempts: Number(row['attempts']), failures: Number(row['failures']) };
}

/** MySQL keeps it as bytes. */
export function readKey(row: RawRow): string | undefined {
  const key = row['order_key'];
  return key === null || key === undefined ? undefined : String(key);
}

/** @throws {Error} when the row holds no message, as when somebody wrote it by hand */
export function readPublication(row: RawRow): Publication {
  return {
    exchange: String(row['exchange']),
    routingKey: String(row['routing_key']),
    properties: readTable(String(row['properties'])) as MessageProperties,
    headers: readTable(String(row['headers'])),
    mandatory: Number(row['mandatory']) === 1,
    body: readBytes(row['body']),
  };
}

function readBytes(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  throw new TypeError(`expected the bytes of a body, received ${typeof value}`);
}
