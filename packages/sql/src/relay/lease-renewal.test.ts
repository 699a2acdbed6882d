import { type Clock, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { SqlDatabase } from '../database/sql-database.js';
import { sqlite } from '../database/sql-dialect.js';
import { LeaseRenewal } from './lease-renewal.js';
import { type RowInHand, RowsInHand } from './rows-in-hand.js';

const TOKEN = '00000000-0000-4000-8000-000000000000';

describe('LeaseRenewal', () => {
  let clock: FakeClock;
  let hand: RowsInHand;
  let asked: number;
  let answer: () => Promise<number>;
  const counters = { databaseErrors: 0 };

  beforeEach(() => {
    clock = new FakeClock();
    hand = new RowsInHand({ batchSize: 10, batchBytes: 1000 });
    asked = 0;
    answer = async () => 1;
    counters.databaseErrors = 0;
  });

  const row = (id: number): RowInHand => ({
    id,
    attempts: 1,
    failures: 0,
    key: undefined,
    destination: 'e k',
    size: 1,
    row: {},
    leasedUntil: 900,
  });
  const renewal = (of: Clock = clock) => {
    const query = async () => {
      asked++;
      return { rows: [], rowCount: await answer() };
    };
    const database: SqlDatabase<unknown> = {
      dialect: sqlite,
      service: 'test',
      query,
      within: () => ({ query }),
      transaction: (work) => work(undefined),
    };
    const env = { database, clock: of, logger: silentLogger, counters, leaseMs: 900 };
    return new LeaseRenewal(env, TOKEN, hand);
  };

  it('asks at each third of the lease, and lets it run from the question', async () => {
    const held = row(1);
    hand.add(held);
    answer = async () => {
      clock.pass(50);
      return 1;
    };
    renewal().begin();
    expect(clock.waits).to.deep.equal([300]);
    await clock.advance(300);
    const began = clock.monotonic() - clock.elapsed;
    expect([asked, held.leasedUntil]).to.deep.equal([1, began + 1200]);
    expect(clock.waits).to.deep.equal([300]);
    await clock.advance(300);
    expect([asked, held.leasedUntil]).to.deep.equal([2, began + 1550]);
  });

  it('asks once however often it is begun, and no more when nothing is in hand', async () => {
    hand.add(row(1));
    const renewing = renewal();
    renewing.begin();
    renewing.begin();
    expect(clock.waits).to.have.lengthOf(1);
    hand.remove([1]);
    await clock.advance(300);
    expect([asked, clock.waits]).to.deep.equal([0, []]);
    hand.add(row(2));
    renewing.begin();
    expect(clock.waits).to.deep.equal([300]);
  });

  it('tries again a third of the lease after the database has failed', async () => {
    const held = row(1);
    hand.add(held);
    answer = () => Promise.reject(new Error('away'));
    renewal().begin();
    await clock.advance(300);
    expect([counters.databaseErrors, held.leasedUntil, clock.waits]).to.deep.equal([1, 900, [300]]);
  });

  it('ends with what is in hand, also while it asks, and leaves no timer', async () => {
    hand.add(row(1));
    const first = renewal();
    first.begin();
    first.end();
    expect(clock.waits).to.deep.equal([]);
    first.begin();
    expect(clock.waits).to.deep.equal([]);
    const second = renewal();
    answer = async () => {
      second.end();
      return 1;
    };
    second.begin();
    await clock.advance(300);
    expect([asked, clock.waits]).to.deep.equal([1, []]);
  });
});
