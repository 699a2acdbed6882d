import { expect } from 'chai';
import type { Message, Publisher } from 'leveret';
import { AcknowledgeMessage, RejectMessage, RequeueMessage } from 'leveret';
import { describe, it } from 'mocha';
import { bareMessage, consumeMessage } from './consume-message.js';
import {
  ackErrorHandler,
  defaultNackErrorHandler,
  type ErrorChannel,
  forceDeleteAssertQueueErrorHandler,
  getHandlerForLegacyBehavior,
  type MessageErrorHandler,
  Nack,
  requeueErrorHandler,
} from './error-behaviors.js';
import { jsonConverter } from './json-converter.js';
import { publishOptions } from './publish-options.js';
import { matchesRoutingKey } from './routing-key.js';
import { settledBy } from './settling.js';

const MESSAGE: Message = {
  ...{ body: Buffer.from('{"a":1}'), headers: { h: 1 }, exchange: 'ex', routingKey: 'k', redelivered: true },
  ...{ contentType: 'text/plain', messageId: 'm', deliveryMode: 2 },
};
const DELIVERED = consumeMessage({ message: MESSAGE, consumerTag: 't', deliveryTag: 7, redelivered: true } as never);

describe('matchesRoutingKey', () => {
  const cases: readonly [string, string | string[] | undefined, boolean][] = [
    ...([
      ['a.b', undefined, true],
      ['a.b', 'a.b', true],
      ['a.b', 'a.c', false],
      ['a.b', 'a', false],
      ['a', 'a.b', false],
      ['a.b', 'a.*', true],
      ['a.b.c', 'a.*', false],
      ['a', 'a.*', false],
      ['a', 'a.#', true],
      ['a.b.c', 'a.#', true],
      ['a.b.c', '#.c', true],
      ['c', '#.c', true],
      ['a.b.c', '#.b', false],
      ['a.b.c.d', 'a.#.d', true],
      ['a.d', 'a.#.d', true],
      ['a.b', ['x', 'a.*'], true],
      ['a.b', ['x', 'y'], false],
      ['a.b', [], false],
    ] as [string, string | string[] | undefined, boolean][]),
  ];
  for (const [key, pattern, expected] of cases) {
    it(`${key} is ${expected ? '' : 'not '}one of ${JSON.stringify(pattern)}`, () => {
      expect(matchesRoutingKey(key, pattern)).to.equal(expected);
    });
  }
});

describe('publishOptions', () => {
  it('drops what nobody is bound for, unless it is told otherwise', () => {
    expect(publishOptions({})).to.deep.equal({ mandatory: false });
    expect(publishOptions({ mandatory: true })).to.deep.equal({ mandatory: true });
  });

  it('reads each option of amqplib as what it means', () => {
    const given = { CC: 'a', BCC: ['b'], expiration: '500', timeout: 5, messageId: 'm', headers: { h: 1 } };
    expect(publishOptions(given as never)).to.deep.equal({
      ...{ mandatory: false, cc: 'a', bcc: ['b'], expiration: 500, messageId: 'm', headers: { h: 1 } },
    });
    const lasts = (options: object) => (publishOptions(options as never) as { persistent?: boolean }).persistent;
    expect(
      [{ deliveryMode: 2 }, { deliveryMode: 1 }, { deliveryMode: true }, { deliveryMode: false }].map(lasts),
    ).to.deep.equal([...[true, false, true, false]]);
    expect([lasts({ persistent: false, deliveryMode: 2 }), lasts({ persistent: true })]).to.deep.equal([false, true]);
  });
});

describe('jsonConverter', () => {
  const hints = {} as never;
  const message = (text: string): Message => ({ ...MESSAGE, body: Buffer.from(text) });

  it('reads JSON whatever the content type says, and an empty body as nothing', () => {
    const converter = jsonConverter({});
    expect(converter.fromMessage(message('{"a":1}'), Object, hints)).to.deep.equal({ a: 1 });
    expect(converter.fromMessage(message(''), Object, hints)).to.equal(undefined);
    expect(() => converter.fromMessage(message('{'), Object, hints)).to.throw();
    expect(jsonConverter({ allowNonJsonMessages: true }).fromMessage(message('{'), Object, hints)).to.equal('{');
  });

  it('reads and writes by functions that it is given', () => {
    const converter = jsonConverter({
      deserializer: (body, given) => `${body.toString()} of ${given.properties.messageId}`,
      serializer: (payload) => Buffer.from(`<${String(payload)}>`),
    });
    expect(converter.fromMessage(message(''), Object, hints)).to.equal(' of m');
    expect(converter.toMessage('a', hints).body.toString()).to.equal('<a>');
  });

  it('writes bytes as they are, nothing as nothing, and a text as JSON', () => {
    const { toMessage } = jsonConverter({});
    expect(toMessage(Buffer.from([1, 2]), hints).body).to.deep.equal(Buffer.from([1, 2]));
    for (const nothing of [undefined, null]) expect(toMessage(nothing, hints).body).to.have.lengthOf(0);
    expect(toMessage('a', hints).body.toString()).to.equal('"a"');
    expect(toMessage({ a: 1 }, { contentType: 'application/vnd.x+json' } as never).body.toString()).to.equal('{"a":1}');
  });
});

describe('consumeMessage', () => {
  it('is a delivery as amqplib gives it', () => {
    expect(DELIVERED.fields).to.deep.equal({
      ...{ consumerTag: 't', deliveryTag: 7, exchange: 'ex', routingKey: 'k', redelivered: true },
    });
    expect(DELIVERED.content).to.equal(MESSAGE.body);
    expect(DELIVERED.properties).to.include({ contentType: 'text/plain', messageId: 'm', deliveryMode: 2 });
    expect(DELIVERED.properties.headers).to.equal(MESSAGE.headers);
    expect(bareMessage(MESSAGE).fields).to.include({ consumerTag: '', deliveryTag: 0, redelivered: true });
  });
});

describe('an error handler', () => {
  const error = new Error('no stock');
  const published: unknown[][] = [];
  let confirm: () => Promise<unknown> = async () => undefined;
  const publisher = {
    publish: (...args: unknown[]) => {
      published.push(args);
      return confirm();
    },
  } as unknown as Publisher;
  const settled = (handler: MessageErrorHandler) => settledBy(handler, DELIVERED, error, publisher);

  it('settles its message: acknowledged, back into its queue, or rejected', async () => {
    const ways: readonly [MessageErrorHandler, typeof AcknowledgeMessage][] = [
      [ackErrorHandler, AcknowledgeMessage],
      [requeueErrorHandler, RequeueMessage as never],
      [defaultNackErrorHandler, RejectMessage as never],
      [(channel, message) => channel.nack(message), RequeueMessage as never],
      [(channel, message) => channel.reject(message), RequeueMessage as never],
      [(channel, message) => channel.reject(message, false), RejectMessage as never],
      [getHandlerForLegacyBehavior('ACK'), AcknowledgeMessage],
      [getHandlerForLegacyBehavior('REQUEUE'), RequeueMessage as never],
      [getHandlerForLegacyBehavior('NACK'), RejectMessage as never],
    ];
    for (const [handler, expected] of ways) {
      const outcome = await settled(handler);
      expect(outcome).to.be.instanceOf(expected).and.to.have.property('cause', error);
    }
  });

  it('counts the first thing that it says, and leaves it to leveret where it says nothing', async () => {
    const twice = await settled((channel, message) => {
      channel.ack(message);
      channel.nack(message, false, false);
    });
    expect(twice).to.be.instanceOf(AcknowledgeMessage);
    expect(await settled(() => undefined)).to.equal(error);
    const reject = new RejectMessage('as the handler said');
    expect(await settledBy(ackErrorHandler, DELIVERED, reject, publisher)).to.equal(reject);
  });

  it('publishes, confirmed before the message is settled', async () => {
    published.length = 0;
    const content = Buffer.from('x');
    const handler = (channel: ErrorChannel) => {
      expect(channel.publish('ex', 'k', content, { persistent: true })).to.equal(true);
      expect(channel.sendToQueue('park', content)).to.equal(true);
      channel.ack(DELIVERED);
    };
    expect(await settled(handler)).to.be.instanceOf(AcknowledgeMessage);
    expect(published).to.deep.equal([
      ['ex', 'k', content, { mandatory: false, persistent: true }],
      ['', 'park', content, { mandatory: false }],
    ]);
    const nacked = new Error('nacked');
    confirm = () => Promise.reject(nacked);
    expect(await settled(handler).catch((thrown: unknown) => thrown)).to.equal(nacked);
    confirm = async () => undefined;
  });

  it('is told what its channel has not, and that it settles no other message', async () => {
    const failure = (handler: (channel: ErrorChannel) => unknown) =>
      settled(handler).then(
        () => expect.fail('it was settled'),
        (thrown: unknown) => (thrown as Error).message,
      );
    expect(await failure((channel) => (channel as never as { prefetch(n: number): void }).prefetch(1))).to.contain(
      'no prefetch',
    );
    const other = { ...DELIVERED, fields: { ...DELIVERED.fields, deliveryTag: 8 } };
    expect(await failure((channel) => channel.ack(other))).to.contain('and no other');
  });

  it('deletes no queue', () => {
    expect(() =>
      forceDeleteAssertQueueErrorHandler(undefined as never, 'q', undefined as never, undefined as never),
    ).to.throw('leveret deletes no queue');
  });

  it('knows from an answer whether the message goes back', () => {
    expect([new Nack().requeue, new Nack(true).requeue]).to.deep.equal([false, true]);
  });
});
