import { expect } from 'chai';
import { BindingBuilder, ExchangeBuilder, QueueBuilder, RejectMessage } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

onEachBroker('when topology is declared', (broker) => {
  it('routes by direct, topic, fanout and headers bindings of the annotation', async () => {
    const raw = await broker.raw();
    const names = {
      direct: unique('direct'),
      topic: unique('topic'),
      fanout: unique('fanout'),
      headers: unique('headers'),
    };
    const queue = unique('routed');
    const ids: number[] = [];
    const listener = orderListener(
      {
        queue: { name: queue },
        bindings: [
          { exchange: { name: names.direct, type: 'direct' }, routingKey: ['a', 'b'] },
          { exchange: { name: names.topic, type: 'topic' }, routingKey: 'order.*.paid' },
          { exchange: { name: names.fanout, type: 'fanout' } },
          { exchange: { name: names.headers, type: 'headers' }, headers: { kind: 'pdf', size: 4 }, match: 'any' },
        ],
      },
      (order) => ids.push(order.id),
    );
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.publish(names.direct, 'a', { id: 1 });
    await raw.publish(names.direct, 'b', { id: 2 });
    await raw.publish(names.direct, 'c', { id: 99 });
    await raw.publish(names.topic, 'order.eu.paid', { id: 3 });
    await raw.publish(names.topic, 'order.eu.open', { id: 99 });
    await raw.publish(names.fanout, 'whatever', { id: 4 });
    await raw.publish(names.headers, '', { id: 5 }, { headers: { kind: 'pdf' } });
    await raw.publish(names.headers, '', { id: 99 }, { headers: { kind: 'png' } });
    await eventually('five', () => ids.length === 5);
    expect(ids).to.deep.equal([1, 2, 3, 4, 5]);
  });

  it('declares with builders and without listeners: exchange-to-exchange, arguments, dead letters', async () => {
    const raw = await broker.raw();
    const [upstream, downstream, dead] = [unique('upstream'), unique('downstream'), unique('dead')];
    const [queue, deadQueue] = [unique('built'), unique('built.dead')];
    const topology = [
      ExchangeBuilder.topic(upstream),
      ExchangeBuilder.direct(downstream),
      ExchangeBuilder.fanout(dead),
      QueueBuilder.durable(queue).deadLetterExchange(dead).maxLength(100).ttl('1h'),
      QueueBuilder.durable(deadQueue),
      BindingBuilder.bindExchange(downstream).to(upstream).with('order.#'),
      BindingBuilder.bind(queue).to(downstream).with('order.paid'),
      BindingBuilder.bind(deadQueue).to(dead).noargs(),
    ];
    const listener = orderListener(queue, () => {
      throw new RejectMessage();
    });
    await using _running = await startApp(broker.url, { listeners: [listener], topology });
    await raw.publish(upstream, 'order.paid', { id: 1 });
    expect(await raw.arrived(deadQueue)).to.include({ text: '{"id":1}', exchange: dead, routingKey: 'order.paid' });
    expect((await broker.management.queue(queue)).arguments).to.include({
      'x-dead-letter-exchange': dead,
      'x-max-length': 100,
      'x-message-ttl': 3_600_000,
    });
  });

  it('declares dead letters for the annotation deadLetter: true', async () => {
    const raw = await broker.raw();
    const queue = unique('dead-letter');
    const listener = orderListener({ queue, deadLetter: true }, () => {
      throw new RejectMessage();
    });
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    expect((await raw.arrived(`${queue}.dlq`)).headers).to.have.property('x-first-death-queue', queue);
  });

  it('keeps an empty dead letter exchange: the default exchange, by the dead letter routing key [spring 19]', async () => {
    const raw = await broker.raw();
    const dead = await raw.declare(unique('dead'));
    const queue = unique('dead-letter');
    const options = { queue: { name: queue, deadLetterExchange: '', deadLetterRoutingKey: dead } };
    const listener = orderListener(options, () => {
      throw new RejectMessage();
    });
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    expect(await raw.arrived(dead)).to.include({ exchange: '', routingKey: dead });
  });

  it('consumes from an anonymous queue, which goes with its connection and comes back with it', async () => {
    const raw = await broker.raw();
    const exchange = unique('broadcast');
    await raw.once((channel) => channel.assertExchange(exchange, 'fanout'));
    const ids: number[] = [];
    const listener = orderListener({ queue: { anonymous: true }, bindings: { exchange } }, (order) =>
      ids.push(order.id),
    );
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.publish(exchange, '', { id: 1 });
    await eventually('the first', () => ids.includes(1));
    proxy.cut();
    await eventually('consuming again', () => running.count('consuming') === 2);
    await raw.publish(exchange, '', { id: 2 });
    await eventually('the second', () => ids.includes(2));
  });

  it('declares what was deleted again with the next connection [spring 58]', async () => {
    const raw = await broker.raw();
    const [exchange, queue] = [unique('again'), unique('again')];
    const ids: number[] = [];
    const bindings = { exchange: { name: exchange, type: 'topic' }, routingKey: '#' };
    const listener = orderListener({ queue: { name: queue }, bindings }, (order) => ids.push(order.id));
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.once((channel) => channel.deleteExchange(exchange));
    proxy.cut();
    await eventually('consuming again', () => running.count('consuming') === 2);
    await raw.publish(exchange, 'any.key', { id: 1 });
    await eventually('the order', () => ids.length === 1);
  });
});
