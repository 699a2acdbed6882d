import { expect } from 'chai';
import { describe, it } from 'mocha';
import { mysql, type SqlDialect, sqlite } from '../database/sql-dialect.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { Outbox } from './outbox.js';
import { ParkedRows } from './parked-rows.js';

const MIB = 1024 * 1024;

/** Parked rows with these ids, each of so many bytes. */
function parked(ids: readonly number[], { size = 1, dialect = sqlite as SqlDialect } = {}) {
  return recordingDatabase(dialect, (text) => {
    if (!text.startsWith('SELECT')) return { rowCount: 0 };
    const listed = / id IN \(([^)]*)\)/.exec(text)?.[1]?.split(',').map(Number);
    const after = Number(/ id > (-?\d+)/.exec(text)?.[1] ?? -1);
    const limit = Number(/LIMIT (\d+)/.exec(text)?.[1] ?? Number.POSITIVE_INFINITY);
    const found = ids.filter((id) => listed?.includes(id) ?? id > after).slice(0, limit);
    return { rows: found.map((id) => ({ id, size, order_key: null, created_at: 1, parked_at: 2, error: 'full' })) };
  });
}
const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

describe('ParkedRows', () => {
  it('shows a hundred at a time, behind the last one of the page before, down to the first id', async () => {
    const outbox = new Outbox(parked(upTo(150)).database);
    const first = await outbox.parked();
    expect(first.map(({ id }) => id)).to.deep.equal(upTo(150).slice(1, 101));
    expect((await outbox.parked({ afterId: 100 })).map(({ id }) => id)).to.deep.equal(upTo(150).slice(101));
    expect(await outbox.parked({ afterId: 149 })).to.deep.equal([]);
  });

  for (const [sizeMib, count] of [
    [4, 4],
    [5, 3],
    [17, 1],
  ] as const) {
    it(`shows ${count} whose bodies have ${sizeMib} MiB each: 16 MiB at a time, and one at least`, async () => {
      const { database } = parked(upTo(10), { size: sizeMib * MIB });
      expect(await new ParkedRows(database).page(100, -1)).to.have.lengthOf(count);
    });
  }

  for (const [which, given] of [
    ['all', 'all'],
    ['so many ids', upTo(1_100)],
  ] as const) {
    it(`changes 500 in each transaction, until none of ${which} is left, and says how many there were`, async () => {
      const { database } = parked(upTo(1_100));
      const pages: number[] = [];
      const done = await new ParkedRows(database).each(given, async (_executor, page) => void pages.push(page.length));
      expect([done, pages]).to.deep.equal([1_100, [500, 500, 100]]);
    });
  }

  it('goes on behind a page of ids of which none is parked any more', async () => {
    const { database } = parked(upTo(600).slice(550));
    const pages: number[] = [];
    const done = await new ParkedRows(database).each(
      upTo(600),
      async (_executor, page) => void pages.push(page.length),
    );
    expect([done, pages]).to.deep.equal([50, [50]]);
  });

  it('keeps others from what it changes, where there are several writers', async () => {
    for (const [dialect, locks] of [
      [sqlite, false],
      [mysql, true],
    ] as const) {
      const { database, sent } = parked([1], { dialect });
      await new Outbox(database).discard([1]);
      const looked = sent.find((text) => text.startsWith('SELECT id, order_key'));
      expect(looked?.endsWith('ORDER BY id FOR UPDATE')).to.equal(locks);
    }
  });
});
