import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { ManagedConnectionEvents } from '../connection/connection-events.js';
import type { Link } from '../connection/link.js';
import type { ManagedConnection } from '../connection/managed-connection.js';
import { AnsweringLink } from '../test-support/answering-link.js';
import { queueOf, topologyOf } from '../test-support/declarations.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { TopologyKeeper } from '../topology/topology-keeper.js';
import { Subscriptions } from './subscriptions.js';

describe('Subscriptions', () => {
  function setUp() {
    const clock = new FakeClock();
    const told: string[] = [];
    const common: { link: Link | undefined; failure: Error | undefined; ensure(): void } = {
      link: undefined,
      failure: undefined,
      ensure: () => void told.push('ensured'),
    };
    const events: ManagedConnectionEvents[] = [];
    let closed = () => {};
    const keeper = new TopologyKeeper('warn', () => {}, clock);
    const all = new Subscriptions({
      common: common as unknown as ManagedConnection,
      keeper,
      clock,
      connect: (given) => {
        events.push(given);
        return {
          ensure: () => {},
          health: () => ({ role: 'consume', state: 'connecting' }),
          close: () =>
            new Promise<void>((resolve) => {
              closed = resolve;
            }),
        } as unknown as ManagedConnection;
      },
      suspected: (queue) => void told.push(`${queue} suspected`),
    });
    const begin = (queue = 'q') => {
      const sink = new RecordingSink(() => {});
      return { sink, subscription: all.begin(consumeRequest(queue), sink) };
    };
    return { all, clock, told, common, keeper, begin, events, endClose: () => closed() };
  }

  /** A connection on which nobody is ever answered. */
  function silent(): Link {
    const link = new AnsweringLink();
    link.openChannel = () => new Promise(() => {});
    return link.link;
  }

  it('begin on the connection that there is, or have it made', async () => {
    const { told, common, begin, all, clock } = setUp();
    begin();
    await turn();
    expect([told, all.unanswered()]).to.deep.equal([['ensured'], []]);
    common.link = silent();
    await clock.advance(1_000);
    begin('r');
    await turn();
    await clock.advance(500);
    expect(all.unanswered()).to.deep.equal([{ kind: 'consume', queue: 'r', forMs: 500 }]);
    all.connected(common.link);
    await clock.advance(500);
    expect(all.unanswered().map(({ forMs }) => forMs)).to.deep.equal([500, 1_000]);
    expect(told).to.deep.equal(['ensured']);
  });

  it('fail where the connection will not come, now or later', async () => {
    const { common, begin, all } = setUp();
    const waiting = begin();
    await turn();
    const error = new LeveretError('LEV_AUTHENTICATION_REFUSED', 'no');
    all.failed(error);
    expect(waiting.sink.failures).to.deep.equal([error]);
    common.failure = error;
    const late = begin();
    expect(late.sink.failures).to.deep.equal([]);
    await turn();
    expect(late.sink.failures).to.deep.equal([error]);
    all.failed(error);
    expect(waiting.sink.failures).to.have.lengthOf(1);
  });

  it('have nothing begun that was cancelled in the same turn, or that comes after their end', async () => {
    const { told, begin, all } = setUp();
    const { subscription } = begin();
    void subscription.cancel();
    await turn();
    expect(told).to.deep.equal([]);
    await all.close(1_000);
    const { sink } = begin();
    await turn();
    expect(sink.failures.map((each) => (each as LeveretError).code)).to.deep.equal(['LEV_INVALID_STATE']);
    expect(told).to.deep.equal([]);
  });

  describe('of a queue that ends connections', () => {
    const named = new Error(
      `Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR - queue 'q' in vhost '/'"`,
    );

    it('get a connection of its own, which is in their health and is closed with them', async () => {
      const { told, common, begin, all, clock, events, endClose } = setUp();
      const link = Object.assign(silent(), { error: named });
      common.link = link;
      begin();
      begin('other');
      await turn();
      all.disconnected(link);
      expect(told).to.deep.equal([]);
      all.disconnected(link);
      expect([told, events.length]).to.deep.equal([['q suspected'], 1]);
      expect(all.health()).to.deep.equal([{ role: 'consume', state: 'connecting', suspect: 'q' }]);
      let over = false;
      const closing = all.close(1_000).then(() => {
        over = true;
      });
      await clock.advance(1_000);
      expect(over).to.equal(false);
      endClose();
      await closing;
      expect(all.health()).to.deep.equal([]);
    });

    it('wait for that connection, whatever becomes of the common one, and fail with it', async () => {
      const { common, begin, all, events, clock } = setUp();
      const link = Object.assign(silent(), { error: named });
      common.link = link;
      begin();
      await turn();
      for (const _ of ['once', 'again']) all.disconnected(link);
      const own = begin();
      await turn();
      all.connected(silent());
      expect(all.unanswered()).to.have.lengthOf(1);
      events[0]!.connected(silent(), false);
      await clock.advance(0);
      expect(all.unanswered()).to.have.lengthOf(2);
      const error = new Error('no more');
      events[0]!.failed(error);
      expect(own.sink.failures).to.deep.equal([error]);
    });

    it('stay on the common one where the queue is for that connection alone', async () => {
      const { told, common, begin, all, keeper } = setUp();
      await keeper.add(topologyOf({ queues: [queueOf('q', { exclusive: true })] }), {}, undefined, 'consume');
      const link = Object.assign(silent(), { error: named });
      common.link = link;
      begin();
      await turn();
      for (const _ of ['once', 'again', 'and again']) all.disconnected(link);
      expect([told, all.health()]).to.deep.equal([[], []]);
    });
  });
});
