import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failureOf, setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

describe('Publisher on a blocked connection', () => {
  it('holds messages back until the alarm is over', async () => {
    const { publisher, transport, clock } = setUp();
    transport.block();
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(20_000);
    expect(transport.tries).to.equal(0);
    transport.unblock();
    await turn();
    transport.channel.ack();
    await turn();
    expect(publishing.value?.attempts).to.equal(1);
  });

  it('rejects what waited for blockedTimeout, as not sent and not tried', async () => {
    const { publisher, transport, clock } = setUp({ blockedTimeout: '30s' });
    transport.block();
    const first = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(10_000);
    const second = watch(publisher.publish('orders', 'paid', 'y'));
    await clock.advance(20_000);
    expect(first.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_BLOCKED', fate: 'not-sent', attempts: 0 });
    expect(second.settlements).to.equal(0);
    await clock.advance(10_000);
    expect(second.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_BLOCKED' });
  });

  it('gives what was in flight its full time again after the alarm', async () => {
    const { publisher, transport, clock } = setUp({ confirmTimeout: '10s', blockedTimeout: '30s', retry: false });
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(1_000);
    transport.block();
    await clock.advance(25_000);
    expect(publishing.settlements).to.equal(0);
    transport.unblock();
    await clock.advance(9_999);
    expect(publishing.settlements).to.equal(0);
    await clock.advance(1);
    expect(publishing.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_CONFIRM_TIMEOUT' });
  });
});

describe('Publisher buffer', () => {
  it('fails at once when it is full and says so', async () => {
    const { publisher, transport } = setUp({ buffer: { maxMessages: 2, whenFull: 'fail' } });
    const held = ['1', '2'].map((payload) => watch(publisher.publish('orders', 'paid', payload)));
    const error = await failureOf(publisher.publish('orders', 'paid', '3'), PublishError, 'LEV_PUBLISH_BUFFER_FULL');
    expect(error).to.include({ fate: 'not-sent', attempts: 0 });
    expect(error.message).to.include('2 messages');
    await turn();
    transport.channel.ack(2, true);
    await turn();
    expect(held.every((one) => one.value !== undefined)).to.equal(true);
  });

  it('counts bytes, and takes a message that is larger than all of it when it is empty', async () => {
    const { publisher } = setUp({ buffer: { maxBytes: 10, whenFull: 'fail' } });
    watch(publisher.publish('orders', 'paid', 'x'.repeat(50)));
    expect(publisher.stats.heldBytes).to.equal(50);
    await failureOf(publisher.publish('orders', 'paid', 'y'), PublishError, 'LEV_PUBLISH_BUFFER_FULL');
  });

  it('makes calls wait in line for room', async () => {
    const { publisher, transport } = setUp({ buffer: { maxMessages: 1 } });
    for (const payload of ['1', '2', '3']) watch(publisher.publish('orders', 'paid', payload));
    await turn();
    expect(transport.channel.sent).to.have.length(1);
    transport.channel.ack();
    transport.channel.ack();
    expect(transport.channel.sent.map(({ body }) => body.toString())).to.deep.equal(['1', '2', '3']);
    expect(publisher.stats.held).to.equal(1);
  });

  it('lets no small message overtake a large one that waits for room', async () => {
    const { publisher, transport } = setUp({ buffer: { maxBytes: 10 } });
    for (const payload of ['x'.repeat(8), 'y'.repeat(5), 'z']) watch(publisher.publish('orders', 'paid', payload));
    await turn();
    expect(transport.channel.sent).to.have.length(1);
    transport.channel.ack();
    expect(transport.channel.sent.map(({ body }) => body.length)).to.deep.equal([8, 5, 1]);
  });

  it('counts the wait of each from its own call on', async () => {
    const { publisher, transport, clock } = setUp({ buffer: { maxMessages: 1, waitTimeout: '3s' } });
    transport.openings.push('never');
    watch(publisher.publish('orders', 'paid', '1'));
    const first = watch(publisher.publish('orders', 'paid', '2'));
    expect(clock.waits).to.include(3_000).and.not.include(1);
    await clock.advance(1_000);
    const second = watch(publisher.publish('orders', 'paid', '3'));
    await clock.advance(1_999);
    expect(first.error).to.equal(undefined);
    await clock.advance(1);
    expect(first.error?.message).to.match(/the buffer \(1 messages, 67108864 bytes\) was full for 3000 ms/);
    expect(second.error).to.equal(undefined);
    expect(clock.waits, 'looked at when its time has come').to.include(1_000).and.not.include(1);
    await clock.advance(999);
    expect(second.error).to.equal(undefined);
    await clock.advance(1);
    expect(second.error).to.include({ code: 'LEV_PUBLISH_BUFFER_FULL' });
  });

  it('does not let them wait longer than waitTimeout', async () => {
    const { publisher, transport, clock } = setUp({ buffer: { maxMessages: 1, waitTimeout: '3s' } });
    transport.openings.push('never');
    watch(publisher.publish('orders', 'paid', '1'));
    const waiting = watch(publisher.publish('orders', 'paid', '2'));
    await clock.advance(3_000);
    expect(waiting.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_BUFFER_FULL', fate: 'not-sent' });
  });
});
