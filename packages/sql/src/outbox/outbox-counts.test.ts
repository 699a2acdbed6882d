import { expect } from 'chai';
import { describe, it } from 'mocha';
import { mysql, postgres, sqlite } from '../database/sql-dialect.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { rejection } from '../test-support/rejection.js';
import { Outbox } from './outbox.js';
import { countOutbox } from './outbox-counts.js';

describe('countOutbox', () => {
  const pages = (visible: number, all: number) => (text: string) =>
    text.includes('relallvisible')
      ? { rows: [{ visible, pages: all }] }
      : { rows: [{ pending: '3', oldest_ms: '-2' }] };

  it('answers numbers, and never an age below 0', async () => {
    const { database } = recordingDatabase(sqlite, pages(0, 0));
    expect(await countOutbox(database, 1_000)).to.deep.equal({
      pending: 3,
      scheduled: 0,
      parked: 0,
      heldUp: 0,
      oldestPendingMs: 0,
    });
  });

  for (const [visible, all, byIndex] of [
    [74, 100, false],
    [75, 100, true],
    [0, 0, true],
  ] as const) {
    it(`reads ${byIndex ? 'indexes' : 'the table'} of PostgreSQL of which ${visible} of ${all} pages are vacuumed, within its time`, async () => {
      const { database, sent } = recordingDatabase(postgres, pages(visible, all));
      await countOutbox(database, 1_234);
      expect(sent[1]).to.equal(`SELECT set_config('statement_timeout', '1234', true), set_config('jit', 'off', true)`);
      expect(sent.at(-1)?.includes('order_key IS NOT NULL GROUP BY')).to.equal(byIndex);
      expect(sent.some((text) => text.includes('enable_seqscan'))).to.equal(byIndex);
      expect(sent.some((text) => text.includes('enable_hashagg'))).to.equal(byIndex);
    });
  }

  it('tells MySQL and MariaDB how long they may take, each in its way', async () => {
    const { database, sent } = recordingDatabase(mysql);
    await countOutbox(database, 1_500);
    expect(sent.at(-1)).to.match(
      /^\/\*M! SET STATEMENT max_statement_time = 1\.5 FOR \*\/ SELECT \/\*\+ MAX_EXECUTION_TIME\(1500\) \*\//,
    );
  });

  it('may take five seconds, and a millisecond at least', async () => {
    for (const [options, ms] of [
      [{}, 5_000],
      [{ timeout: 0 }, 1],
      [{ timeout: 0.5 }, 1],
      [{ timeout: '2s' }, 2_000],
    ] as const) {
      const { database, sent } = recordingDatabase(postgres);
      await new Outbox(database).counts(options);
      expect(sent[1]).to.contain(`'statement_timeout', '${ms}'`);
    }
  });

  for (const code of ['57014', 'ER_STATEMENT_TIMEOUT', 'ER_QUERY_TIMEOUT', '42P01']) {
    it(`${code === '42P01' ? 'throws' : 'says that the time was not enough for'} ${code}`, async () => {
      const fault = Object.assign(new Error(code), { code });
      const { database } = recordingDatabase(mysql, () => {
        throw fault;
      });
      const error = await rejection(countOutbox(database, 7));
      if (code === '42P01') {
        expect(error).to.equal(fault);
        return;
      }
      expect(error).to.include({ code: 'LEV_DATABASE_BUSY', cause: fault });
      expect(error.message).to.contain('within 7 ms');
    });
  }
});
