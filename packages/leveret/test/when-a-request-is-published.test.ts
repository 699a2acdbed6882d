import { PublishUnroutableError, RemoteFailureError, RequestTimeoutError, remoteFailureReply } from '@leveret/core';
import type { ConsumeMessage } from 'amqplib';
import { expect } from 'chai';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker } from './support/private-broker.js';
import { startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

onEachBroker('when a request is published', (broker) => {
  /** A listener by hand that answers as told. */
  async function listener(answer: (request: ConsumeMessage, reply: Reply) => void): Promise<string> {
    const queue = await (await broker.raw()).declare(unique('request'), { autoDelete: true });
    const channel = await (await broker.raw()).channel();
    await channel.consume(
      queue,
      (request) => {
        if (request === null) return;
        answer(request, (body, properties = {}) =>
          channel.publish('', request.properties.replyTo, body, {
            correlationId: request.properties.correlationId,
            contentType: 'application/json',
            ...properties,
          }),
        );
      },
      { noAck: true },
    );
    return queue;
  }

  it('resolves to the reply', async () => {
    const queue = await listener((request, reply) => {
      const { correlationId, headers } = request.properties;
      expect(headers).to.deep.equal({ spring_request_return_correlation: correlationId });
      reply(Buffer.from(JSON.stringify({ price: JSON.parse(request.content.toString()).pieces * 3 })));
    });
    await using running = startPublisher(broker.url);
    const replies = await Promise.all(
      [1, 2, 3].map((pieces) => running.publisher.request<{ price: number }>('', queue, { pieces })),
    );
    expect(replies).to.deep.equal([{ price: 3 }, { price: 6 }, { price: 9 }]);
  });

  it('rejects with the error of the listener', async () => {
    const queue = await listener((_request, reply) => {
      const { body, headers } = remoteFailureReply(new RangeError('no such order'));
      reply(body, { headers });
    });
    await using running = startPublisher(broker.url);
    const error = await running.publisher.request('', queue, {}).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(RemoteFailureError).with.nested.property('remote.message', 'no such order');
  });

  it('rejects when no reply comes in time, and drops the late one', async () => {
    let late: () => void = () => undefined;
    const queue = await listener((_request, reply) => {
      late = () => reply(Buffer.from('1'));
    });
    await using running = startPublisher(broker.url);
    const error = await running.publisher.request('', queue, {}, { timeout: 200 }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(RequestTimeoutError);
    late();
    await eventually('the late reply', () => running.publisher.stats.lateReplies === 1);
  });

  it('rejects at once when nobody can get the request', async () => {
    await using running = startPublisher(broker.url);
    const error = await running.publisher.request('', unique('nobody'), {}).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(PublishUnroutableError);
  });
});

type Reply = (body: Buffer, properties?: { readonly headers?: Readonly<Record<string, unknown>> }) => void;
