import type { Delivery } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { HandClock } from '../test-support/hand-clock.js';
import { Hand } from './hand.js';

const DELIVERY = {} as Delivery;

describe('Hand', () => {
  let clock: HandClock;
  let ends: ((error?: Error) => void)[];
  let hand: Hand;

  beforeEach(() => {
    clock = new HandClock();
    ends = [];
    const work = () =>
      new Promise<void>((resolve, reject) => {
        ends.push((error) => (error === undefined ? resolve() : reject(error)));
      });
    hand = new Hand(work, clock);
  });

  it('counts what has come and what is being worked on, and for how long nothing has ended', async () => {
    clock.ms = 5;
    expect(hand.quietMs).to.equal(5);
    hand.delivered(DELIVERY);
    hand.delivered(DELIVERY);
    expect([hand.taken, hand.busy, hand.quietMs]).to.deep.equal([2, 2, 5]);
    clock.ms = 9;
    ends[0]?.();
    await clock.settle();
    expect([hand.taken, hand.busy, hand.quietMs]).to.deep.equal([2, 1, 0]);
    clock.ms = 12;
    expect(hand.quietMs).to.equal(3);
    hand.throwIfEnded('q');
  });

  it('begins nothing more once one has failed, and says why', async () => {
    const fault = new Error('nacked');
    hand.delivered(DELIVERY);
    hand.delivered(DELIVERY);
    ends[0]?.(fault);
    ends[1]?.(new Error('a later one'));
    await clock.settle();
    hand.delivered(DELIVERY);
    expect([hand.taken, hand.busy]).to.deep.equal([2, 0]);
    expect(() => hand.throwIfEnded('q')).to.throw(fault);
  });

  it('begins nothing more once it is stopped', () => {
    hand.stop();
    hand.delivered(DELIVERY);
    expect([hand.taken, ends.length]).to.deep.equal([0, 0]);
    hand.throwIfEnded('q');
  });

  it('says how its consumer ended: first', () => {
    hand.ended(new Error('connection lost'));
    hand.ended(undefined);
    expect(() => hand.throwIfEnded('errors'))
      .to.throw('Queue "errors" could not be emptied: connection lost')
      .with.property('code', 'LEV_OPERATION_INTERRUPTED');
    const cancelled = new Hand(async () => {}, clock);
    cancelled.ended(undefined);
    expect(() => cancelled.throwIfEnded('q')).to.throw('its consumer was cancelled');
  });
});
