import { expect } from 'chai';
import { describe, it } from 'mocha';
import { failureOf, setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError } from './publish-error.js';

describe('closing a publisher', () => {
  it('waits for outstanding confirms, then closes the channel', async () => {
    const { publisher, transport } = setUp();
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    const closing = watch(publisher.close());
    await turn();
    expect(closing.settlements).to.equal(0);
    transport.channel.ack();
    await turn();
    expect(publishing.value).to.include({ confirmed: true });
    expect(closing.settlements).to.equal(1);
    expect(transport.channel.closed).to.equal(true);
    expect(transport.listeners).to.equal(0);
  });

  it('waits for its channel to close, but not for ever', async () => {
    const { publisher, transport, clock } = setUp();
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    transport.channel.ack();
    await turn();
    expect(publishing.settlements).to.equal(1);
    transport.channel.close = () => new Promise(() => undefined);
    const closing = watch(publisher.close());
    await clock.advance(999);
    expect(closing.settlements).to.equal(0);
    await clock.advance(1);
    expect([closing.settlements, clock.waits]).to.deep.equal([1, []]);
  });

  it('rejects by name what is not confirmed in time, and says what was sent', async () => {
    const { publisher, transport, clock } = setUp({ window: 1 });
    const sent = watch(publisher.publish('orders', 'paid', 'x', { messageId: 'm1' }));
    const queued = watch(publisher.publish('orders', 'paid', 'y', { messageId: 'm2' }));
    await turn();
    const closing = watch(publisher.close({ timeout: '2s' }));
    await clock.advance(2_000);
    expect(closing.settlements).to.equal(1);
    expect(sent.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISHER_CLOSED', fate: 'unknown', messageId: 'm1' });
    expect(queued.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISHER_CLOSED', fate: 'not-sent', messageId: 'm2' });
    expect(sent.error?.message).to.include('m1');
    expect(transport.channel.closed).to.equal(true);
    expect(clock.waits).to.deep.equal([]);
  });

  it('rejects what waits for room, for a connection or for its next attempt', async () => {
    const { publisher, transport, clock } = setUp({ buffer: { maxMessages: 1 } });
    transport.down = new Error('connect ECONNREFUSED');
    const retrying = watch(publisher.publish('orders', 'paid', 'x'));
    const waiting = watch(publisher.publish('orders', 'paid', 'y'));
    await turn();
    void publisher.close({ timeout: 500 });
    await clock.advance(500);
    expect(retrying.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISHER_CLOSED', fate: 'not-sent' });
    expect((retrying.error as PublishError).causes[0]).to.equal(transport.down);
    expect(waiting.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISHER_CLOSED', fate: 'not-sent', attempts: 0 });
    expect(clock.waits).to.deep.equal([]);
  });

  it('takes nothing more', async () => {
    const { publisher, transport } = setUp();
    await publisher.close();
    await failureOf(publisher.publish('orders', 'paid', 'x'), PublishError, 'LEV_PUBLISHER_CLOSED');
    await failureOf(publisher.request('orders', 'paid', 'x'), PublishError, 'LEV_PUBLISHER_CLOSED');
    expect(transport.tries).to.equal(0);
  });

  it('closes a channel that is opened too late', async () => {
    const { publisher, transport, clock } = setUp();
    let open: () => void = () => {};
    transport.openings.push(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    void publisher.close({ timeout: 1 });
    await clock.advance(1);
    expect(publishing.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISHER_CLOSED', fate: 'not-sent' });
    open();
    await turn();
    expect(transport.channel.closed).to.equal(true);
    expect(transport.channel.sent).to.have.length(0);
    await clock.advance(60_000);
    expect(clock.waits).to.deep.equal([]);
  });

  it('can be called again, and by await using', async () => {
    const { publisher } = setUp();
    await Promise.all([publisher.close(), publisher.close()]);
    await publisher[Symbol.asyncDispose]();
  });

  it('waits when it is disposed of, too', async () => {
    const { publisher, transport } = setUp();
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    const disposing = watch(publisher[Symbol.asyncDispose]());
    await turn();
    expect(disposing.settlements).to.equal(0);
    transport.channel.ack();
    await turn();
    expect([disposing.settlements, publishing.settlements]).to.deep.equal([1, 1]);
  });

  it('closes the channels of requests and replies, and leaves neither timer nor listener', async () => {
    const { publisher, transport, clock } = setUp();
    watch(publisher.request('', 'q', 'x', { timeout: '1s' }));
    watch(publisher.publish('orders', 'paid', 'x'));
    watch(
      publisher.reply({
        exchange: '',
        routingKey: 'r',
        body: Buffer.alloc(0),
        headers: {},
        properties: {},
        mandatory: true,
      }),
    );
    await turn();
    expect(transport.channels).to.have.length(3);
    for (const channel of transport.channels) channel.ack();
    await clock.advance(1_000);
    await publisher.close();
    expect(transport.channels.map(({ closed }) => closed)).to.deep.equal([true, true, true]);
    expect(transport.listeners).to.equal(0);
    expect(clock.waits).to.deep.equal([]);
  });
});
