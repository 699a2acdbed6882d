import { AmqplibTransport } from '@leveret/amqplib';
import type { Delivery, Message, Publication } from '@leveret/core';
import { expect } from 'chai';
import { type ListenerOptions, republish } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

/** One header `h` of so many tables within each other, 6 bytes each. */
function deep(levels: number): Buffer {
  const level = Buffer.from([1, 0x68, 0x46, 0, 0, 0, 0]);
  const all = Buffer.concat(Array.from({ length: levels }, () => level));
  for (let i = 1; i <= levels; i++) all.writeUInt32BE(all.length - 7 * i, 7 * i - 4);
  return all;
}

const UNSIGNED_64 = Buffer.concat([Buffer.from('\x01hL'), Buffer.alloc(8, 0xff)]);

onEachBroker('when headers cannot be read', (broker) => {
  /** Sends an order with this entry in its header table. */
  async function send(transport: AmqplibTransport, queue: string, id: number, entry?: Buffer): Promise<void> {
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 5000 });
    const verbatim = entry && { properties: {}, headers: [{ name: 'h', entry, exact: false }] };
    const publication: Publication = {
      ...{ exchange: '', routingKey: queue, mandatory: true, headers: {}, verbatim },
      body: Buffer.from(JSON.stringify({ id })),
      properties: { contentType: 'application/json', deliveryMode: 2 },
    };
    await new Promise((settled) => channel.publish(publication, settled));
    await channel.close();
  }

  function firstOf(transport: AmqplibTransport, queue: string): Promise<Message> {
    return new Promise((resolve, failed) => {
      const deliver = ({ channel, deliveryTag, message }: Delivery) => {
        channel.ack(deliveryTag);
        resolve(message);
      };
      const request = { queue, prefetch: 1, noAck: false, exclusive: false, priority: undefined, arguments: {} };
      const sink = { deliver, consuming() {}, interrupted() {}, failed };
      transport.subscribe({ ...request, tagPrefix: 'test', missingQueue: 'fail' }, sink);
    });
  }

  async function situation(entry: Buffer, options: Partial<ListenerOptions>) {
    const raw = await broker.raw();
    const errors = await raw.declare(unique('errors'));
    const dead = await raw.declareDeadLetters(unique('headers'));
    const queues = [await raw.declare(unique('odd'), dead.arguments), await raw.declare(unique('good'))] as const;
    const handled: number[] = [];
    const recoverer = republish('', errors);
    const listeners = queues.map((queue) =>
      orderListener({ queue, recoverer, ...options }, (order) => {
        handled.push(order.id);
        if (order.id === 1) throw new Error('not this one');
      }),
    );
    await using running = await startApp(broker.url, { listeners });
    const transport = new AmqplibTransport({ connection: { urls: broker.url } });
    try {
      await send(transport, queues[0], 1, entry);
      await send(transport, queues[0], 2);
      await send(transport, queues[1], 3);
      await eventually('the good ones', () => handled.includes(2) && handled.includes(3));
      const interrupted = running.count('interrupted');
      const parked = await firstOf(
        transport,
        options.invalid === undefined && options.retry === undefined ? dead.queue : errors,
      );
      return { parked, interrupted, handled };
    } finally {
      await transport.close({ timeoutMs: 1000 });
    }
  }

  const entriesOf = ({ verbatim }: Message) =>
    verbatim?.headers.filter(({ name }) => name === 'h').map(({ entry }) => entry);

  it('rejects a message whose headers nest 4,000 deep, and goes on with the next and with other queues', async () => {
    const { parked, interrupted, handled } = await situation(deep(4000), {});
    expect(handled.sort()).to.deep.equal([2, 3]);
    expect(interrupted).to.equal(0);
    expect(entriesOf(parked)).to.deep.equal([deep(4000)]);
  });

  it('parks it with the same bytes, where what is invalid is recovered', async () => {
    const { parked, handled } = await situation(deep(4000), { invalid: 'recover' });
    expect(handled.sort()).to.deep.equal([2, 3]);
    expect(entriesOf(parked)).to.deep.equal([deep(4000)]);
    expect(parked.headers['x-leveret-reason']).to.equal('invalid');
    expect(parked.body.toString()).to.equal('{"id":1}');
  });

  it('hands an unsigned 64-bit integer to the handler, and parks it with the same bits', async () => {
    const { parked, handled } = await situation(UNSIGNED_64, { retry: { maxAttempts: 2, initialInterval: 1 } });
    expect(handled.sort()).to.deep.equal([1, 1, 2, 3]);
    // From 4.0 on the broker itself makes a signed integer of the same bits of it.
    if (broker.isAtLeast('4.0')) expect(parked.headers['h']).to.equal(-1);
    else expect(entriesOf(parked)).to.deep.equal([UNSIGNED_64]);
    expect(parked.headers['x-leveret-reason']).to.equal('exhausted');
  });
});
