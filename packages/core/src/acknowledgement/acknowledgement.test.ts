import { expect } from 'chai';
import { describe, it } from 'mocha';
import { aDelivery, RecordingChannel } from '../transport/delivery.support.test.js';
import { Acknowledgement } from './acknowledgement.js';
import type { Outcome } from './outcome.js';

const frames: readonly [Outcome, string][] = [
  ['ack', 'basic.ack 1'],
  ['requeue', 'basic.reject 1 requeue'],
  ['reject', 'basic.reject 1'],
  ['give-back', 'basic.nack 1 requeue'],
];

describe('Acknowledgement', () => {
  for (const [outcome, frame] of frames) {
    it(`sends ${frame} for ${outcome}`, () => {
      const channel = new RecordingChannel();
      const acknowledgement = new Acknowledgement(aDelivery({ channel }), false);
      expect(acknowledgement.outcome).to.equal(undefined);
      expect(acknowledgement.settle(outcome)).to.equal('sent');
      expect(acknowledgement.outcome).to.equal(outcome);
      expect(channel.frames).to.deep.equal([frame]);
    });
  }

  it('settles once: the same again is repeated, another outcome a conflict, and nothing is sent [spring 14]', () => {
    for (const [first, frame] of frames) {
      for (const [second] of frames) {
        const channel = new RecordingChannel();
        const acknowledgement = new Acknowledgement(aDelivery({ channel }), false);
        acknowledgement.settle(first);
        expect(acknowledgement.settle(second)).to.equal(first === second ? 'repeated' : 'conflict');
        expect(acknowledgement.outcome).to.equal(first);
        expect(channel.frames).to.deep.equal([frame]);
      }
    }
  });

  it('sends nothing when the channel is gone, not even later [spring 13]', () => {
    const channel = new RecordingChannel();
    const acknowledgement = new Acknowledgement(aDelivery({ channel }), false);
    channel.close();
    expect(acknowledgement.settle('ack')).to.equal('channel-gone');
    expect(acknowledgement.settle('ack')).to.equal('repeated');
    expect(channel.frames).to.deep.equal([]);
  });

  it('has nothing to settle when the broker did so on sending', () => {
    const channel = new RecordingChannel();
    const acknowledgement = new Acknowledgement(aDelivery({ channel }), true);
    expect(acknowledgement.outcome).to.equal('ack');
    expect(acknowledgement.settle('ack')).to.equal('repeated');
    expect(acknowledgement.settle('reject')).to.equal('conflict');
    expect(channel.frames).to.deep.equal([]);
  });
});
