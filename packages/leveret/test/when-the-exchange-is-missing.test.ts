import { PublishError } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { onEachBroker } from './support/private-broker.js';
import { failureOf, startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

onEachBroker('when the exchange is missing', (broker) => {
  it('rejects with the reason of the broker, and goes on publishing', async () => {
    const queue = await (await broker.raw()).declare(unique('missing'));
    await using running = startPublisher(broker.url);
    const nacks: unknown[] = [];
    running.publisher.onConfirm(({ ack, reason }) => nacks.push([ack, reason]));
    const gone = unique('gone');
    const error = await failureOf(running.publisher.publish(gone, 'key', 'x'));
    expect(error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING', fate: 'refused', attempts: 1 });
    expect(error.cause).to.have.property('message').that.includes(`no exchange '${gone}' in vhost '/'`);
    expect(nacks).to.have.length(1);
    expect((await running.publisher.sendToQueue(queue, 'y')).attempts).to.equal(1);
  });

  it('fails no message but the guilty ones, and loses none of their neighbours', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('missing'));
    await using running = startPublisher(broker.url);
    const gone = unique('gone');
    const isGuilty = (index: number) => index % 40 === 17;
    const results = await running.publisher.publishAll(
      Array.from({ length: 200 }, (_, index) =>
        isGuilty(index) ? { exchange: gone, routingKey: 'k', payload: index } : { queue, payload: index },
      ),
    );
    for (const [index, result] of results.entries()) {
      expect(result.status, `message ${index}`).to.equal(isGuilty(index) ? 'rejected' : 'fulfilled');
    }
    // Each once: the name is looked for before anything is written to it, so that nothing has to be published again.
    const arrived = (await raw.takeAll(queue)).map(({ text }) => Number(text));
    expect([arrived.length, new Set(arrived).size]).to.deep.equal([195, 195]);
    expect(running.publisher.stats).to.include({ republished: 0, channelErrors: 0 });
  });

  it('publishes to an exchange that was deleted and is there again, and hurts nobody in between', async () => {
    const raw = await broker.raw();
    const exchange = unique('coming.and.going');
    const queue = await raw.declare(unique('bound'));
    const declare = () =>
      raw.once(async (channel) => {
        await channel.assertExchange(exchange, 'fanout');
        await channel.bindQueue(queue, exchange, '');
      });
    await declare();
    await using running = startPublisher(broker.url);
    const { publisher } = running;
    await publisher.publish(exchange, '', 'first');
    await raw.once((channel) => channel.deleteExchange(exchange));
    // The first one finds out, the next ones are asked about beforehand.
    for (let i = 0; i < 3; i++) await failureOf(publisher.publish(exchange, '', 'lost'));
    expect(publisher.stats.channelErrors).to.equal(1);
    await declare();
    await publisher.publish(exchange, '', 'last');
    expect((await raw.takeAll(queue)).map(({ text }) => text)).to.deep.equal(['first', 'last']);
  });

  it('finds the guilty one when the broker does not name it', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('refused'));
    await using running = startPublisher(broker.url);
    const results = await running.publisher.publishAll(
      Array.from({ length: 60 }, (_, index) => ({
        queue,
        payload: index,
        options: index === 20 || index === 41 ? { userId: 'somebody-else' } : {},
      })),
    );
    const failed = results.flatMap((result, index) => (result.status === 'rejected' ? [index] : []));
    expect(failed).to.deep.equal([20, 41]);
    const reason = (results[20] as PromiseRejectedResult).reason as PublishError;
    expect(reason)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_REFUSED', fate: 'refused', attempts: 1 });
    expect(reason.message).to.include('user_id property');
    expect(new Set((await raw.takeAll(queue)).map(({ text }) => text)).size).to.equal(58);
  });

  it('names what is published to an internal exchange', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('internal'));
    await using running = startPublisher(broker.url);
    const [refused, ...neighbours] = await running.publisher.publishAll([
      { exchange: 'amq.rabbitmq.trace', routingKey: 'k', payload: 'x' },
      { queue, payload: 'y' },
      { queue, payload: 'z' },
    ]);
    expect(refused).to.have.property('reason').instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_REFUSED' });
    expect(neighbours.map(({ status }) => status)).to.deep.equal(['fulfilled', 'fulfilled']);
  });
});
