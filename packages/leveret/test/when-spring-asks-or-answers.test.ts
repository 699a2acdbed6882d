import { randomUUID } from 'node:crypto';
import type { ConsumeMessage, Options } from 'amqplib';
import { expect } from 'chai';
import { IsInt } from 'class-validator';
import {
  Listener,
  type ListenerOptions,
  MessageConversionError,
  MessageValidationError,
  Payload,
  RemoteFailureError,
} from 'leveret';
import { describe, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { Order } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { springException, springProperties, UUID } from './support/spring.js';
import { startApp } from './support/start-app.js';
import { startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

const ORDER = 'com.example.Orders$Order';
const DIRECT_REPLY_TO = 'amq.rabbitmq.reply-to';

class Price {
  constructor(readonly total: number) {}
}

onEachBroker('when Spring asks or answers', (broker) => {
  describe('a request of Spring', () => {
    /** Asks a leveret listener as `RabbitTemplate` does, and resolves to the reply. */
    async function ask(properties: Options.Publish, options: Partial<ListenerOptions> = {}): Promise<ConsumeMessage> {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('spring.ask'));
      class Prices {
        @Listener({ queue, ...options })
        price(@Payload() order: Order): Price {
          if (order.id < 0) throw new RangeError('no such order');
          return new Price(order.id * 3);
        }
      }
      await using _running = await startApp(broker.url, { listeners: [Prices] });
      // Awaited here: else the application would close before it is asked.
      return await raw.once(async (channel) => {
        const replies: ConsumeMessage[] = [];
        const replyTo = properties.replyTo ?? DIRECT_REPLY_TO;
        await channel.consume(replyTo, (reply) => reply !== null && replies.push(reply), { noAck: true });
        const id = options.returnExceptions ? -1 : 7;
        channel.publish('', queue, Buffer.from(JSON.stringify({ id })), { ...properties, replyTo });
        await eventually('the reply', () => replies.length === 1);
        return replies[0] as ConsumeMessage;
      });
    }

    /** The properties of a request that has a correlation id. */
    function correlated() {
      const correlationId = randomUUID();
      const headers = { spring_request_return_correlation: correlationId };
      return { ...springProperties(ORDER, { headers }), correlationId };
    }

    it('gets a reply with its correlation id, in the form that Spring accepts', async () => {
      const request = correlated();
      const { content, properties } = await ask(request);
      expect(content.toString()).to.equal('{"total":21}');
      expect(properties).to.include({
        contentType: 'application/json',
        contentEncoding: undefined,
        deliveryMode: 2,
        correlationId: request.correlationId,
      });
      expect(properties.messageId).to.match(UUID).and.not.equal(request.messageId);
      // Of a class of this process, which no __TypeId__ could name: Spring reads it as what the caller asked for.
      expect(properties.headers).to.deep.equal({});
    });

    it('gets its message id as correlation id when it has none of its own', async () => {
      const request = springProperties(ORDER);
      const { properties } = await ask(request);
      expect(request).to.not.have.property('correlationId');
      expect(properties.correlationId).to.equal(request.messageId).and.match(UUID);
    });

    it('gets its reply on a queue of its own, where it names one', async () => {
      const replyTo = await (await broker.raw()).declare(unique('spring.replies'));
      const request = { ...correlated(), replyTo };
      const { fields, properties } = await ask(request);
      expect(fields).to.include({ exchange: '', routingKey: replyTo });
      expect(properties.correlationId).to.equal(request.correlationId);
    });

    it('gets the error in the body, as Spring’s returnExceptions has it', async () => {
      const request = correlated();
      const { content, properties } = await ask(request, { returnExceptions: true });
      expect(JSON.parse(content.toString())).to.have.all.keys('exception');
      expect(JSON.parse(content.toString())).to.have.nested.property('exception.message', 'no such order');
      expect(properties).to.include({
        contentType: 'application/json',
        contentEncoding: undefined,
        deliveryMode: 2,
        correlationId: request.correlationId,
      });
    });
  });

  describe('a request to Spring', () => {
    /** A Spring listener by hand: it replies to the correlation id as it was given, with these properties. */
    async function springListener(value: unknown, properties: Options.Publish) {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('spring.answer'), { autoDelete: true });
      const channel = await raw.channel();
      const requests: ConsumeMessage[] = [];
      await channel.consume(
        queue,
        (request) => {
          if (request === null) return;
          requests.push(request);
          const { replyTo, correlationId } = request.properties;
          channel.publish('', replyTo, Buffer.from(JSON.stringify(value)), { ...properties, correlationId });
        },
        { noAck: true },
      );
      return { queue, requests };
    }

    it('has the form of one by Spring, and takes a reply without a __TypeId__', async () => {
      const bare = { contentType: 'application/json' };
      const { queue, requests } = await springListener({ total: 21 }, bare);
      await using running = startPublisher(broker.url);
      const headers = { __TypeId__: ORDER };
      expect(await running.publisher.request('', queue, { id: 7 }, { headers })).to.deep.equal({ total: 21 });
      const { content, properties } = requests[0]!;
      expect(content.toString()).to.equal('{"id":7}');
      expect(properties).to.include({ contentType: 'application/json', contentEncoding: undefined, deliveryMode: 2 });
      expect(properties.messageId).to.match(UUID);
      expect(properties.replyTo).to.match(/^amq\.rabbitmq\.reply-to\./);
      const { correlationId } = properties;
      expect(correlationId).to.match(UUID);
      expect(properties.headers).to.deep.equal({ __TypeId__: ORDER, spring_request_return_correlation: correlationId });
    });

    it('takes the reply as Spring writes it', async () => {
      const properties = { ...springProperties('com.example.Price'), deliveryMode: 2 };
      const { queue } = await springListener({ total: 21 }, properties);
      await using running = startPublisher(broker.url);
      expect(await running.publisher.request('', queue, { id: 7 })).to.deep.equal({ total: 21 });
    });

    it('keeps its own message id, and takes a string for a reply', async () => {
      const { queue, requests } = await springListener('paid', springProperties('java.lang.String'));
      await using running = startPublisher(broker.url);
      expect(await running.publisher.request('', queue, { id: 7 }, { messageId: 'm-7' })).to.equal('paid');
      expect(requests[0]?.properties).to.include({ messageId: 'm-7' });
    });

    it('rejects with the exception that Spring returns in the body, whatever type its headers say', async () => {
      const { queue } = await springListener(springException('no such order'), springProperties('com.example.Price'));
      await using running = startPublisher(broker.url);
      const error = await running.publisher.request('', queue, { id: 7 }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(RemoteFailureError).and.include({ code: 'LEV_REMOTE_FAILURE' });
      expect(error).to.have.property('remote').that.deep.equals({
        name: undefined,
        message: 'no such order',
        code: undefined,
      });
    });

    it('rejects with it also where the value stands beside it, as Spring AMQP 4 writes it', async () => {
      const failed = { ...(springException('no such order') as object), value: null };
      const { queue } = await springListener(failed, springProperties('com.example.Price'));
      await using running = await startApp(broker.url, {});
      const asked = running.app.publisher.request('', queue, { id: 7 }, { replyType: Price });
      const error = await asked.catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(RemoteFailureError).with.nested.property('remote.message', 'no such order');
    });

    it('makes an instance of the class that is asked for, and rejects when it is none', async () => {
      class Checked {
        @IsInt() total!: number;
      }
      const { queue } = await springListener({ total: 21 }, springProperties('com.example.Price'));
      const wrong = await springListener({ total: 'none' }, springProperties('com.example.Price'));
      await using running = await startApp(broker.url, {});
      const { publisher } = running.app;
      const price: Checked = await publisher.request('', queue, {}, { replyType: Checked });
      expect(price).to.be.instanceOf(Checked).and.to.include({ total: 21 });
      const error = await publisher
        .request('', wrong.queue, {}, { replyType: Checked })
        .catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(MessageValidationError);
      const text = await publisher.request('', queue, {}, { replyType: String }).catch((reason: unknown) => reason);
      expect(text).to.be.instanceOf(MessageConversionError);
    });

    it('says so when a bare publisher makes no instance of the reply', async () => {
      const { queue } = await springListener({ total: 21 }, springProperties('com.example.Price'));
      await using running = startPublisher(broker.url);
      const asked = running.publisher.request('', queue, {}, { replyType: Price });
      expect(await asked.catch((reason: Error) => reason.message)).to.contain('was to be read as Price');
    });
  });
});
