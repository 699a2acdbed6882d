import { type LogFields, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { SqlDatabase } from '../database/sql-database.js';
import { sqlite } from '../database/sql-dialect.js';
import { Housekeeping } from './housekeeping.js';

describe('Housekeeping', () => {
  let clock: FakeClock;
  let asked: string[];
  let lines: [LogFields, string][];
  let health: { well: sinon.SinonSpy; amiss: sinon.SinonSpy };
  let answer: (text: string) => Promise<number>;
  const counters = { purged: 0, databaseErrors: 0 };

  beforeEach(() => {
    // Half of each wait at the start, and each wait as it is from then on.
    sinon.stub(Math, 'random').returns(0.5);
    clock = new FakeClock();
    [asked, lines] = [[], []];
    Object.assign(counters, { purged: 0, databaseErrors: 0 });
    health = { well: sinon.spy(), amiss: sinon.spy() };
    answer = async () => 0;
  });
  afterEach(() => sinon.restore());

  const make = (retentionMs: number | undefined) => {
    const query = async (text: string) => {
      asked.push(text.trim().split(/\s+/).slice(0, 3).join(' '));
      const rowCount = await answer(text);
      return { rows: [], rowCount };
    };
    const database: SqlDatabase<unknown> = {
      dialect: sqlite,
      service: 'test',
      query,
      within: () => ({ query }),
      transaction: (work) => work(undefined),
    };
    const logger = { ...silentLogger, warn: (...line: [LogFields, string]) => void lines.push(line) };
    return new Housekeeping(database, { clock, logger, counters, health, retentionMs });
  };

  it('looks through the keys every minute, and deletes old rows every ten', async () => {
    const keeping = make(1000);
    keeping.start();
    keeping.start();
    expect(clock.waits).to.deep.equal([30_000, 300_000]);
    await clock.advance(30_000);
    expect(asked).to.have.lengthOf(1);
    expect(clock.waits).to.deep.equal([60_000, 270_000]);
    await clock.advance(240_000);
    expect(asked).to.have.lengthOf(5);
    answer = async (text) => (text.startsWith('DELETE') ? 3 : 0);
    await clock.advance(30_000);
    expect(asked.filter((text) => text.startsWith('DELETE'))).to.have.lengthOf(2);
    expect(counters).to.deep.equal({ purged: 6, databaseErrors: 0 });
    expect(health.well.args[0]).to.deep.equal(['housekeeping']);
    expect(clock.waits).to.deep.equal([30_000, 600_000]);
    await keeping.stop();
    expect(clock.waits).to.deep.equal([]);
  });

  it('deletes nothing when it is to delete nothing', async () => {
    const keeping = make(undefined);
    keeping.start();
    expect(clock.waits).to.deep.equal([30_000]);
    await keeping.stop();
    expect(clock.waits).to.deep.equal([]);
  });

  it('says what failed, and tries again after the same wait', async () => {
    const away = new Error('away');
    answer = () => Promise.reject(away);
    const keeping = make(1000);
    keeping.start();
    await clock.advance(30_000);
    expect([counters.databaseErrors, clock.waits[0]]).to.deep.equal([1, 60_000]);
    await clock.advance(270_000);
    expect(new Set(lines.map(([, text]) => text))).to.deep.equal(
      new Set(['order keys were not looked through', 'old rows of the inbox were not deleted']),
    );
    expect(lines.every(([{ err }]) => err === away)).to.equal(true);
    expect(health.amiss.args[0]).to.deep.equal(['housekeeping', away]);
    expect(health.well.callCount).to.equal(0);
    await keeping.stop();
  });

  it('has ended, behind the running transaction, when stop() answers', async () => {
    let end: (rows: number) => void = () => {};
    answer = () =>
      new Promise((resolve) => {
        end = resolve;
      });
    const keeping = make(undefined);
    keeping.start();
    await clock.advance(30_000);
    let stopped = false;
    const stopping = keeping.stop().then(() => {
      stopped = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect([asked.length, stopped]).to.deep.equal([1, false]);
    end(0);
    await stopping;
    expect([asked.length, clock.waits]).to.deep.equal([1, []]);
  });

  it('is stopped before it was started, and waits for nothing', async () => {
    await make(1000).stop();
    expect(clock.waits).to.deep.equal([]);
  });
});
