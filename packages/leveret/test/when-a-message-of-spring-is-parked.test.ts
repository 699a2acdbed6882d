import { expect } from 'chai';
import { type ListenerOptions, republish } from 'leveret';
import { it } from 'mocha';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import type { SendOptions } from './support/raw-client.js';
import { SPRING_HEADERS, SPRING_HEADERS_READ, springProperties } from './support/spring.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

const ORDER = 'com.example.Orders$Order';

onEachBroker('when a message of Spring is parked', (broker) => {
  /** Has a message of Spring fail, and resolves to what is parked and how its handler was called. */
  async function park(exchange: string | undefined, sent: SendOptions, options: Partial<ListenerOptions> = {}) {
    const raw = await broker.raw();
    const errors = await raw.declare(unique('spring.errors'));
    const dead = await raw.declareDeadLetters(unique('spring'));
    const queue = await raw.declare(unique('spring'), dead.arguments);
    if (exchange !== undefined) {
      await raw.once(async (channel) => {
        await channel.assertExchange(exchange, 'direct', { autoDelete: true });
        await channel.bindQueue(queue, exchange, 'pay.success');
      });
    }
    const redelivered: boolean[] = [];
    const retry = { maxAttempts: 3, initialInterval: 1 };
    const recoverer = republish('', errors, { includeStackTrace: false });
    const listener = orderListener({ queue, retry, recoverer, ...options }, (_order, context) => {
      redelivered.push(context.redelivered);
      throw new Error('card declined');
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.publish(exchange ?? '', exchange === undefined ? queue : 'pay.success', { id: 9 }, sent);
    const parked = await raw.arrived(errors);
    await running.app.close();
    return { queue, parked, redelivered, left: [await raw.ready(queue), await raw.ready(dead.queue)] };
  }

  it('keeps body, properties and every header, and says why, after three calls of one delivery', async () => {
    const exchange = unique('pay.direct');
    const sent = springProperties(ORDER, { appId: 'pay-service', persistent: false, headers: SPRING_HEADERS });
    const { parked, redelivered, left } = await park(exchange, sent);
    expect(redelivered).to.deep.equal([false, false, false]);
    expect(parked.text).to.equal('{"id":9}');
    expect(parked.properties).to.include({
      contentType: 'application/json',
      contentEncoding: 'UTF-8',
      messageId: sent.messageId,
      appId: 'pay-service',
      priority: 0,
      deliveryMode: 2,
    });
    expect(parked.headers).to.deep.include({
      ...SPRING_HEADERS_READ,
      __TypeId__: ORDER,
      'x-original-exchange': exchange,
      'x-original-routingKey': 'pay.success',
      'x-exception-message': 'card declined',
    });
    // Off by default in Spring 4.1.
    expect(parked.headers).to.not.have.property('x-exception-stacktrace');
    // The original is acknowledged: the dead letter exchange is not used as well.
    expect(left).to.deep.equal([0, 0]);
  });

  it('has an empty x-original-exchange when it came by the default exchange', async () => {
    const { parked, queue } = await park(undefined, springProperties(ORDER));
    expect(parked.headers).to.include({ 'x-original-exchange': '', 'x-original-routingKey': queue });
  });

  it('keeps the content type that could not be read, with invalid: recover', async () => {
    const sent = springProperties('java.lang.String', { contentType: 'text/plain' });
    const { parked, redelivered, left } = await park(undefined, sent, { invalid: 'recover' });
    expect(redelivered).to.deep.equal([]);
    expect(parked.properties).to.include({ contentType: 'text/plain', messageId: sent.messageId });
    expect(parked.headers).to.include({ __TypeId__: 'java.lang.String', 'x-original-exchange': '' });
    expect(parked.headers['x-exception-message']).to.contain('text/plain');
    expect(left).to.deep.equal([0, 0]);
  });
});
