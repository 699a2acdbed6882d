import type { Message } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachNode } from '../../../../scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { publicationOf, publish } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { TcpProxy } from '../test-support/tcp-proxy.js';
import { BrokerAdmin } from '../test-support/test-broker.js';

const replyTo = 'amq.rabbitmq.reply-to';

onEachNode('when a request is answered', (broker) => {
  let admin: BrokerAdmin;
  let proxy: TcpProxy;
  let transport: AmqplibTransport;

  beforeEach(async () => {
    admin = await BrokerAdmin.connect(broker.url);
    proxy = await TcpProxy.start(broker.url);
    transport = new AmqplibTransport({ connection: { urls: proxy.through(broker.url) } });
  });
  afterEach(async () => {
    await transport.close({ timeoutMs: 1000 });
    await proxy.stop();
    await admin.close();
  });

  it('brings the reply to the channel that asked', async () => {
    const queue = await admin.makeQueue(admin.queueName('requests'));
    const replies: Message[] = [];
    const requests = await transport.openReplyChannel({ timeoutMs: 2000 });
    requests.onReply((message) => replies.push(message));
    const answers = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const sink = new RecordingSink(({ channel, deliveryTag, message }) => {
      const properties = { correlationId: message.correlationId };
      answers.publish(publicationOf('', message.replyTo ?? '', { properties, mandatory: false }), () =>
        channel.ack(deliveryTag),
      );
    });
    await transport.subscribe(consumeRequest(queue), sink).ready;
    await publish(requests, publicationOf('', queue, { properties: { correlationId: 'c1', replyTo } }));
    await eventually('the reply', () => replies.length === 1);
    expect(replies[0]).to.include({ correlationId: 'c1', exchange: '' });
    await requests.close();
  });

  it('ends with the connection, and can be opened anew', async () => {
    const requests = await transport.openReplyChannel({ timeoutMs: 2000 });
    const ended = new Promise<string>((resolve) => requests.onEnd(({ kind }) => resolve(kind)));
    proxy.cut();
    expect(await ended).to.equal('connection-lost');
    const again = await transport.openReplyChannel({ timeoutMs: 2000 });
    expect(again.isOpen).to.equal(true);
  });

  it('fails by name when the broker cannot be reached', async () => {
    await proxy.refuse();
    const error = await rejectionOf(transport.openReplyChannel({ timeoutMs: 1000 }));
    expect(error).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
  });
});
