import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { ManagedConnectionEvents } from '../connection/connection-events.js';
import type { Link } from '../connection/link.js';
import type { ManagedConnection } from '../connection/managed-connection.js';
import { SuspectQueues } from './suspect-queues.js';

const CLOSED = new LeveretError('LEV_CONNECTION_FAILED', '541 INTERNAL_ERROR');

/** Suspects whose connections the test opens, and whose pauses it sees and ends. */
function suspecting() {
  let events: ManagedConnectionEvents | undefined;
  let pause: { readonly ms: number; readonly end: () => void } | undefined;
  const usable: string[] = [];
  const queues = new SuspectQueues(
    {
      connect: (given) => {
        events = given;
        return { ensure: () => {} } as unknown as ManagedConnection;
      },
      suspected: () => {},
      usable: (queue) => void usable.push(queue),
      ended: () => {},
      failed: () => {},
    },
    {
      now: () => Number.NaN,
      monotonic: () => 0,
      after: (ms, end) => {
        pause = { ms, end };
        return () => {};
      },
    },
  );
  return {
    queues,
    usable,
    /** Its connection stands. Answers how long it is left alone before it is used, and uses it. */
    connect(): number {
      events?.connected({ ended: false } as Link, true);
      pause?.end();
      return pause?.ms ?? Number.NaN;
    },
  };
}

describe('SuspectQueues', () => {
  it('isolates a queue at the second end of the connection', () => {
    const { queues, usable, connect } = suspecting();
    queues.blame('bad', CLOSED);
    expect(queues.has('bad')).to.equal(false);
    queues.blame('bad', CLOSED);
    expect(queues.has('bad')).to.equal(true);
    expect(connect()).to.equal(0);
    expect(usable).to.deep.equal(['bad']);
  });

  it('leaves it alone for longer and longer each time that it ends its own', () => {
    const { queues, connect } = suspecting();
    for (const _ of [1, 2]) queues.blame('bad', CLOSED);
    connect();
    const pauses = [1, 2, 3].map(() => {
      queues.blame('bad', CLOSED);
      return connect();
    });
    for (const [index, ms] of pauses.entries()) expect(ms).to.be.within(1000 * 2 ** index, 1200 * 2 ** index);
  });

  it('uses it at once when the network has ended its connection', () => {
    const { queues, connect } = suspecting();
    for (const _ of [1, 2, 3, 4]) queues.blame('bad', CLOSED);
    expect(connect()).to.be.at.least(2000);
    expect(connect()).to.equal(0);
  });
});

describe('the connection of a suspect queue', () => {
  function setUp() {
    const clock = new FakeClock();
    const told: string[] = [];
    const given: ManagedConnectionEvents[] = [];
    let closed = () => {};
    const queues = new SuspectQueues(
      {
        connect: (events) => {
          given.push(events);
          return {
            ensure: () => void told.push('ensured'),
            close: (ms: number) => {
              told.push(`closed within ${ms} ms`);
              return new Promise<void>((resolve) => {
                closed = resolve;
              });
            },
            health: () => ({ role: 'consume', state: 'connected' }),
          } as unknown as ManagedConnection;
        },
        suspected: (queue, error) => void told.push(`${queue} suspected: ${error?.message}`),
        usable: (queue) => void told.push(`${queue} usable`),
        ended: (queue) => void told.push(`${queue} ended`),
        failed: (queue, error) => void told.push(`${queue} failed: ${error.message}`),
      },
      clock,
    );
    const blameTwice = () => {
      for (const _ of ['once', 'again']) queues.blame('bad', CLOSED);
    };
    return { queues, clock, told, blameTwice, events: () => given[0]!, endClose: () => closed() };
  }

  it('is made, told of, and used for as long as it stands', async () => {
    const { queues, clock, told, blameTwice, events } = setUp();
    expect(queues.health()).to.deep.equal([]);
    blameTwice();
    expect(told).to.deep.equal(['bad suspected: 541 INTERNAL_ERROR', 'ensured']);
    expect(queues.health()).to.deep.equal([{ role: 'consume', state: 'connected', suspect: 'bad' }]);
    const link = { ended: false };
    expect(queues.link('bad')).to.equal(undefined);
    events().connected(link as Link, false);
    expect(queues.link('bad')).to.equal(undefined);
    await clock.advance(0);
    expect([queues.link('bad'), queues.link('other'), told.at(-1)]).to.deep.equal([link, undefined, 'bad usable']);
    link.ended = true;
    expect(queues.link('bad')).to.equal(undefined);
    events().disconnected(undefined, link as Link);
    events().failed(new Error('no more'));
    expect(told.slice(-2)).to.deep.equal(['bad ended', 'bad failed: no more']);
  });

  it('is used at once again when it did nothing, and not at all when it ended in its pause', async () => {
    const { queues, clock, told, blameTwice, events } = setUp();
    blameTwice();
    queues.blame('bad', CLOSED);
    const link = { ended: false };
    events().connected(link as Link, true);
    expect(clock.waits[0]).to.be.within(1_000, 1_200);
    link.ended = true;
    await clock.advance(1_200);
    expect(told).to.not.include('bad usable');
    events().connected({ ended: false } as Link, true);
    events().connected({ ended: false } as Link, true);
    expect(clock.waits).to.have.lengthOf(1);
    await clock.advance(1_200);
    expect(told.filter((each) => each === 'bad usable')).to.have.lengthOf(1);
    events().connected({ ended: false } as Link, true);
    expect(clock.waits).to.deep.equal([0]);
  });

  it('is not made for ends that were five minutes apart', async () => {
    const { queues, clock } = setUp();
    queues.blame('bad', CLOSED);
    await clock.advance(300_000);
    queues.blame('bad', CLOSED);
    expect(queues.has('bad')).to.equal(false);
    await clock.advance(299_999);
    queues.blame('bad', CLOSED);
    expect(queues.has('bad')).to.equal(true);
  });

  it('is closed with all, its pause cancelled, and none is made afterwards', async () => {
    const { queues, clock, told, blameTwice, events, endClose } = setUp();
    blameTwice();
    queues.blame('bad', CLOSED);
    events().connected({ ended: false } as Link, true);
    let over = false;
    const closing = queues.close().then(() => {
      over = true;
    });
    await clock.advance(0);
    expect([told.at(-1), over, clock.waits]).to.deep.equal(['closed within 1000 ms', false, []]);
    expect([queues.has('bad'), queues.health()]).to.deep.equal([false, []]);
    endClose();
    await closing;
    events().connected({ ended: false } as Link, true);
    for (const _ of ['once', 'again']) queues.blame('worse', CLOSED);
    expect([queues.has('worse'), clock.waits, told.length]).to.deep.equal([false, [], 3]);
  });
});
