import { expect } from 'chai';
import { describe, it } from 'mocha';
import { mysql, type SqlDialect, sqlite } from '../database/sql-dialect.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { adoptRows } from './adopt-rows.js';

/** How many rows without a service each look finds. */
const having = (dialect: SqlDialect, ...found: number[]) =>
  recordingDatabase(dialect, (text) =>
    text.startsWith('SELECT') ? { rows: Array.from({ length: found.shift() ?? 0 }, (_, id) => ({ id })) } : {},
  );

describe('adoptRows', () => {
  it('takes a thousand rows in each transaction, until fewer are left', async () => {
    for (const [found, transactions, updates] of [
      [[1_000, 1_000, 7], 3, 3],
      [[1_000, 0], 2, 1],
      [[999], 1, 1],
      [[0], 1, 0],
    ] as const) {
      const { database, sent } = having(sqlite, ...found);
      await adoptRows(database);
      expect(sent.filter((text) => text === 'BEGIN')).to.have.lengthOf(transactions);
      expect(sent.filter((text) => text.startsWith('UPDATE'))).to.have.lengthOf(updates);
    }
  });

  it('passes over what another relay takes, where there are several writers', async () => {
    for (const [dialect, passes] of [
      [sqlite, false],
      [mysql, true],
    ] as const) {
      const { database, sent } = having(dialect, 1);
      await adoptRows(database);
      expect(sent[1]?.endsWith('LIMIT 1000 FOR UPDATE SKIP LOCKED')).to.equal(passes);
    }
  });
});
