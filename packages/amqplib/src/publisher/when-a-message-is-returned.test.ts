import type { PublishOutcome } from '@leveret/core';
import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { bindingOf, exchangeOf, publicationOf, publish, queueOf, topologyOf } from '../test-support/declarations.js';
import { BrokerAdmin } from '../test-support/test-broker.js';

onEachNode('when a message is returned', (broker) => {
  let admin: BrokerAdmin;
  let transport: AmqplibTransport;
  let exchange: string;

  before(async () => {
    admin = await BrokerAdmin.connect(broker.url);
    exchange = admin.exchangeName('returns');
    const queue = admin.queueName('returns');
    transport = new AmqplibTransport({ connection: { urls: broker.url } });
    await transport.declare(
      topologyOf({
        exchanges: [exchangeOf(exchange)],
        queues: [queueOf(queue)],
        bindings: [bindingOf(exchange, queue, 'known')],
      }),
    );
  });
  after(async () => {
    await transport?.close({ timeoutMs: 1000 });
    await admin?.close();
  });

  it('belongs to its own publish, among many in flight', async () => {
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const keys = Array.from({ length: 200 }, (_, index) => (index % 3 === 0 ? 'unknown' : 'known'));
    const outcomes = await Promise.all(
      keys.map((key, index) =>
        publish(channel, publicationOf(exchange, key, { properties: { messageId: `m${index}` } })),
      ),
    );
    for (const [index, outcome] of outcomes.entries()) {
      expect(outcome.kind).to.equal('ack');
      const returned = outcome.kind === 'ack' ? outcome.returned : undefined;
      if (keys[index] === 'known') expect(returned).to.equal(undefined);
      else
        expect(returned).to.nested.include({ replyCode: 312, replyText: 'NO_ROUTE', 'message.messageId': `m${index}` });
    }
    await channel.close();
  });

  it('is not asked for when the message is not mandatory', async () => {
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const outcome = await publish(channel, publicationOf(exchange, 'unknown', { mandatory: false }));
    expect(outcome).to.deep.equal({ kind: 'ack', returned: undefined });
    await channel.close();
  });

  it('brings every property and header back', async () => {
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const properties = {
      contentType: 'application/json',
      contentEncoding: 'UTF-8',
      deliveryMode: 2,
      priority: 3,
      correlationId: 'c',
      replyTo: 'r',
      expiration: '60000',
      messageId: 'm',
      timestamp: 1_700_000_000,
      type: 't',
      userId: decodeURIComponent(new URL(broker.url).username || 'guest'),
      appId: 'a',
    };
    const publication = publicationOf(exchange, 'unknown', { properties, headers: { a: 1, CC: ['also.unknown'] } });
    const outcome = (await publish(channel, publication)) as Extract<PublishOutcome, { kind: 'ack' }>;
    expect(outcome.returned?.message).to.deep.equal({
      ...properties,
      headers: { a: 1, CC: ['also.unknown'] },
      body: publication.body,
      exchange,
      routingKey: 'unknown',
      verbatim: undefined,
      redelivered: false,
    });
    await channel.close();
  });
});
