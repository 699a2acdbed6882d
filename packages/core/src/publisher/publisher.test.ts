import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ConfigurationError } from '../errors/configuration-error.js';
import { failureOf, setUp, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError, PublishUnroutableError } from './publish-error.js';
import type { PublishEvent } from './publish-event.js';

describe('Publisher with correlated confirms', () => {
  it('resolves a publish with its own confirm, and says id, time and attempts', async () => {
    const { publisher, transport, clock } = setUp();
    const first = watch(publisher.publish('orders', 'paid', 'one', { messageId: 'm1' }));
    const second = watch(publisher.publish('orders', 'paid', 'two', { messageId: 'm2' }));
    await clock.advance(30);
    transport.channel.ack(2);
    await turn();
    expect(first.settlements).to.equal(0);
    expect(second.value).to.deep.equal({ messageId: 'm2', confirmed: true, confirmMs: 30, attempts: 1 });
    transport.channel.ack(1);
    await turn();
    expect(first.value?.messageId).to.equal('m1');
    expect(publisher.stats).to.include({ published: 2, confirmed: 2, failed: 0, held: 0, heldBytes: 0, inFlight: 0 });
  });

  it('resolves all up to the tag of a multiple confirm', async () => {
    const { publisher, transport } = setUp();
    const all = ['1', '2', '3'].map((payload) => watch(publisher.publish('orders', 'paid', payload)));
    await turn();
    transport.channel.ack(2, true);
    await turn();
    expect(all.map((one) => one.settlements)).to.deep.equal([1, 1, 0]);
  });

  it('has no more unconfirmed than the window holds, and keeps the order', async () => {
    const { publisher, transport } = setUp({ window: 2 });
    for (const payload of ['1', '2', '3', '4']) watch(publisher.publish('orders', 'paid', payload));
    await turn();
    expect(transport.channel.sent).to.have.length(2);
    transport.channel.ack(2, true);
    expect(transport.channel.sent.map(({ body }) => body.toString())).to.deep.equal(['1', '2', '3', '4']);
  });

  it('stops writing while the write buffer is full', async () => {
    const { publisher, transport } = setUp();
    watch(publisher.publish('orders', 'paid', '1'));
    await turn();
    transport.channel.hasRoom = false;
    for (const payload of ['2', '3']) watch(publisher.publish('orders', 'paid', payload));
    expect(transport.channel.sent).to.have.length(2);
    transport.channel.drain();
    await turn();
    expect(transport.channel.sent).to.have.length(3);
  });

  it('does not wait for ever for a write buffer that stays full', async () => {
    const { publisher, transport, clock } = setUp({ connectionTimeout: '5s', retry: false });
    watch(publisher.publish('orders', 'paid', '1'));
    await turn();
    transport.channel.hasRoom = false;
    watch(publisher.publish('orders', 'paid', '2'));
    const stuck = watch(publisher.publish('orders', 'paid', '3'));
    await clock.advance(5_000);
    expect(stuck.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' })
      .with.property('fate', 'not-sent');
  });

  it('rejects what was returned although it was acked, with the reply', async () => {
    const { publisher, transport } = setUp();
    const publishing = publisher.publish('orders', 'nobody', 'x', { messageId: 'm1' });
    await turn();
    expect(transport.channel.sent[0]?.mandatory).to.equal(true);
    transport.channel.return();
    transport.channel.ack();
    const error = await failureOf(publishing, PublishUnroutableError);
    expect(error).to.include({ replyCode: 312, replyText: 'NO_ROUTE', fate: 'refused', attempts: 1, messageId: 'm1' });
    expect(error.publication.body.toString()).to.equal('x');
    expect(error.message).to.match(/^Message m1 to exchange 'orders' with routing key 'nobody' was returned/);
  });

  it('does not ask for returns with returns: false, but for a message that says mandatory', async () => {
    const { publisher, transport } = setUp({ returns: false });
    watch(publisher.publish('orders', 'paid', 'x'));
    watch(publisher.publish('orders', 'paid', 'x', { mandatory: true }));
    await turn();
    expect(transport.channel.sent.map(({ mandatory }) => mandatory)).to.deep.equal([false, true]);
  });

  it('never asks the broker to return a direct reply: it would, although it delivers it', async () => {
    const { publisher, transport } = setUp();
    watch(publisher.sendToQueue('amq.rabbitmq.reply-to.g1.abc', 'x'));
    await turn();
    expect(transport.channel.sent[0]?.mandatory).to.equal(false);
  });

  it('rejects a message that cannot be encoded, and goes on', async () => {
    const { publisher, transport } = setUp();
    watch(publisher.publish('orders', 'paid', 'first'));
    await turn();
    transport.channel.refuses = new RangeError('headers too large');
    const error = await failureOf(publisher.publish('orders', 'paid', 'x'), PublishError, 'LEV_PUBLISH_UNENCODABLE');
    expect(error).to.include({ code: 'LEV_PUBLISH_UNENCODABLE', fate: 'not-sent', attempts: 0 });
    expect(error.message).to.contain('could not be encoded: headers too large').and.contain('Nothing was sent.');
    expect(error.cause).to.be.instanceOf(RangeError);
    transport.channel.refuses = undefined;
    const next = watch(publisher.publish('orders', 'paid', 'y'));
    transport.channel.ack();
    await turn();
    expect(next.settlements).to.equal(1);
  });

  it('rejects wrong arguments without sending anything', async () => {
    const { publisher, transport } = setUp();
    await failureOf(publisher.publish('orders', undefined as never, 'x'), ConfigurationError);
    await failureOf(publisher.publish({ no: 'route' }), ConfigurationError);
    await failureOf(publisher.sendToQueue('q', 'x', { expiration: 'soon' as never }), ConfigurationError);
    expect(transport.tries).to.equal(0);
  });

  it('publishes an instance where its class says', async () => {
    class Paid {}
    const routeOf = (payload: object) =>
      payload instanceof Paid ? { exchange: 'pay.direct', routingKey: 'pay.success' } : undefined;
    const { publisher, transport } = setUp({}, { routeOf });
    watch(publisher.publish(new Paid(), { type: 'paid' }));
    await turn();
    expect(transport.channel.sent[0]).to.deep.include({ exchange: 'pay.direct', routingKey: 'pay.success' });
    expect(transport.channel.sent[0]?.properties.type).to.equal('paid');
  });

  it('tells of what it retries and gives up in events', async () => {
    const events: PublishEvent[] = [];
    const { publisher, transport, clock } = setUp(
      { retry: { initialInterval: '1s' } },
      {
        events: { emit: (event: PublishEvent) => void events.push(event) } as never,
      },
    );
    const publishing = watch(publisher.publish('orders', 'paid', 'x', { messageId: 'm1' }));
    await turn();
    transport.channel.nack();
    await turn();
    expect(events).to.have.length(1);
    expect(events[0]).to.deep.include({ type: 'publish-retried', attempt: 1, delayMs: 1000 });
    void publisher.close({ timeout: 10 });
    await clock.advance(10);
    expect(publishing.error).to.include({ code: 'LEV_PUBLISHER_CLOSED' });
    expect(events.slice(1)).to.deep.equal([
      { type: 'publish-failed', publication: transport.channel.sent[0], error: publishing.error },
    ]);
  });

  it('validates a request before it sends it, and waits for that', async () => {
    let valid: (error?: Error) => void = () => undefined;
    const validate = () =>
      new Promise<void>((resolve, reject) => {
        valid = (error) => (error === undefined ? resolve() : reject(error));
      });
    const { publisher, transport } = setUp({ validate });
    const refused = watch(publisher.request('orders', 'paid', 'x'));
    await turn();
    expect(transport.tries).to.equal(0);
    valid(new Error('no'));
    await turn();
    expect([refused.error?.message, transport.tries]).to.deep.equal(['no', 0]);
  });

  it('validates before it sends, also asynchronously', async () => {
    const { publisher, transport } = setUp({
      validate: async (payload) => {
        if (payload === 'bad') throw new TypeError('invalid');
      },
    });
    await failureOf(publisher.publish('orders', 'paid', 'bad'), TypeError);
    expect(transport.tries).to.equal(0);
    watch(publisher.publish('orders', 'paid', 'good'));
    await turn();
    expect(transport.channel.sent).to.have.length(1);
  });

  it('lets beforePublish change what was built', async () => {
    const { publisher, transport } = setUp({
      beforePublish: (publication) => ({ ...publication, headers: { ...publication.headers, trace: '1' } }),
    });
    watch(publisher.publish('orders', 'paid', 'x'));
    await turn();
    expect(transport.channel.sent[0]?.headers).to.deep.equal({ trace: '1' });
  });
});

describe('Publisher with other confirm modes', () => {
  it('has one message in flight at a time with simple', async () => {
    const { publisher, transport } = setUp({ confirms: 'simple' });
    for (const payload of ['1', '2']) watch(publisher.publish('orders', 'paid', payload));
    await turn();
    expect(transport.channel.sent).to.have.length(1);
    transport.channel.ack();
    expect(transport.channel.sent).to.have.length(2);
  });

  it('resolves with none when the message is written, and does not call it confirmed', async () => {
    const { publisher, transport } = setUp({ confirms: 'none' });
    let answers = 0;
    publisher.onConfirm(() => answers++);
    const written = watch(publisher.publish('orders', 'paid', '1'));
    await turn();
    transport.channel.ack();
    await turn();
    expect(written.value).to.include({ confirmed: false, attempts: 1 });
    expect(transport.confirmModes).to.deep.equal([false]);
    expect(answers).to.equal(0);
  });
});
