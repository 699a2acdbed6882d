import { expect } from 'chai';
import { Header, Listener, type ListenerOptions, Payload, republish, silentLogger } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { Order, orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import type { SendOptions } from './support/raw-client.js';
import { startApp } from './support/start-app.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

interface Bad {
  readonly name: string;
  readonly value: unknown;
  readonly options?: SendOptions;
}

const BAD: readonly Bad[] = [
  { name: 'a body that is no JSON', value: undefined, options: { body: Buffer.from('{"id": 1') } },
  { name: 'bytes that are no UTF-8', value: undefined, options: { body: Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x7d]) } },
  { name: 'a charset that nobody knows', value: { id: 1 }, options: { contentEncoding: 'bogus-charset' } },
  { name: 'a content type that is not the payload', value: { id: 1 }, options: { contentType: 'text/plain' } },
  { name: 'a payload that violates its class', value: { id: 'seven' } },
  { name: 'a payload without what its class requires', value: {} },
  { name: 'a list where one payload is expected', value: [{ id: 1 }] },
  { name: 'null', value: null },
  {
    name: 'a key that pollutes prototypes',
    value: undefined,
    options: { body: Buffer.from('{"id":1,"__proto__":{}}') },
  },
  { name: 'an id that loses digits', value: undefined, options: { body: Buffer.from('{"id":1688888483063664642}') } },
  { name: 'more elements than a class may have', value: { id: 1, list: Array(10_000).fill(0) } },
  { name: 'a body above 1 MiB', value: { id: 1, text: 'x'.repeat(2 ** 20) } },
  {
    name: 'very many violations',
    value: { id: 'x', ...Object.fromEntries(Array.from({ length: 4000 }, (_, i) => [`k${i}`, 1])) },
  },
  { name: 'nesting without end', value: undefined, options: { body: Buffer.from('['.repeat(100_000)) } },
];

onEachBroker('when a message cannot be read', (broker) => {
  /** Sends the bad message, then a good one, and says what became of both. */
  async function outcomeOf(bad: Bad, options: Partial<ListenerOptions>) {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('unreadable'));
    const queue = await raw.declare(unique('unreadable'), dead.arguments);
    const handled: number[] = [];
    const listener = orderListener({ queue, ...options }, (order, context) => {
      handled.push(order.id);
      if (options.acknowledge === 'manual') context.ack();
    });
    await using proxy = await TcpProxy.start(broker.port);
    await using running = await startApp(proxy.url, { listeners: [listener] });
    await raw.send(queue, bad.value, bad.options);
    await raw.send(queue, { id: 2 });
    await eventually('both settled', () => proxy.settlements().length === 2);
    await running.app.close();
    return { sent: proxy.settlements(), handled, parked: (await raw.takeAll(dead.queue)).length };
  }

  const rejected = { sent: ['reject', 'ack'], handled: [2], parked: 1 };

  for (const bad of BAD) {
    it(`rejects ${bad.name}, and goes on with the next [spring 5, 7, 16]`, async () => {
      expect(await outcomeOf(bad, {})).to.deep.equal(rejected);
    });
  }

  it('never retries it, however the listener retries', async () => {
    const bad = BAD[4]!;
    expect(await outcomeOf(bad, { retry: { maxAttempts: 3, initialInterval: 1 } })).to.deep.equal(rejected);
    expect(await outcomeOf(bad, { retry: { stateless: false, initialInterval: 1 } })).to.deep.equal(rejected);
  });

  it('rejects it in manual mode too, where the handler never gets the chance [spring 8]', async () => {
    expect(await outcomeOf(BAD[2]!, { acknowledge: 'manual' })).to.deep.equal(rejected);
  });

  it('drops and counts it where the queue has no dead letter exchange', async () => {
    const raw = await broker.raw();
    for (const queue of [{ name: unique('unreadable') }, unique('unreadable')]) {
      const listener = orderListener({ queue }, () => undefined);
      await using running = await startApp(broker.url, { listeners: [listener] });
      await raw.send(typeof queue === 'string' ? queue : queue.name, { id: 'seven' });
      await eventually('the drop', () => running.count('dropped') === 1);
      expect(running.count('rejected')).to.equal(0);
    }
  });

  it('says that it does not know where the queue was there before', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('unreadable'));
    const lines: string[] = [];
    const logger = { ...silentLogger, warn: (_fields: unknown, text: string) => lines.push(text) };
    await using running = await startApp(broker.url, { listeners: [orderListener(queue, () => undefined)], logger });
    await raw.send(queue, { id: 'seven' });
    await eventually('the rejection', () => running.count('rejected') === 1);
    expect(running.of('rejected')[0]).to.include({ kept: 'unknown' });
    expect(lines).to.include(
      'message rejected; it is not known here whether its queue has a dead letter exchange: without one it is gone',
    );
  });

  it('hands it to the recoverer at once with invalid: recover, without calling the handler', async () => {
    const raw = await broker.raw();
    const errors = await raw.declare(unique('errors'));
    const queue = await raw.declare(unique('unreadable'));
    let calls = 0;
    const listener = orderListener(
      {
        queue,
        id: 'unreadable',
        invalid: 'recover',
        retry: { maxAttempts: 3, initialInterval: '1h' },
        recoverer: republish('', errors),
      },
      () => {
        calls++;
      },
    );
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 'seven' }, { messageId: 'm-1' });
    const parked = await raw.arrived(errors);
    expect(calls).to.equal(0);
    expect(parked).to.deep.include({ text: '{"id":"seven"}' });
    expect(parked.headers).to.include({ 'x-leveret-reason': 'invalid', 'x-leveret-attempts': 0 });
    expect(parked.headers['x-exception-message']).to.be.a('string').that.contains('id');
  });

  it('rejects a message without a required header, and passes defaults for others', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('header'));
    const queue = await raw.declare(unique('header'), dead.arguments);
    const seen: unknown[] = [];
    class Tenants {
      @Listener({ queue })
      on(
        @Payload() order: Order,
        @Header('x-tenant') tenant: string,
        @Header('x-region', { default: 'eu' }) region: string,
        @Header('x-note', { required: false }) note: string | undefined,
      ): void {
        seen.push([order.id, tenant, region, note]);
      }
    }
    await using _running = await startApp(broker.url, { listeners: [Tenants] });
    await raw.send(queue, { id: 1 });
    await raw.send(queue, { id: 2 }, { headers: { 'x-tenant': 'north' } });
    await eventually('the second', () => seen.length === 1);
    expect(seen).to.deep.equal([[2, 'north', 'eu', undefined]]);
    expect((await raw.arrived(dead.queue)).text).to.equal('{"id":1}');
  });

  it('takes no harm from a forged x-death [spring 74]', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('forged'));
    const seen: unknown[] = [];
    const listener = orderListener({ queue }, (order, context) => {
      seen.push([order.id, context.deathCount]);
    });
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 3 }, { headers: { 'x-death': 'not a list' } });
    await raw.send(queue, { id: 4 }, { headers: { 'x-death': [1, { count: 'many', queue }] } });
    await eventually('both', () => seen.length === 2);
    expect(seen).to.deep.equal([
      [3, 0],
      [4, 0],
    ]);
  });

  for (const contentType of [
    'application/json',
    'application/json; charset=utf-8',
    'APPLICATION/JSON',
    'application/cloudevents+json',
    'application/octet-stream',
    undefined,
  ]) {
    it(`reads JSON sent as ${contentType ?? 'no content type'}, as Spring does`, async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('json'));
      const ids: number[] = [];
      const listener = orderListener({ queue }, (order) => ids.push(order.id));
      await using _running = await startApp(broker.url, { listeners: [listener] });
      await raw.send(queue, { id: 5 }, { ...(contentType === undefined ? noType() : { contentType }) });
      await eventually('the order', () => ids.length === 1);
      expect(ids).to.deep.equal([5]);
    });
  }
});

function noType(): SendOptions {
  return { contentType: undefined as unknown as string };
}
