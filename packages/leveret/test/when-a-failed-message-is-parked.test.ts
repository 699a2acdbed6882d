import { expect } from 'chai';
import { type FailedDelivery, type Recoverer, type RepublishOptions, republish } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

const RETRY = { maxAttempts: 2, initialInterval: 1 };

onEachBroker('when a failed message is parked', (broker) => {
  /** A topic exchange with a queue that gets everything, as error exchanges have. */
  async function errorExchange(args: Record<string, unknown> = {}) {
    const raw = await broker.raw();
    const exchange = unique('error');
    const queue = await raw.declare(unique('error.queue'), { arguments: args });
    await raw.once(async (channel) => {
      await channel.assertExchange(exchange, 'topic');
      await channel.bindQueue(queue, exchange, '#');
    });
    return { exchange, queue };
  }

  /** A listener that fails always, its queue bound to an exchange of its own by the key `pay.success`. */
  async function failing(recoverer: Recoverer, error: () => unknown = () => new Error('card declined')) {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('parked'));
    const from = unique('pay.direct');
    await raw.once(async (channel) => {
      await channel.assertExchange(from, 'direct');
      await channel.bindQueue(queue, from, 'pay.success');
    });
    const listener = orderListener({ queue, id: 'pay', retry: RETRY, recoverer }, () => {
      throw error();
    });
    return { queue, from, listener };
  }

  it('carries the headers that Spring reads, and leveret’s own, and keeps body and properties [spring 27, 38]', async () => {
    const raw = await broker.raw();
    const { exchange, queue: errors } = await errorExchange();
    const { queue, from, listener } = await failing(republish(exchange, 'error'));
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.publish(
      from,
      'pay.success',
      { id: 9 },
      {
        messageId: 'm-9',
        correlationId: 'c-9',
        appId: 'pay-service',
        type: 'PaySucceeded',
        priority: 4,
        timestamp: 1_700_000_000,
        headers: { 'x-tenant': 'north', __TypeId__: 'com.example.PaySucceeded' },
      },
    );
    const parked = await raw.arrived(errors);
    expect(parked).to.include({ text: '{"id":9}', exchange, routingKey: 'error' });
    expect(parked.properties).to.include({
      contentType: 'application/json',
      messageId: 'm-9',
      correlationId: 'c-9',
      appId: 'pay-service',
      type: 'PaySucceeded',
      priority: 4,
      timestamp: 1_700_000_000,
      deliveryMode: 2,
    });
    expect(parked.headers).to.include({
      'x-tenant': 'north',
      __TypeId__: 'com.example.PaySucceeded',
      'x-exception-message': 'card declined',
      'x-original-exchange': from,
      'x-original-routingKey': 'pay.success',
      'x-leveret-listener': 'pay',
      'x-leveret-queue': queue,
      'x-leveret-attempts': 2,
      'x-leveret-reason': 'exhausted',
      'x-leveret-error-name': 'Error',
    });
    expect(parked.headers).to.not.have.property('x-exception-stacktrace');
    expect(parked.headers['x-leveret-fingerprint']).to.match(/^[0-9a-f]{16}$/);
    const times = ['x-leveret-first-failed-at', 'x-leveret-last-failed-at'].map((name) =>
      Date.parse(String(parked.headers[name])),
    );
    expect(times[0]).to.be.at.most(times[1]!);
    expect(Date.now() - times[1]!).to.be.within(0, 10_000);
  });

  it('passes nothing on that a sender wrote as if leveret had, and no password of a URL', async () => {
    const raw = await broker.raw();
    const { exchange, queue: errors } = await errorExchange();
    const { from, listener } = await failing(republish(exchange, 'error'), () => new Error('connect db://u:hunter2@h'));
    await using _running = await startApp(broker.url, { listeners: [listener] });
    const headers = {
      'x-leveret-original-user-id': 'payments-admin',
      'X-Original-Queue': 'trusted',
      'x-tenant': 'north',
    };
    await raw.publish(from, 'pay.success', { id: 1 }, { headers });
    const parked = await raw.arrived(errors);
    expect(parked.headers).to.include({ 'x-tenant': 'north', 'x-exception-message': 'connect db://u:***@h' });
    expect(parked.headers).to.not.have.any.keys('x-leveret-original-user-id', 'X-Original-Queue');
  });

  it('uses error. and the received key when no key is given, and no other exchange [spring 38]', async () => {
    const raw = await broker.raw();
    const { exchange, queue: errors } = await errorExchange();
    const { from, listener } = await failing(republish(exchange));
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.publish(from, 'pay.success', { id: 1 });
    expect(await raw.arrived(errors)).to.include({ routingKey: 'error.pay.success' });
  });

  it('works out exchange and key for each message when they are functions [spring 43]', async () => {
    const raw = await broker.raw();
    const { exchange, queue: errors } = await errorExchange();
    const key = (failure: FailedDelivery) => `${String(failure.message.headers['x-tenant'])}.${failure.reason}`;
    const { from, listener } = await failing(republish(() => exchange, key));
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.publish(from, 'pay.success', { id: 1 }, { headers: { 'x-tenant': 'north' } });
    expect(await raw.arrived(errors)).to.include({ routingKey: 'north.exhausted' });
  });

  const shapes: readonly (readonly [
    string,
    RepublishOptions,
    () => unknown,
    (headers: Record<string, unknown>) => void,
  ])[] = [
    [
      'adds the stack trace when told to',
      { includeStackTrace: true },
      () => new Error('no'),
      (headers) => {
        expect(headers['x-exception-stacktrace']).to.match(/^Error: no\n\s+at /);
      },
    ],
    [
      'adds headers that win over its own',
      { additionalHeaders: () => ({ 'x-team': 'pay', 'x-exception-message': 'ours' }) },
      () => new Error('no'),
      (headers) => {
        expect(headers).to.include({ 'x-team': 'pay', 'x-exception-message': 'ours' });
      },
    ],
    [
      'cuts a huge trace and message so that the headers fit into a frame [spring 40, 41]',
      { includeStackTrace: true, maxStackTraceBytes: 1_000_000 },
      huge,
      (headers) => {
        expect(String(headers['x-exception-message'])).to.match(/é\.\.\.$/);
        expect(Buffer.byteLength(String(headers['x-exception-stacktrace']))).to.be.within(30_000, 65_536);
      },
    ],
    [
      'survives what is thrown without a message [spring 39]',
      {},
      () => undefined,
      (headers) => {
        expect(headers).to.include({ 'x-exception-message': 'undefined', 'x-leveret-error-name': 'undefined' });
      },
    ],
  ];
  for (const [title, options, error, check] of shapes) {
    it(title, async () => {
      const raw = await broker.raw();
      const { exchange, queue: errors } = await errorExchange();
      const { from, listener } = await failing(republish(exchange, 'error', options), error);
      await using _running = await startApp(broker.url, { listeners: [listener] });
      await raw.publish(from, 'pay.success', { id: 1 });
      check({ ...(await raw.arrived(errors)).headers });
    });
  }

  it('makes a transient message persistent [spring 42]', async () => {
    const raw = await broker.raw();
    const { exchange, queue: errors } = await errorExchange();
    const { from, listener } = await failing(republish(exchange, 'error'));
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.publish(from, 'pay.success', { id: 1 }, { persistent: false, expiration: 60_000 });
    const { properties, headers } = await raw.arrived(errors);
    expect(properties).to.include({ deliveryMode: 2, expiration: undefined });
    expect(headers).to.include({ 'x-leveret-original-expiration': '60000' });
  });

  it('acknowledges the original only after the broker has confirmed the parked copy', async () => {
    const raw = await broker.raw();
    const { exchange, queue: errors } = await errorExchange();
    const { queue, from, listener } = await failing(republish(exchange, 'error'));
    const log: string[] = [];
    await using proxy = await TcpProxy.start(broker.port, {
      fromClient: (_connection, { name }) => {
        if (name === 'basic.publish') log.push('published');
        if (name === 'basic.ack') log.push('acknowledged');
      },
      fromBroker: (_connection, { name }) => {
        if (name === 'basic.ack') log.push('confirmed');
      },
    });
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.publish(from, 'pay.success', { id: 1 });
    await raw.arrived(errors);
    await eventually('the ack', () => log.includes('acknowledged'));
    await running.app.close();
    expect(log).to.deep.equal(['published', 'confirmed', 'acknowledged']);
    expect(await raw.ready(queue)).to.equal(0);
  });

  const losing: readonly (readonly [string, () => Promise<Recoverer>, string])[] = [
    ['its exchange is missing', async () => republish(unique('nowhere'), 'error'), 'LEV_PUBLISH_EXCHANGE_MISSING'],
    [
      'nothing is bound for its key [spring 44]',
      async () => republish('amq.direct', unique('nowhere')),
      'LEV_PUBLISH_UNROUTABLE',
    ],
    [
      'its queue is full and refuses it [spring 45]',
      async () => republish('', await fullQueue()),
      'LEV_PUBLISH_NACKED',
    ],
  ];
  for (const [why, make, code] of losing) {
    it(`does not lose the message when ${why}: it is requeued after a pause`, async () => {
      const raw = await broker.raw();
      const { queue, from, listener } = await failing(await make());
      await using proxy = await TcpProxy.start(broker.port);
      await using running = await startApp(proxy.url, {
        listeners: [listener],
        publisher: { retry: { maxAttempts: 1 } },
      });
      const began = performance.now();
      await raw.publish(from, 'pay.success', { id: 1 });
      await eventually('the requeue', () => proxy.settlements().length > 0);
      // By now it may have failed again: it is delivered again at once.
      expect(proxy.settlements()[0]).to.equal('reject requeue');
      expect(performance.now() - began).to.be.at.least(900);
      expect(
        running
          .of('recoverer-failed')
          .slice(0, 1)
          .map(({ error }) => causeCode(error)),
      ).to.deep.equal([code]);
      await running.app.close();
      expect(await raw.arrived(queue)).to.include({ text: '{"id":1}', redelivered: true });
    });
  }

  async function fullQueue(): Promise<string> {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('full'), { maxLength: 1, overflow: 'reject-publish' });
    await raw.send(queue, { id: 0 });
    return queue;
  }

  it('declares exchange, queue and binding itself when asked to', async () => {
    const raw = await broker.raw();
    const name = unique('declared');
    const { from, listener } = await failing(republish(`${name}.direct`, 'error', { declare: true }));
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.publish(from, 'pay.success', { id: 1 });
    expect(await raw.arrived(`${name}.queue`)).to.include({ exchange: `${name}.direct`, routingKey: 'error' });
  });

  it('calls a recoverer of the user’s own, and does what it answers', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('own'));
    const queue = await raw.declare(unique('own'), dead.arguments);
    const seen: FailedDelivery[] = [];
    class OwnRecoverer implements Recoverer {
      recover(failure: FailedDelivery) {
        seen.push(failure);
        return failure.message.messageId === 'keep' ? ('ack' as const) : ('reject' as const);
      }
    }
    const listener = orderListener({ queue, retry: RETRY, recoverer: OwnRecoverer }, () => {
      throw new Error('no stock');
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using _running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 }, { messageId: 'keep' });
    await raw.send(queue, { id: 2 }, { messageId: 'drop' });
    expect((await raw.arrived(dead.queue)).properties.messageId).to.equal('drop');
    expect(proxy.settlements()).to.deep.equal(['ack', 'reject']);
    expect(seen.map(({ attempts, reason }) => [attempts, reason])).to.deep.equal([
      [2, 'exhausted'],
      [2, 'exhausted'],
    ]);
  });

  it('requeues after a pause when the recoverer itself throws', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('own'));
    const listener = orderListener(
      {
        queue,
        retry: { maxAttempts: 1 },
        recoverer: () => {
          throw new Error('the recoverer is broken');
        },
      },
      (_order, context) => {
        if (!context.redelivered) throw new Error('no stock');
      },
    );
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('requeue and ack', () => proxy.settlements().length === 2);
    expect(proxy.settlements()).to.deep.equal(['reject requeue', 'ack']);
    expect(running.count('recoverer-failed')).to.equal(1);
  });
});

function causeCode(error: unknown): unknown {
  return ((error as Error).cause as { readonly code?: unknown }).code;
}

function huge(): Error {
  const error = new Error('é'.repeat(20_000));
  error.stack = `Error: huge\n${'    at somewhere (file.ts:1:1)\n'.repeat(20_000)}`;
  return error;
}
