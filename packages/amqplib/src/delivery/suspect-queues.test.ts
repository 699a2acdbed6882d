import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
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
