import { expect } from 'chai';
import { describe, it } from 'mocha';
import { RecordingLogger } from '../consumer/listener-harness.support.test.js';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

const MISSING = "NOT_FOUND - no exchange 'gone' in vhost '/'";

describe('Publisher when the broker closes its channel', () => {
  it('fails only what goes to the missing exchange, and publishes its neighbours again in order', async () => {
    const logger = new RecordingLogger();
    const { publisher, transport } = setUp({}, { logger });
    const before = watch(publisher.publish('good', 'k', 'before'));
    const guilty = watch(publisher.publish('gone', 'k', 'guilty'));
    const after = watch(publisher.publish('good', 'k', 'after'));
    await turn();
    transport.channel.fail(404, MISSING);
    await turn();
    expect(guilty.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING', fate: 'refused', attempts: 1 });
    expect(transport.channel.sent.map(({ body }) => body.toString())).to.deep.equal(['before', 'after']);
    transport.channel.ack(2, true);
    await turn();
    expect([before.value?.attempts, after.value?.attempts]).to.deep.equal([1, 1]);
    expect(publisher.stats).to.include({
      channelErrors: 1,
      channelsOpened: 2,
      republished: 2,
      failed: 1,
      confirmed: 2,
    });
    expect(logger.lines).to.deep.equal([
      {
        level: 'warn',
        text: `the broker closed a publishing channel: ${MISSING}`,
        fields: { replyCode: 404, inFlight: 3 },
      },
    ]);
  });

  it('calls the fate of a neighbour unknown when it cannot be published again', async () => {
    const { publisher, transport } = setUp({ retry: false });
    const neighbour = watch(publisher.publish('good', 'k', 'before'));
    watch(publisher.publish('gone', 'k', 'guilty'));
    await turn();
    transport.down = new Error('connect ECONNREFUSED');
    transport.channel.fail(404, MISSING);
    await turn();
    expect(neighbour.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_CHANNEL_LOST', fate: 'unknown', attempts: 1 });
  });

  it('finds a guilty message that nobody names by publishing the suspects one at a time', async () => {
    const { publisher, transport } = setUp();
    const all = ['1', '2', '3', '4'].map((payload) => watch(publisher.publish('orders', 'k', payload)));
    await turn();
    transport.channel.fail(406, 'PRECONDITION_FAILED - no reason');
    const later = watch(publisher.publish('orders', 'k', 'later'));
    await turn();
    expect(transport.channel.sent).to.have.length(1);
    transport.channel.ack();
    expect(transport.channel.sent).to.have.length(2);
    transport.channel.fail(406, 'PRECONDITION_FAILED - no reason');
    await turn();
    expect(all[1]?.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_REFUSED', fate: 'refused', attempts: 1 });
    expect(transport.channel.sent).to.have.length(1);
    transport.channel.ack();
    transport.channel.ack();
    await turn();
    // Full speed again: what waited behind the suspects follows without a wait.
    expect(transport.channel.sent.map(({ body }) => body.toString())).to.deep.equal(['3', '4', 'later']);
    transport.channel.ack();
    await turn();
    expect(all.map((one) => one.value?.attempts)).to.deep.equal([1, undefined, 1, 1]);
    expect(later.value?.attempts).to.equal(1);
    expect(transport.channels).to.have.length(3);
  });
});
