import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { SqlDatabase } from '../database/sql-database.js';
import { sqlite } from '../database/sql-dialect.js';
import { wakeStrandedKeys } from './stranded-keys.js';

const PAGE = 500;

interface Row {
  readonly key: string;
  readonly due_at?: number | null;
  readonly parked_at?: number | null;
}

describe('wakeStrandedKeys', () => {
  let clock: FakeClock;
  let stopping: AbortController;
  beforeEach(() => {
    clock = new FakeClock();
    stopping = new AbortController();
  });

  /** A table of rows with keys, of which each transaction takes 10 ms. */
  const table = (given: readonly Row[]) => {
    const rows = given.map((row, index) => ({
      id: index + 1,
      order_key: Buffer.from(row.key),
      due_at: row.due_at ?? null,
      parked_at: row.parked_at ?? null,
      key: row.key,
    }));
    const [woken, pages]: [number[], string[]] = [[], []];
    const query = async (text: string) => {
      const ids = /^UPDATE .* id IN \(([^)]*)\)/.exec(text)?.[1]?.split(',').map(Number);
      if (ids !== undefined) {
        woken.push(...ids);
        return { rows: [], rowCount: ids.length };
      }
      const after = Buffer.from(/order_key > CAST\(X'([0-9a-f]*)'/i.exec(text)?.[1] ?? '', 'hex').toString();
      pages.push(after);
      const page = rows.filter(({ key }) => key > after).slice(0, PAGE);
      return { rows: page, rowCount: page.length };
    };
    const database: SqlDatabase<unknown> = {
      dialect: sqlite,
      service: 'test',
      query,
      within: () => ({ query }),
      transaction: async (work) => {
        clock.pass(10);
        return work(undefined);
      },
    };
    return { database, woken, pages };
  };
  const wake = (database: SqlDatabase<unknown>) => wakeStrandedKeys(database, clock, stopping.signal);

  it('wakes the first row of a key that waits for nothing, and none that is due, parked, or behind another', async () => {
    const { database, woken } = table([
      { key: 'a' },
      { key: 'a' },
      { key: 'b', due_at: 5 },
      { key: 'b' },
      { key: 'c', parked_at: 5 },
      { key: 'c' },
      { key: 'd' },
    ]);
    expect(await wake(database)).to.equal(2);
    expect(woken).to.deep.equal([1, 7]);
  });

  it('writes nothing where nothing is stranded', async () => {
    const { database, woken, pages } = table([{ key: 'a', due_at: 1 }]);
    expect(await wake(database)).to.equal(0);
    expect([woken, pages]).to.deep.equal([[], ['']]);
  });

  it('goes on behind the last key of a full page, and rests four times as long as that took', async () => {
    const keys = Array.from({ length: 2 * PAGE + 1 }, (_, n) => ({ key: `k${String(n).padStart(5, '0')}` }));
    const { database, pages } = table(keys);
    const waking = wake(database);
    await new Promise((resolve) => setImmediate(resolve));
    expect([pages.length, clock.waits]).to.deep.equal([1, [40]]);
    await clock.advance(40);
    expect([pages.length, clock.waits]).to.deep.equal([2, [40]]);
    await clock.advance(40);
    expect(await waking).to.equal(2 * PAGE + 1);
    expect(pages).to.deep.equal(['', 'k00499', 'k00999']);
  });

  it('ends between two pages when it is told to', async () => {
    const { database, pages } = table(Array.from({ length: PAGE }, (_, n) => ({ key: `k${n + 1_000}` })));
    const waking = wake(database);
    await new Promise((resolve) => setImmediate(resolve));
    stopping.abort();
    expect(await waking).to.equal(PAGE);
    expect([pages.length, clock.waits]).to.deep.equal([1, []]);
    expect(await wake(database)).to.equal(0);
    expect(pages).to.have.lengthOf(1);
  });
});
