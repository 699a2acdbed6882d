import { expect } from 'chai';
import { IsInt, IsOptional, IsString } from 'class-validator';
import {
  Context,
  type DeliveryContext,
  Handler,
  Header,
  Listener,
  Payload,
  PublishError,
  PublishUnroutableError,
} from 'leveret';
import type { PayloadClass } from 'leveret/adapters';
import { describe, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { Order, orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import type { SendOptions } from './support/raw-client.js';
import { SPRING_HEADERS, SPRING_HEADERS_READ, springCorrelation, springProperties, UUID } from './support/spring.js';
import { startApp } from './support/start-app.js';
import { failureOf, startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

const ORDER = 'com.example.Orders$Order';

class Note {
  @IsInt()
  id!: number;

  @IsOptional()
  @IsString()
  text?: string | null;
}

/** What spring-rabbit 4.1.1 was seen to write and to accept; what is parked, and requests with replies, have suites of their own. */
onEachBroker('when Spring is on the other side', (broker) => {
  /** Sends one message as Spring does, and resolves to what the handler of a payload of that type got. */
  async function read(type: PayloadClass | readonly [PayloadClass], value: unknown, options: SendOptions) {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('spring'));
    const seen: { readonly payload: unknown; readonly context: DeliveryContext }[] = [];
    class Reader {
      @Listener({ queue })
      on(@Payload(type) payload: unknown, @Context() context: DeliveryContext): void {
        seen.push({ payload, context });
      }
    }
    await using running = await startApp(broker.url, { listeners: [Reader] });
    await raw.send(queue, value, options);
    await eventually('the outcome', () => running.count('handled') + running.count('invalid') === 1);
    if (seen[0] === undefined) throw new Error(`expected a call of the handler: ${running.of('invalid')[0]?.error}`);
    return seen[0];
  }

  describe('what it sends', () => {
    it('is read as the declared class from an object, with the properties it came with', async () => {
      const options = springProperties(ORDER);
      const { payload, context } = await read(Order, { id: 1 }, options);
      expect(payload)
        .to.be.instanceOf(Order)
        .and.deep.equal(Object.assign(new Order(), { id: 1 }));
      expect(context.message).to.include({
        contentType: 'application/json',
        contentEncoding: 'UTF-8',
        deliveryMode: 2,
        priority: 0,
        messageId: options.messageId,
        timestamp: undefined,
      });
      expect(context.message.headers).to.deep.equal(options.headers);
    });

    it('is read from a list, as instances or as the list it is', async () => {
      const types = { __TypeId__: 'java.util.ImmutableCollections$ListN', __ContentTypeId__: ORDER };
      const list = [{ id: 1 }, { id: 2 }];
      const { payload } = await read([Order], list, springProperties(types));
      expect(payload).to.have.lengthOf(2);
      for (const element of payload as unknown[]) expect(element).to.be.instanceOf(Order);
      const untyped = springProperties({ __TypeId__: 'java.util.ArrayList', __ContentTypeId__: 'java.lang.Object' });
      expect((await read(Object, list, untyped)).payload).to.deep.equal(list);
    });

    it('is read from a map', async () => {
      const types = {
        __TypeId__: 'java.util.LinkedHashMap',
        __KeyTypeId__: 'java.lang.String',
        __ContentTypeId__: 'java.lang.Object',
      };
      const map = { id: 3, tags: ['a'] };
      expect((await read(Object, map, springProperties(types))).payload).to.deep.equal(map);
      expect((await read(Order, map, springProperties(types))).payload)
        .to.be.instanceOf(Order)
        .and.include({ id: 3 });
    });

    it('is read from a string, without its quotes', async () => {
      const { payload } = await read(String, 'prêt à payer', springProperties('java.lang.String'));
      expect(payload).to.equal('prêt à payer');
    });

    it('is read from bytes as the base64 text that Spring makes of them', async () => {
      const bytes = Buffer.from([0, 1, 254, 255]);
      const { payload } = await read(String, bytes.toString('base64'), springProperties('[B'));
      expect(Buffer.from(payload as string, 'base64')).to.deep.equal(bytes);
      const whole = await read(Buffer, bytes.toString('base64'), springProperties('[B'));
      expect(String(whole.payload)).to.equal('"AAH+/w=="');
    });

    it('is read from the simple converter: text in its charset, and bytes', async () => {
      const latin = { body: Buffer.from('prêt', 'latin1'), contentType: 'text/plain', contentEncoding: 'ISO-8859-1' };
      expect((await read(String, undefined, latin)).payload).to.equal('prêt');
      const plain = { body: Buffer.from('prêt'), contentType: 'text/plain', contentEncoding: 'UTF-8' };
      expect((await read(String, undefined, plain)).payload).to.equal('prêt');
      const bytes = { body: Buffer.from([255, 0]), contentType: 'application/octet-stream' };
      expect((await read(Buffer, undefined, bytes)).payload).to.deep.equal(Buffer.from([255, 0]));
    });

    it('carries headers of every type of Java, which arrive as they were sent', async () => {
      const { context } = await read(Order, { id: 1 }, springProperties(ORDER, { headers: SPRING_HEADERS }));
      expect(context.message.headers).to.deep.include(SPRING_HEADERS_READ);
    });

    it('may have properties that the class does not know, and nulls for what it does', async () => {
      const { payload } = await read(Note, { id: 4, text: null, total: 9 }, springProperties('com.example.NoteV2'));
      expect(payload).to.be.instanceOf(Note).and.include({ id: 4, text: null });
      expect((await read(Note, { id: 5 }, springProperties(ORDER))).payload).to.include({ id: 5 });
    });

    it('may name a class that nobody knows, where the payload is declared', async () => {
      const { payload } = await read(Order, { id: 6 }, springProperties('no.such.Class'));
      expect(payload).to.be.instanceOf(Order);
    });

    it('goes to the handler that names its __TypeId__, and to nobody when no handler does', async () => {
      const raw = await broker.raw();
      const dead = await raw.declareDeadLetters(unique('spring'));
      const queue = await raw.declare(unique('spring'), dead.arguments);
      const seen: unknown[] = [];
      @Listener({ queue })
      class Types {
        @Handler(Order, { type: ORDER })
        order(order: Order): void {
          seen.push(order);
        }

        @Handler(Note, { type: ['com.example.Note', 'com.example.NoteV2'] })
        note(note: Note): void {
          seen.push(note);
        }
      }
      await using running = await startApp(broker.url, { listeners: [Types] });
      await raw.send(queue, { id: 1 }, springProperties(ORDER));
      await raw.send(queue, { id: 2 }, springProperties('java.lang.Runtime'));
      await raw.send(queue, { id: 3 }, springProperties('com.example.NoteV2'));
      await eventually('all three', () => running.count('handled') + running.count('rejected') === 3);
      expect(seen.map((payload) => payload?.constructor)).to.deep.equal([Order, Note]);
      expect(await raw.arrived(dead.queue)).to.include({ text: '{"id":2}' });
    });

    it('carries Spring’s error headers when it was parked, in which a listener finds why', async () => {
      const raw = await broker.raw();
      const errors = await raw.declare(unique('spring.errors'));
      const seen: unknown[] = [];
      class Parked {
        @Listener({ queue: errors })
        on(
          @Payload() order: Order,
          @Header('x-exception-message') why: string,
          @Header('x-original-exchange') exchange: string,
          @Header('x-original-routingKey') routingKey: string,
        ): void {
          seen.push(order.id, why, exchange, routingKey);
        }
      }
      await using _running = await startApp(broker.url, { listeners: [Parked] });
      const headers = {
        'x-exception-message': 'card declined',
        'x-original-exchange': '',
        'x-original-routingKey': 'pay.queue',
      };
      await raw.send(errors, { id: 7 }, springProperties(ORDER, { headers }));
      await eventually('the parked message', () => seen.length > 0);
      expect(seen).to.deep.equal([7, 'card declined', '', 'pay.queue']);
    });
  });

  describe('the content type', () => {
    const none = undefined as unknown as string;
    for (const contentType of [
      'application/json',
      'application/json; charset=utf-8',
      'APPLICATION/JSON',
      'application/cloudevents+json',
      'application/x-json',
      'text/json',
      'text/x-json',
      none,
      'application/octet-stream',
    ]) {
      it(`${contentType ?? '(none)'} is accepted for a class`, async () => {
        const { payload } = await read(Order, { id: 1 }, springProperties(ORDER, { contentType }));
        expect(payload).to.be.instanceOf(Order).and.include({ id: 1 });
      });
    }

    it('may name the charset itself, instead of the content encoding', async () => {
      const options = { contentType: 'application/json; charset=ISO-8859-1', contentEncoding: none };
      const body = Buffer.from('{"id":1,"text":"prêt"}', 'latin1');
      const { payload } = await read(Note, undefined, springProperties('com.example.Note', { ...options, body }));
      expect(payload).to.include({ text: 'prêt' });
    });

    for (const [what, refused] of [
      ['text/plain', { contentType: 'text/plain' }],
      ['application/x-java-serialized-object', { contentType: 'application/x-java-serialized-object' }],
      ['a charset that nobody knows', { contentEncoding: 'bogus' }],
      ['a compressed body', { contentEncoding: 'gzip', headers: { springAutoDecompress: true } }],
    ] as const) {
      it(`${what} is refused for a class, without a retry, to the dead letter queue`, async () => {
        const raw = await broker.raw();
        const dead = await raw.declareDeadLetters(unique('spring'));
        const queue = await raw.declare(unique('spring'), dead.arguments);
        let calls = 0;
        const listener = orderListener({ queue, retry: { maxAttempts: 3, initialInterval: 1 } }, () => {
          calls++;
        });
        await using running = await startApp(broker.url, { listeners: [listener] });
        const options = springProperties(ORDER, refused);
        await raw.send(queue, { id: 1 }, options);
        const { text, properties, headers } = await raw.arrived(dead.queue);
        expect({ text, calls, retried: running.count('retried') }).to.deep.equal({
          text: '{"id":1}',
          calls: 0,
          retried: 0,
        });
        expect(properties.messageId).to.equal(options.messageId);
        expect(headers).to.include({ __TypeId__: ORDER });
      });
    }
  });

  describe('what it is sent', () => {
    // Of JSON, Spring takes none for UTF-8, as everybody does.
    const json = { contentType: 'application/json', contentEncoding: undefined };
    for (const [what, payload, text, described, options] of [
      ['an object', Object.assign(new Order(), { id: 1 }), '{"id":1}', json],
      ['a list', [{ id: 1 }], '[{"id":1}]', json],
      ['a string for the JSON converter', 'prêt', '"prêt"', json, { contentType: 'application/json' }],
      ['a string for the simple converter', 'prêt', 'prêt', { contentType: 'text/plain', contentEncoding: 'UTF-8' }],
      ['bytes', Buffer.from('{"id":1}'), '{"id":1}', { contentType: 'application/octet-stream' }],
    ] as const) {
      it(`has the form that Spring reads, from ${what}`, async () => {
        const raw = await broker.raw();
        const queue = await raw.declare(unique('to-spring'));
        await using running = startPublisher(broker.url);
        const { messageId } = await running.publisher.sendToQueue(queue, payload, options);
        const arrived = await raw.arrived(queue);
        expect(arrived.text).to.equal(text);
        expect(arrived.properties).to.include({ ...described, deliveryMode: 2, messageId });
        expect(messageId).to.match(UUID);
        expect(arrived.headers).to.deep.equal({});
      });
    }

    it('names a class of Spring, and keeps an id, when the publisher asks for it', async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('to-spring'));
      await using running = startPublisher(broker.url);
      const headers = { __TypeId__: ORDER };
      await running.publisher.sendToQueue(queue, { id: 1 }, { headers, messageId: 'm-1', priority: 0 });
      const arrived = await raw.arrived(queue);
      expect(arrived.headers).to.deep.equal(headers);
      expect(arrived.properties).to.include({ ...json, messageId: 'm-1', priority: 0 });
    });

    it('is read by leveret as it is by Spring', async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('to-spring'));
      const orders: Order[] = [];
      await using running = await startApp(broker.url, {
        listeners: [orderListener(queue, (order) => orders.push(order))],
      });
      await running.app.publisher.sendToQueue(queue, { id: 1 }, { headers: { ...springCorrelation() } });
      await running.app.publisher.sendToQueue(queue, Buffer.from('{"id":2}'));
      await eventually('both', () => orders.length === 2);
      expect(orders.map(({ id }) => id)).to.deep.equal([1, 2]);
    });
  });

  describe('the answers of the broker', () => {
    it('make an unroutable message a failure, where Spring’s future says ack: 312 NO_ROUTE', async () => {
      await using running = startPublisher(broker.url);
      const said: unknown[] = [];
      running.publisher.onReturn(({ replyCode, replyText }) => said.push(`${replyCode} ${replyText}`));
      running.publisher.onConfirm(({ ack }) => said.push(ack));
      const error = await failureOf(running.publisher.sendToQueue(unique('nobody'), { id: 1 }));
      expect(error).to.be.instanceOf(PublishUnroutableError).and.include({ replyCode: 312, replyText: 'NO_ROUTE' });
      expect(said).to.deep.equal(['312 NO_ROUTE', true]);
    });

    it('make a nack of a missing exchange, with the broker’s text', async () => {
      await using running = startPublisher(broker.url);
      const nacks: unknown[] = [];
      running.publisher.onConfirm(({ ack, reason }) => nacks.push([ack, reason]));
      const gone = unique('gone');
      const error = await failureOf(running.publisher.publish(gone, 'k', { id: 1 }));
      const text = `NOT_FOUND - no exchange '${gone}' in vhost '/'`;
      expect(error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_EXCHANGE_MISSING' });
      expect(error.message).to.contain('the exchange does not exist');
      expect(error.cause).to.have.property('message').that.contains(text);
      expect(nacks).to.deep.equal([[false, text]]);
    });
  });
});
