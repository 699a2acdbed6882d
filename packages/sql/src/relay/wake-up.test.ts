import { type Clock, silentLogger, systemClock } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import pg from 'pg';
import sinon from 'sinon';
import { Outbox } from '../outbox/outbox.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender } from '../test-support/fake-sender.js';
import { OutboxRelay } from './outbox-relay.js';
import { type ListeningClient, postgresWakeUp } from './wake-up.js';

describeOnEachDatabase(
  'postgresWakeUp',
  (at) => {
    const setUp = () => {
      const clients: pg.Client[] = [];
      const wakeUp = postgresWakeUp(() => {
        const client = new pg.Client({ connectionString: at.url });
        clients.push(client);
        return client;
      });
      const sender = new FakeSender();
      const relay = new OutboxRelay(at.database, sender, { pollInterval: '10m', retention: false, wakeUp });
      return { clients, sender, relay };
    };
    const put = (payload: string, options?: ConstructorParameters<typeof Outbox>[1]) =>
      at.database.transaction((tx) => new Outbox(at.database, options).publish(tx, 'e', 'k', payload));

    it('lets a message go when its transaction commits, long before the next poll', async () => {
      const { relay, sender } = setUp();
      relay.start();
      await eventually('it listens', () => relay.stats.wakeUps === 1 && relay.stats.polls === 2);
      await put('now');
      await eventually('it is published', () => sender.bodies.join() === 'now');
      await relay.stop();
    });

    it('says nothing when it is told not to', async () => {
      const { relay, sender } = setUp();
      relay.start();
      await eventually('it listens', () => relay.stats.wakeUps === 1 && relay.stats.polls === 2);
      await put('silent', { notify: false });
      await put('loud');
      await eventually('both are published', () => sender.bodies.length === 2);
      expect(relay.stats.wakeUps).to.equal(2);
      await relay.stop();
    });

    it('listens again after its connection was lost, and looks for what it missed', async () => {
      const { relay, sender, clients } = setUp();
      relay.start();
      await eventually('it listens', () => relay.stats.wakeUps === 1 && relay.stats.polls === 2);
      await at.database.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = current_database()`,
      );
      await eventually('it listens again', () => clients.length === 2 && relay.stats.wakeUps === 2);
      await put('again');
      await eventually('it is published', () => sender.bodies.join() === 'again');
      await relay.stop();
    });

    it('polls while it cannot listen', async () => {
      let asked = 0;
      const wakeUp = postgresWakeUp(() => {
        asked++;
        return new pg.Client({ host: '127.0.0.1', port: 1 });
      });
      const sender = new FakeSender();
      const relay = new OutboxRelay(at.database, sender, { pollInterval: 20, retention: false, wakeUp }).start();
      await put('polled');
      await eventually('it is published', () => sender.bodies.join() === 'polled' && asked > 0);
      await relay.stop();
    });
  },
  (kind) => kind.service === 'postgres',
);

describe('postgresWakeUp and a server that says nothing', () => {
  const silent = () => {
    let ended = 0;
    const client: ListeningClient = {
      connect: () => new Promise(() => {}),
      query: async () => undefined,
      end: async () => {
        ended++;
      },
      on: () => undefined,
    };
    return { client, ended: () => ended };
  };

  it('stops at once, and lets go of the connection', async () => {
    const { client, ended } = silent();
    const wakeUp = postgresWakeUp(() => client);
    wakeUp.start(() => {});
    await wakeUp.stop();
    expect(ended()).to.equal(1);
  });

  it('leaves no listener behind on its signal, however often it reconnects', async () => {
    const added = sinon.spy(AbortSignal.prototype, 'addEventListener');
    const removed = sinon.spy(AbortSignal.prototype, 'removeEventListener');
    try {
      let made = 0;
      const lost = (): ListeningClient => {
        made++;
        return {
          connect: async () => {},
          query: async () => {},
          end: async () => {},
          // The server closes it as soon as it listens.
          on: (event, listener) => void (event === 'end' && setImmediate(listener)),
        };
      };
      const clock: Clock = { ...systemClock, after: (_ms, run) => systemClock.after(0, run) };
      const wakeUp = postgresWakeUp(lost, { clock, logger: silentLogger });
      wakeUp.start(() => {});
      await eventually('it has reconnected twenty times', () => made > 20);
      expect(added.callCount - removed.callCount).to.be.at.most(2);
      await wakeUp.stop();
    } finally {
      added.restore();
      removed.restore();
    }
  });

  it('tries another connection after 30 seconds', async () => {
    const timers: { readonly ms: number; readonly run: () => void }[] = [];
    const clock: Clock = {
      now: () => 0,
      monotonic: () => 0,
      after: (ms, run) => {
        timers.push({ ms, run });
        return () => {};
      },
    };
    const { client, ended } = silent();
    let made = 0;
    const wakeUp = postgresWakeUp(
      () => {
        made++;
        return client;
      },
      { clock },
    );
    wakeUp.start(() => {});
    expect(timers.map(({ ms }) => ms)).to.deep.equal([30_000]);
    timers[0]?.run();
    await eventually('it waits for another try', () => timers.length === 2);
    timers[1]?.run();
    await eventually('it tries again', () => made === 2);
    expect(ended()).to.equal(1);
    await wakeUp.stop();
  });
});
