import { type Clock, type Publication, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { Outbox } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { RelayHealth } from './relay-health.js';
import { zeroCounters } from './relay-stats.js';
import { RelayStream } from './relay-stream.js';

const LEASE_MS = 1_000;

/** A clock that the test sets, and timers that the test fires. */
class HandClock implements Clock {
  ms = 0;
  readonly timers = new Set<{ readonly ms: number; readonly callback: () => void }>();
  now = () => this.ms;
  monotonic = () => this.ms;
  after = (ms: number, callback: () => void) => {
    const timer = { ms, callback };
    this.timers.add(timer);
    return () => this.timers.delete(timer);
  };
  /** What waits for less than a lease: renewals, not the time of the sender. */
  fire(): void {
    for (const timer of [...this.timers].filter(({ ms }) => ms < LEASE_MS)) {
      this.timers.delete(timer);
      timer.callback();
    }
  }
}

const turns = async () => {
  for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
};

describeOnEachDatabase(
  'RelayStream',
  (at) => {
    afterEach(() => at.database.query('DELETE FROM leveret_outbox'));

    /** A stream over a database that takes its time to answer, with two messages of one key. */
    async function streaming() {
      const clock = new HandClock();
      const slow = { ms: 0 };
      const database: SqlDatabase<unknown> = {
        ...at.database,
        transaction: async (work) => {
          const result = await at.database.transaction(work);
          clock.ms += slow.ms;
          return result;
        },
      };
      const sent: string[] = [];
      const confirms: (() => void)[] = [];
      const sender = {
        send: ({ body }: Publication) => {
          sent.push(body.toString());
          return new Promise<void>((resolve) => confirms.push(resolve));
        },
      };
      const counters = zeroCounters();
      const stream = new RelayStream({
        database,
        sender,
        clock,
        logger: silentLogger,
        counters,
        health: new RelayHealth('test'),
        batchSize: 10,
        batchBytes: 1_000_000,
        leaseMs: LEASE_MS,
        sendTimeoutMs: 1_000_000,
        refusals: { maxFailures: 3, backoff: { initialIntervalMs: 1, multiplier: 1, maxIntervalMs: 1, jitter: 0 } },
      });
      const outbox = new Outbox(at.database);
      for (const body of ['first', 'second']) {
        await at.database.transaction((tx) => outbox.publish(tx, 'e', 'k', body, { orderKey: 'o' }));
      }
      const confirm = async () => {
        confirms.shift()?.();
        await turns();
      };
      return { clock, slow, stream, sent, counters, confirm };
    }

    for (const [when, ms, expected] of [
      ['sends what is still leased by the time of the question', LEASE_MS - 1, ['first', 'second']],
      ['sends nothing more when that is over, however late the answer came', LEASE_MS, ['first']],
    ] as const) {
      it(when, async () => {
        const { clock, slow, stream, sent, counters, confirm } = await streaming();
        slow.ms = 900;
        await stream.look();
        slow.ms = 0;
        await turns();
        clock.ms = ms;
        await confirm();
        expect([sent, counters.lostLeases]).to.deep.equal([expected, 2 - expected.length]);
        await confirm();
      });

      it(`${when}, after a renewal as well`, async () => {
        const { clock, slow, stream, sent, counters, confirm } = await streaming();
        await stream.look();
        await turns();
        clock.ms = 300;
        slow.ms = 900;
        clock.fire();
        await turns();
        slow.ms = 0;
        clock.ms = 300 + ms;
        await confirm();
        expect([sent, counters.lostLeases]).to.deep.equal([expected, 2 - expected.length]);
        await confirm();
      });
    }

    it('renews again when it has rows in hand again, and leaves no timer behind them', async () => {
      const { clock, stream, confirm } = await streaming();
      const outbox = new Outbox(at.database);
      await stream.look();
      await turns();
      await confirm();
      await confirm();
      clock.fire();
      await turns();
      expect(clock.timers.size).to.equal(0);
      await at.database.transaction((tx) => outbox.publish(tx, 'e', 'k', 'third'));
      await stream.look();
      await turns();
      expect(clock.timers.size, 'a renewal and the time of the sender').to.equal(2);
      await confirm();
      clock.fire();
      await turns();
      expect(clock.timers.size).to.equal(0);
    });
  },
  ({ shared }) => !shared,
);
