import type { SqlDatabase } from '../database/sql-database.js';
import type { RawRow } from '../outbox/outbox-row.js';
import { leaseRows } from '../relay/lease-rows.js';

/** Leases as a relay does that has room for so many rows. */
export async function lease(
  database: SqlDatabase<unknown>,
  token: string,
  leaseMs: number,
  rows: number,
): Promise<readonly RawRow[]> {
  const room = { rows, bytes: 1_000_000, empty: true };
  return (
    await leaseRows(
      database,
      { token, leaseMs, lookAt: rows, lookAtLast: 0 },
      () => room,
      () => ({ rows, deferMs: 0 }),
    )
  ).rows;
}
