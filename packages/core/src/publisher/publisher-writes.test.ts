import { expect } from 'chai';
import { describe, it } from 'mocha';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

describe('Publisher with writes that were given up', () => {
  it('does not blame a lone message for what they may have done', async () => {
    const { publisher, transport, clock } = setUp({ retry: false, confirmTimeout: '2s' });
    const old = watch(publisher.publish('orders', 'k', 'old'));
    await clock.advance(2_000);
    expect(old.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_CONFIRM_TIMEOUT' });
    const innocent = watch(publisher.publish('orders', 'k', 'innocent'));
    transport.channel.fail(406, 'PRECONDITION_FAILED - of whatever');
    await turn();
    expect(transport.channels).to.have.length(2);
    transport.channel.ack();
    await turn();
    expect(innocent.value?.attempts).to.equal(1);
  });

  it('counts them exactly, whichever write is answered first', async () => {
    const { publisher, transport, clock } = setUp({ confirmTimeout: '2s' });
    const twice = watch(publisher.publish('orders', 'k', 'twice'));
    await clock.advance(3_000);
    expect(transport.channel.sent).to.have.length(2);
    transport.channel.ack(1);
    transport.channel.ack(2);
    await turn();
    expect(twice.value?.attempts).to.equal(2);
    expect(publisher.stats).to.include({ confirmed: 1, lateConfirms: 1, inFlight: 0, held: 0 });
    // None is left: whoever ends the channel alone now is to blame.
    const guilty = watch(publisher.publish('orders', 'k', 'guilty'));
    transport.channel.fail(406, 'PRECONDITION_FAILED - of its own');
    await turn();
    expect(guilty.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_REFUSED', attempts: 1 });
  });

  it('counts each once when a window of them is answered late, and keeps the channel', async () => {
    const { publisher, transport, clock } = setUp({ confirmTimeout: '2s', retry: false, window: 4 });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 3; i++) watch(publisher.publish('orders', 'k', 'late'));
      await clock.advance(2_000);
      transport.channel.ack(transport.channel.sent.length, true);
    }
    expect(transport.channels).to.have.length(1);
    expect(publisher.stats).to.include({ lateConfirms: 9, confirmTimeouts: 9 });
  });
});
