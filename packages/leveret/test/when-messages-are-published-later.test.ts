import { expect } from 'chai';
import { type DeliveryContext, PublishError, PublishUnroutableError } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

const rejectionOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

onEachBroker('when messages are published later', (broker) => {
  it('waits at the broker, and arrives as if it came straight from its publisher', async () => {
    const [queue, exchange] = [unique('later'), unique('later')];
    const arrived: { readonly id: number; readonly message: DeliveryContext['message']; readonly at: number }[] = [];
    const bindings = { exchange: { name: exchange, type: 'topic' }, routingKey: 'order.#' };
    const listener = orderListener({ queue: { name: queue }, bindings }, ({ id }, { message }) => {
      arrived.push({ id, message, at: Date.now() });
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    const { publisher } = running.app;
    const at = Date.now();
    const headers = { tenant: 'a', 'x-death': 'theirs' };
    const options = { headers, correlationId: 'c', priority: 3, replyTo: 'answers', cc: ['order.copy'] };
    await Promise.all([
      publisher.publish(exchange, 'order.1.paid.0', { id: 1 }, { ...options, delay: '1500ms' }),
      publisher.publish(exchange, 'order.now', { id: 2 }, { delay: 0 }),
      publisher.publish(exchange, 'order.date', { id: 3 }, { deliverAt: new Date(at + 900) }),
      publisher.sendToQueue(queue, { id: 4 }, { delay: '1s' }),
      publisher.publish(exchange, 'order.late', { id: 5 }, { delay: '8h' }),
    ]);
    await eventually('four of them', () => arrived.length === 4, 8000);
    const by = new Map(arrived.map((each) => [each.id, each]));
    const waited = (id: number) => (by.get(id)?.at ?? 0) - at;
    expect(waited(2)).to.be.below(900);
    for (const id of [3, 4]) expect(waited(id)).to.be.within(900, 5000);
    expect(waited(1)).to.be.within(2000, 6000);
    const first = by.get(1)?.message;
    expect(first).to.include({
      exchange,
      routingKey: 'order.1.paid.0',
      correlationId: 'c',
      priority: 3,
      replyTo: 'answers',
    });
    expect(first?.headers).to.deep.equal({ tenant: 'a', CC: ['order.copy'] });
    expect(by.get(4)?.message).to.include({ exchange: '', routingKey: queue });
    expect(by.get(4)?.message.headers).to.deep.equal({});
  });

  it('refuses what could never be delivered', async () => {
    await using running = await startApp(broker.url, {});
    const { publisher } = running.app;
    const missing = await rejectionOf(publisher.publish(unique('nowhere'), 'k', {}, { delay: '1s' }));
    expect(missing).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING' });
    const unroutable = await rejectionOf(publisher.sendToQueue(unique('nowhere'), {}, { delay: '1s' }));
    expect(unroutable).to.be.instanceOf(PublishUnroutableError);
    const expires = await rejectionOf(publisher.publish('amq.direct', 'k', {}, { delay: '1s', expiration: '1s' }));
    expect(expires).to.have.property('code', 'LEV_CONFIGURATION');
    const asked = await rejectionOf(publisher.request('amq.direct', 'k', {}, { delay: '1s' } as object));
    expect(asked).to.have.property('code', 'LEV_CONFIGURATION');
  });
});
