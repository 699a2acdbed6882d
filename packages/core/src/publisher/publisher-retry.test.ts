import { expect } from 'chai';
import { describe, it } from 'mocha';
import { silentLogger } from '../events/logger.js';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

describe('Publisher retry', () => {
  it('tries three times to connect, one second apart, and then says why each failed', async () => {
    const { publisher, transport, clock } = setUp({ retry: { maxAttempts: 3, initialInterval: '1s' } });
    transport.down = new Error('connect ECONNREFUSED');
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    expect(transport.tries).to.equal(1);
    await clock.advance(999);
    expect(transport.tries).to.equal(1);
    await clock.advance(1);
    expect(transport.tries).to.equal(2);
    await clock.advance(1_000);
    expect(transport.tries).to.equal(3);
    expect(publishing.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
    const error = publishing.error as PublishError;
    expect(error).to.include({ fate: 'not-sent', attempts: 3 });
    expect(error.causes).to.deep.equal([transport.down, transport.down, transport.down]);
    await clock.advance(60_000);
    expect(transport.tries).to.equal(3);
  });

  it('says once that there is no connection, and how many messages wait for one', async () => {
    const lines: unknown[] = [];
    const log = (level: string) => (fields: { messages?: number }, text: string) =>
      void lines.push([level, fields.messages, text]);
    const logger = { ...silentLogger, debug: log('debug'), warn: log('warn') };
    const { publisher, transport, clock } = setUp({}, { logger });
    transport.down = new Error('connect ECONNREFUSED');
    for (const text of ['a', 'b']) watch(publisher.publish('orders', 'paid', text));
    await clock.advance(1_000);
    const text = 'there is no connection to publish on';
    expect(lines.slice(0, 2)).to.deep.equal([
      ['warn', 2, text],
      ['debug', 2, text],
    ]);
  });

  it('fails whatever the transport rejects with', async () => {
    const { publisher, transport } = setUp({ retry: false });
    transport.openings.push(Promise.reject(Object.create(null)));
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    expect(publishing.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
  });

  it('tries once when it is off', async () => {
    const { publisher, transport, clock } = setUp({ retry: false });
    transport.down = new Error('connect ECONNREFUSED');
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    expect(publishing.error).to.include({ fate: 'not-sent', attempts: 1 });
    await clock.advance(60_000);
    expect(transport.tries).to.equal(1);
    watch(publisher.publish('orders', 'paid', 'x'));
    watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    expect([transport.tries, clock.waits], 'the next message tries at once').to.deep.equal([2, []]);
    watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    expect([transport.tries, clock.waits]).to.deep.equal([3, []]);
  });

  it('does not connect more often because more is published', async () => {
    const { publisher, transport, clock } = setUp({ retry: { initialInterval: '1s' } });
    transport.down = new Error('connect ECONNREFUSED');
    const all = [watch(publisher.publish('orders', 'paid', 'x'))];
    for (let i = 0; i < 10; i++) {
      await clock.advance(100);
      all.push(watch(publisher.publish('orders', 'paid', 'x')));
    }
    expect(transport.tries).to.equal(2);
    transport.down = undefined;
    await clock.advance(1_000);
    expect(transport.tries).to.equal(3);
    transport.channel.ack(11, true);
    await turn();
    expect(all.every((one) => one.value !== undefined)).to.equal(true);
  });

  it('sends at once what waits for a connection when there is one again', async () => {
    const { publisher, transport, clock } = setUp({ retry: { initialInterval: '8s' } });
    transport.down = new Error('connect ECONNREFUSED');
    watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(100);
    expect(clock.waitsForUs, 'the process does not end before its message is out').to.include(7_900);
    transport.down = undefined;
    const broker = { product: 'RabbitMQ', version: '3.10.8', frameMax: 131072 };
    transport.emit({ type: 'connected', role: 'publish', host: 'h', broker, again: true });
    await turn();
    expect(transport.channel.sent).to.have.length(1);
  });

  it('sends again with the same id what was in flight when the connection was lost', async () => {
    const { publisher, transport, clock } = setUp();
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    const first = transport.channel;
    first.loseConnection();
    await clock.advance(1_000);
    expect(transport.channel).not.to.equal(first);
    expect(transport.channel.sent).to.deep.equal(first.sent);
    expect(first.sent[0]?.properties.messageId).to.match(/^[0-9a-f-]{36}$/);
    transport.channel.ack();
    await turn();
    expect(publishing.value?.attempts).to.equal(2);
  });

  it('sends again at once what lost its channel when another message has opened a new one', async () => {
    const { publisher, transport } = setUp({ retry: { initialInterval: '8s' } });
    watch(publisher.publish('orders', 'paid', 'lost'));
    await turn();
    transport.channel.loseConnection();
    watch(publisher.publish('orders', 'paid', 'next'));
    await turn();
    expect(transport.channels).to.have.length(2);
    expect(transport.channel.sent.map(({ body }) => body.toString())).to.have.members(['lost', 'next']);
  });

  it('calls the fate unknown when one attempt was sent, whatever came after', async () => {
    const { publisher, transport, clock } = setUp();
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    transport.down = new Error('connect ECONNREFUSED');
    transport.channel.loseConnection();
    await clock.advance(2_000);
    expect(publishing.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_CHANNEL_LOST', fate: 'unknown', attempts: 3 });
    expect((publishing.error as PublishError).causes.map(({ message }) => message)).to.deep.equal([
      'socket closed',
      'connect ECONNREFUSED',
      'connect ECONNREFUSED',
    ]);
  });

  it('names what failed before the broker refused it, too', async () => {
    const { publisher, transport, clock } = setUp({ retry: { initialInterval: 500 } });
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    transport.channel.nack();
    await clock.advance(500);
    transport.channel.fail(406, 'PRECONDITION_FAILED - invalid expiration');
    await clock.advance(2_000);
    expect(publishing.error).to.include({ code: 'LEV_PUBLISH_REFUSED', fate: 'refused', attempts: 2 });
    expect((publishing.error as PublishError).causes.map(({ message }) => message)).to.deep.equal([
      'the broker answered basic.nack',
      'PRECONDITION_FAILED - invalid expiration',
    ]);
  });

  it('repeats nacks, and rejects with the last', async () => {
    const { publisher, transport, clock } = setUp({ retry: { maxAttempts: 2, initialInterval: 500 } });
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    transport.channel.nack();
    await clock.advance(500);
    transport.channel.nack();
    await turn();
    expect(publishing.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_NACKED', fate: 'refused', attempts: 2 });
    expect(publisher.stats).to.include({ nacked: 2, retried: 1, failed: 1 });
  });

  it('tries a fresh channel before it believes the nack of an older one, once for each message', async () => {
    const { publisher, transport, clock } = setUp({ retry: false });
    await publishAndAck();
    await clock.advance(2_000);
    const refused = watch(publisher.publish('orders', 'paid', 'refused'));
    const bystander = watch(publisher.publish('orders', 'paid', 'bystander'));
    await turn();
    const [old] = transport.channels;
    old?.nack(2);
    await clock.advance(1_000);
    expect(transport.channels, 'a second channel beside the first').to.have.length(2);
    expect(old?.closed, 'the first one while something is in flight on it').to.equal(false);
    old?.ack(3);
    await turn();
    expect(bystander.value).to.include({ attempts: 1 });
    expect(old?.closed).to.equal(true);
    expect(refused.error).to.equal(undefined);
    transport.channel.nack();
    await turn();
    expect(refused.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_NACKED', fate: 'refused', attempts: 1 });

    async function publishAndAck() {
      const first = watch(publisher.publish('orders', 'paid', 'first'));
      await turn();
      transport.channel.ack();
      await turn();
      expect(first.value).to.include({ confirmed: true });
    }
  });

  it('tries again over a fresh channel while attempts are left, each of which counts', async () => {
    const { publisher, transport, clock } = setUp({ retry: { maxAttempts: 3, initialInterval: 500 } });
    const refused = watch(publisher.publish('orders', 'paid', 'refused'));
    await clock.advance(2_000);
    for (let attempt = 1; attempt <= 3; attempt++) {
      transport.channel.nack();
      await clock.advance(1_000);
    }
    expect(refused.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_NACKED', fate: 'refused', attempts: 3 });
    expect(transport.channels.length, 'channels').to.be.greaterThan(1);
    expect(publisher.stats).to.include({ nacked: 3, retried: 2, failed: 1 });
  });

  it('gives up a try to open a channel that the transport has forgotten', async () => {
    const { publisher, transport, clock } = setUp({ connectionTimeout: '2s', retry: false });
    transport.openings.push('never');
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(3_000);
    expect(publishing.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
  });
});

describe('Publisher confirm timeout', () => {
  it('runs from the last time that a message was written, not from the first', async () => {
    const { publisher, transport, clock } = setUp({ confirmTimeout: '10s', retry: { initialInterval: '1s' } });
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(10_000);
    await clock.advance(1_000);
    expect(transport.channel.sent).to.have.length(2);
    await clock.advance(9_999);
    expect(publisher.stats.confirmTimeouts).to.equal(1);
    transport.channel.ack(2);
    await turn();
    expect(publishing.value).to.include({ attempts: 2, confirmMs: 9_999 });
  });

  it('does not hasten the end of what waited long in the queue before it was held back', async () => {
    const { publisher, transport, clock } = setUp({ window: 1, blockedTimeout: '5s', confirmTimeout: '60s' });
    watch(publisher.publish('orders', 'paid', 'x'));
    const queued = watch(publisher.publish('orders', 'paid', 'y'));
    await clock.advance(20_000);
    transport.block();
    transport.channel.ack();
    await clock.advance(4_999);
    expect(queued.settlements).to.equal(0);
    await clock.advance(1);
    expect(queued.error).to.have.property('code', 'LEV_PUBLISH_BLOCKED');
  });

  it('sends again, and then rejects with an unknown fate', async () => {
    const { publisher, transport, clock } = setUp({ confirmTimeout: '10s', retry: { maxAttempts: 2 } });
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(10_000);
    expect(publishing.settlements).to.equal(0);
    await clock.advance(1_000);
    expect(transport.channel.sent).to.have.length(2);
    await clock.advance(10_000);
    expect(publishing.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_CONFIRM_TIMEOUT' });
    expect(publishing.error).to.include({ fate: 'unknown', attempts: 2 });
    expect(publisher.stats).to.include({ confirmTimeouts: 2, held: 0, inFlight: 0 });
  });

  it('looks at the oldest in flight when that has been there for a second, and not before', async () => {
    const { publisher, transport, clock } = setUp();
    watch(publisher.publish('orders', 'paid', 'a'));
    await clock.advance(600);
    watch(publisher.publish('orders', 'paid', 'b'));
    await turn();
    transport.channel.ack(1);
    await clock.advance(400);
    expect(clock.waits).to.deep.equal([600]);
    await clock.advance(600);
    expect(clock.waits, 'and again a second later').to.deep.equal([1000]);
    transport.channel.ack(2);
    await publisher.close();
  });

  it('uses one timer for however many messages', async () => {
    const { publisher, transport, clock } = setUp();
    for (let i = 0; i < 50; i++) watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    expect(clock.waits).to.have.length(1);
    transport.channel.ack(50, true);
    await clock.advance(20_000);
    expect(clock.waits).to.deep.equal([]);
  });

  it('takes a confirm that comes during the wait for the next attempt', async () => {
    const { publisher, transport, clock } = setUp();
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(10_500);
    transport.channel.ack(1);
    await turn();
    expect(publishing.value).to.include({ confirmed: true });
    await clock.advance(60_000);
    expect(transport.channel.sent).to.have.length(1);
  });

  it('counts a confirm that comes after the rejection', async () => {
    const { publisher, transport, clock } = setUp({ retry: false });
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(10_000);
    expect(publishing.settlements).to.equal(1);
    transport.channel.ack(1);
    expect(publisher.stats.lateConfirms).to.equal(1);
    expect(publishing.settlements).to.equal(1);
  });

  it('opens another channel once a whole window of messages got no answer', async () => {
    const { publisher, transport, clock } = setUp({ window: 2, retry: false });
    for (let i = 0; i < 3; i++) watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(10_000);
    expect(transport.channels).to.have.length(2);
    expect(transport.channels[0]?.closed).to.equal(true);
    expect(transport.channel.sent).to.have.length(1);
  });
});
