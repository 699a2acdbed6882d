import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Acknowledgement } from '../acknowledgement/acknowledgement.js';
import type { Outcome } from '../acknowledgement/outcome.js';
import { aDelivery, RecordingChannel } from '../transport/delivery.support.test.js';
import { DeferredSettlement } from './deferred-settlement.js';

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  'basic.ack 1': 'ack',
  'basic.reject 1': 'reject',
  'basic.reject 1 requeue': 'requeue',
};

function setUp() {
  const channel = new RecordingChannel();
  const delivery = aDelivery({ channel });
  const late: Outcome[] = [];
  const acknowledgement = new Acknowledgement(delivery, false);
  const deferred = new DeferredSettlement(delivery, acknowledgement, (outcome) => late.push(outcome));
  const sent = () => channel.frames.map((frame) => OUTCOMES[frame]);
  return { channel, deferred, late, sent };
}

describe('DeferredSettlement', () => {
  it('keeps what is asked for until the guard has the message, and sends it then', () => {
    for (const asked of ['ack', 'requeue', 'reject'] as const) {
      const { deferred, sent } = setUp();
      expect([deferred.outcome, deferred.undone]).to.deep.equal([undefined, false]);
      expect(deferred.settle(asked)).to.equal('sent');
      expect([deferred.outcome, deferred.undone, sent()]).to.deep.equal([asked, asked !== 'ack', []]);
      deferred.remembered();
      expect([sent(), deferred.outcome, deferred.undone]).to.deep.equal([[asked], asked, false]);
    }
  });

  it('is asked once: the same again changes nothing, another contradicts it', () => {
    const { deferred } = setUp();
    deferred.settle('reject');
    expect([deferred.settle('reject'), deferred.settle('ack'), deferred.outcome]).to.deep.equal([
      ...['repeated', 'conflict', 'reject'],
    ]);
  });

  it('says that the channel is gone', () => {
    const { deferred, channel } = setUp();
    channel.isOpen = false;
    expect(deferred.settle('ack')).to.equal('channel-gone');
  });

  it('sends a late ack of what is remembered, and nothing that would bring it again', () => {
    const { deferred, sent } = setUp();
    deferred.remembered();
    expect([deferred.outcome, sent()]).to.deep.equal(['ack', []]);
    expect([deferred.settle('requeue'), deferred.settle('reject'), sent()]).to.deep.equal(['conflict', 'conflict', []]);
    expect([deferred.settle('ack'), sent(), deferred.outcome]).to.deep.equal(['sent', ['ack'], 'ack']);
  });

  it('sends what agrees with an attempt that is undone: no ack', () => {
    for (const [asked, is] of [
      ['ack', []],
      ['requeue', ['requeue']],
      ['reject', ['reject']],
    ] as const) {
      const { deferred, sent } = setUp();
      deferred.settle(asked);
      deferred.failed();
      expect(sent()).to.deep.equal(is);
      expect([deferred.outcome, deferred.undone]).to.deep.equal([is[0], false]);
    }
  });

  it('tells of what is asked when the attempt is dead, and sends nothing', () => {
    const { deferred, late, sent } = setUp();
    deferred.failed();
    expect([deferred.outcome, deferred.settle('ack'), late, sent()]).to.deep.equal([undefined, 'over', ['ack'], []]);
  });
});
