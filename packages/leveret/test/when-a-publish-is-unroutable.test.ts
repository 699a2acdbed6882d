import { PublishUnroutableError } from '@leveret/core';
// Now, so that its global is not taken for a leak of the first test that needs it.
import 'class-validator';
import { expect } from 'chai';
import { Leveret, listener } from 'leveret';
import { before, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker } from './support/private-broker.js';
import { failureOf, startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

onEachBroker('when a publish is unroutable', (broker) => {
  const exchange = unique('unroutable.direct');
  const queue = unique('unroutable');

  before(async () => {
    const raw = await broker.raw();
    await raw.once(async (channel) => {
      await channel.assertExchange(exchange, 'direct');
      await channel.assertQueue(queue);
      await channel.bindQueue(queue, exchange, 'right');
    });
  });

  it('rejects although the broker acked it, after the callbacks for return and confirm', async () => {
    await using running = startPublisher(broker.url);
    const seen: string[] = [];
    running.publisher.onReturn((returned) => seen.push(`return ${returned.replyCode} ${returned.replyText}`));
    running.publisher.onConfirm(({ ack }) => seen.push(`confirm ${ack}`));
    const error = await failureOf(running.publisher.publish(exchange, 'wrong', { order: 1 }, { messageId: 'm1' }));
    seen.push('rejected');
    expect(error).to.be.instanceOf(PublishUnroutableError);
    expect(error).to.include({ replyCode: 312, replyText: 'NO_ROUTE', fate: 'refused', messageId: 'm1' });
    expect(seen).to.deep.equal(['return 312 NO_ROUTE', 'confirm true', 'rejected']);
  });

  it('says what the application binds, what was probably meant, and that it has not been started', async () => {
    const bindings = { exchange: { name: exchange, durable: true }, routingKey: 'pay.success' };
    const listeners = [listener({ queue, bindings, payload: Object }, () => undefined)];
    const connection = { urls: broker.url };
    const app = new Leveret({ connection, listeners, logger: 'silent' });
    const early = await failureOf(app.publisher.publish(exchange, 'pay.success', {}));
    expect(early)
      .to.have.property('message')
      .that.matches(/has not been started.*await its start\(\) first\.$/);
    await app.start();
    const misspelt = await failureOf(app.publisher.publish(exchange, 'pay.sucess', {}));
    expect(misspelt)
      .to.have.property('message')
      .that.matches(/binds it with 'pay\.success'\. Did you mean 'pay\.success'\?$/);
    const elsewhere = await failureOf(app.publisher.publish(`${exchange}s`, 'pay.success', {}));
    expect(elsewhere).to.have.property('message').that.includes(`Did you mean '${exchange}'?`);
    await app.close();
  });

  it('gives each of many messages its own outcome', async () => {
    await using running = startPublisher(broker.url);
    const keys = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? 'wrong' : 'right'));
    const results = await running.publisher.publishAll(
      keys.map((routingKey, index) => ({ exchange, routingKey, payload: index })),
    );
    expect(results.map(({ status }) => status)).to.deep.equal(
      keys.map((key) => (key === 'right' ? 'fulfilled' : 'rejected')),
    );
    const raw = await broker.raw();
    expect((await raw.takeAll(queue)).map(({ text }) => Number(text))).to.deep.equal(
      keys.flatMap((key, index) => (key === 'right' ? [index] : [])),
    );
  });

  it('publishes again from inside the callback', async () => {
    await using running = startPublisher(broker.url);
    let again: Promise<unknown> | undefined;
    running.publisher.onReturn(({ publication }) => {
      if (publication !== undefined) again = running.publisher.send({ ...publication, routingKey: 'right' });
    });
    await failureOf(running.publisher.publish(exchange, 'wrong', 'second chance'));
    await again;
    expect((await (await broker.raw()).arrived(queue)).text).to.equal('second chance');
  });

  it('resolves with returns: false: the broker drops the message and says nothing', async () => {
    await using running = startPublisher(broker.url, { returns: false });
    expect(await running.publisher.publish(exchange, 'wrong', 'x')).to.include({ confirmed: true });
  });

  it('calls back without confirms too', async () => {
    await using running = startPublisher(broker.url, { confirms: 'none' });
    const keys: string[] = [];
    running.publisher.onReturn(({ routingKey }) => keys.push(routingKey));
    expect(await running.publisher.publish(exchange, 'wrong', 'x')).to.include({ confirmed: false });
    await eventually('the return', () => keys.length > 0);
    expect(keys).to.deep.equal(['wrong']);
  });
});
