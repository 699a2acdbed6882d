import type { Message } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { publicationOf, publish } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { useProxiedTransport } from '../test-support/use-transport.js';

const replyTo = 'amq.rabbitmq.reply-to';

onEachNode('when a request is answered', (broker) => {
  const here = useProxiedTransport(broker);

  it('brings the reply to the channel that asked', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('requests'));
    const replies: Message[] = [];
    const requests = await here.transport.openReplyChannel({ timeoutMs: 2000 });
    requests.onReply((message) => replies.push(message));
    const answers = await here.transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const sink = new RecordingSink(({ channel, deliveryTag, message }) => {
      const properties = { correlationId: message.correlationId };
      answers.publish(publicationOf('', message.replyTo ?? '', { properties, mandatory: false }), () =>
        channel.ack(deliveryTag),
      );
    });
    await here.transport.subscribe(consumeRequest(queue), sink).ready;
    await publish(requests, publicationOf('', queue, { properties: { correlationId: 'c1', replyTo } }));
    await eventually('the reply', () => replies.length === 1);
    expect(replies[0]).to.include({ correlationId: 'c1', exchange: '' });
    await requests.close();
  });

  it('ends with the connection, and can be opened anew', async () => {
    const requests = await here.transport.openReplyChannel({ timeoutMs: 2000 });
    const ended = new Promise<string>((resolve) => requests.onEnd(({ kind }) => resolve(kind)));
    here.proxy.cut();
    expect(await ended).to.equal('connection-lost');
    const again = await here.transport.openReplyChannel({ timeoutMs: 2000 });
    expect(again.isOpen).to.equal(true);
  });

  it('fails by name when the broker cannot be reached', async () => {
    await here.proxy.down();
    const error = await rejectionOf(here.transport.openReplyChannel({ timeoutMs: 1000 }));
    expect(error).to.include({ code: 'LEV_PUBLISH_NOT_CONNECTED' });
  });

  it('takes replies without acknowledging them: the broker keeps none back', async () => {
    const requests = await here.transport.openReplyChannel({ timeoutMs: 2000 });
    const replies: Message[] = [];
    requests.onReply((message) => replies.push(message));
    const queue = await here.admin.makeQueue(here.admin.queueName('many'));
    const answers = await here.transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    const sink = new RecordingSink(({ channel, deliveryTag, message }) => {
      const properties = { correlationId: message.correlationId };
      for (let i = 0; i < 20; i++) {
        answers.publish(publicationOf('', message.replyTo ?? '', { properties, mandatory: false }), () => {});
      }
      channel.ack(deliveryTag);
    });
    await here.transport.subscribe(consumeRequest(queue), sink).ready;
    for (let i = 0; i < 20; i++) {
      await publish(requests, publicationOf('', queue, { properties: { correlationId: `c${i}`, replyTo } }));
    }
    await eventually('all replies', () => replies.length === 400);
    expect(requests.isOpen).to.equal(true);
    await requests.close();
  });
});
