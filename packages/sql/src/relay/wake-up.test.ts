import { EventEmitter } from 'node:events';
import { type Clock, type LogFields, silentLogger, systemClock } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import pg from 'pg';
import sinon from 'sinon';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
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

describe('postgresWakeUp, whatever the server does,', () => {
  /** Clients that listen at once, and whose connections a test loses. */
  class Client extends EventEmitter implements ListeningClient {
    static made: Client[] = [];
    readonly told: string[] = [];
    connect = async () => void this.told.push('connect');
    query = async (text: string) => void this.told.push(text);
    end = async () => void this.told.push('end');
    unref = () => void this.told.push('unref');

    constructor() {
      super();
      Client.made.push(this);
    }
  }
  let clock: FakeClock;
  let lines: string[];
  let woken: number;
  const turns = async () => {
    for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve));
  };
  const start = async (newClient: () => ListeningClient = () => new Client()) => {
    const logger = { ...silentLogger, warn: (_: LogFields, text: string) => void lines.push(text) };
    const wakeUp = postgresWakeUp(newClient, { clock });
    wakeUp.start(() => woken++, logger);
    await turns();
    return wakeUp;
  };
  const last = () => Client.made.at(-1) as Client;

  beforeEach(() => {
    sinon.stub(Math, 'random').returns(0);
    [clock, lines, woken, Client.made] = [new FakeClock(), [], 0, []];
  });
  afterEach(() => sinon.restore());

  it('looks once when it listens, for what came before, and then at each word of the server', async () => {
    const wakeUp = await start();
    expect([last().told, woken, clock.waits]).to.deep.equal([['connect', 'LISTEN leveret_outbox'], 1, []]);
    last().emit('notification');
    last().emit('notification');
    expect(woken).to.equal(3);
    await wakeUp.stop();
    expect(last().told.slice(2)).to.deep.equal(['end', 'unref']);
    expect([clock.waits, lines]).to.deep.equal([[], []]);
  });

  it('makes another connection half a second behind each loss, however often, while it can listen', async () => {
    const wakeUp = await start();
    for (const loss of ['error', 'end', 'error']) {
      last().emit(loss);
      await turns();
      expect(last().told.slice(2)).to.deep.equal(['end', 'unref']);
      expect(clock.waits).to.deep.equal([500]);
      const { length } = Client.made;
      await clock.advance(500);
      await turns();
      expect(Client.made).to.have.lengthOf(length + 1);
    }
    expect(woken).to.equal(4);
    await wakeUp.stop();
  });

  it('waits longer from one failure to the next, says each in the log of the relay, and no longer once it listens', async () => {
    let isAway = true;
    const refusing = () => {
      const client = new Client();
      if (isAway) client.connect = () => Promise.reject(new Error('refused'));
      return client;
    };
    const wakeUp = await start(refusing);
    for (const wait of [500, 1_000, 2_000]) {
      expect(clock.waits).to.deep.equal([wait]);
      isAway = wait !== 2_000;
      await clock.advance(wait);
      await turns();
    }
    expect(lines).to.deep.equal(Array.from({ length: 3 }, () => 'the outbox cannot listen, and polls'));
    expect(woken).to.equal(1);
    last().emit('end');
    await turns();
    expect(clock.waits).to.deep.equal([500]);
    await wakeUp.stop();
    expect(clock.waits).to.deep.equal([]);
  });

  it('says nothing of a wake-up that is stopped while it connects', async () => {
    let listen = () => {};
    const wakeUp = await start(() => {
      const client = new Client();
      client.connect = () =>
        new Promise<undefined>((resolve) => {
          listen = () => resolve(undefined);
        });
      return client;
    });
    await wakeUp.stop();
    listen();
    await turns();
    expect([woken, lines, clock.waits]).to.deep.equal([0, [], []]);
    expect(last().told.filter((text) => text !== 'LISTEN leveret_outbox')).to.deep.equal(['end', 'unref']);
  });
});
