import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { MessageProperties, Publication } from '../message/message.js';
import { tableBytes } from '../message/table-bytes.js';
import { aFailure, FakeSender } from './failed-delivery.support.test.js';
import { immediateRequeue, rejectAndDontRequeue } from './reject-recoverer.js';
import { republish } from './republish-recoverer.js';

/** What a recoverer publishes for a failure. */
async function parkedBy(recoverer: ReturnType<typeof republish>, failure = aFailure()): Promise<Publication> {
  const publisher = failure.publisher as FakeSender;
  expect(await recoverer.recover(failure)).to.equal('ack');
  expect(publisher.sent).to.have.lengthOf(1);
  return publisher.sent[0] as Publication;
}

describe('republish', () => {
  it('sends to the given exchange and key, mandatory [spring 27]', async () => {
    const parked = await parkedBy(republish('error.direct', 'error'));
    expect(parked).to.include({ exchange: 'error.direct', routingKey: 'error', mandatory: true });
  });

  it('takes error. and the received key when no key is given [spring 38]', async () => {
    const failure = () => aFailure({ of: { routingKey: 'pay.success' } });
    expect((await parkedBy(republish('errors'), failure())).routingKey).to.equal('error.pay.success');
    const options = { errorRoutingKeyPrefix: '' };
    expect((await parkedBy(republish('errors', undefined, options), failure())).routingKey).to.equal('pay.success');
  });

  it('cuts a key that the prefix makes longer than the broker allows', async () => {
    const parked = await parkedBy(republish('errors'), aFailure({ of: { routingKey: 'k'.repeat(255) } }));
    expect(Buffer.byteLength(parked.routingKey)).to.equal(255);
  });

  it('leaves out headers that can be read but not written again, and counts them', async () => {
    const headers = { tenant: 'a', odd: { '!': 'bogus', value: 1 }, ['\uFFFD'.repeat(100)]: 1 };
    const parked = await parkedBy(republish('errors', 'error'), aFailure({ of: { headers } }));
    expect(parked.headers).to.include({ tenant: 'a', 'x-leveret-headers-left-out': 2 });
    expect(parked.headers).not.to.have.any.keys('odd', '\uFFFD'.repeat(100));
  });

  it('cuts properties that grew when they were read, and leaves out a timestamp that rounds up to 2^64', async () => {
    const grown = '\uFFFD'.repeat(200);
    const of = {
      messageId: grown,
      correlationId: grown,
      type: grown,
      replyTo: grown,
      appId: 'shop',
      timestamp: 2 ** 64,
    };
    const { properties } = await parkedBy(republish('errors', 'error'), aFailure({ of }));
    for (const name of ['messageId', 'correlationId', 'type', 'replyTo'] as const) {
      expect(Buffer.byteLength(properties[name] ?? ''), name).to.be.within(250, 255);
    }
    expect(properties).to.deep.include({ appId: 'shop', timestamp: undefined });
  });

  it('sends the text of what additional headers cannot be written', async () => {
    const additionalHeaders = () => ({ code: () => 1, ['n'.repeat(300)]: 2, team: 'pay' });
    const { headers } = await parkedBy(republish('errors', 'error', { additionalHeaders }));
    const long = Object.keys(headers).find((name) => name.startsWith('nnn'));
    expect(headers).to.include({ team: 'pay', code: 'function code' });
    expect([long, headers[long ?? '']]).to.deep.equal([`${'n'.repeat(252)}...`, '2']);
  });

  it('fits its stack trace beside headers that go along as bytes', async () => {
    const error = Object.assign(new Error('long'), { stack: `Error: long\n${'at x\n'.repeat(20_000)}` });
    const verbatim = {
      ...{ fault: undefined, properties: {}, section: undefined },
      headers: [{ name: 'h', entry: Buffer.alloc(100_000), exact: false }],
    };
    const options = { includeStackTrace: true, maxStackTraceBytes: 1_000_000 };
    const parked = await parkedBy(republish('errors', 'e', options), aFailure({ error, of: { verbatim } }));
    expect(parked.verbatim?.headers).to.have.lengthOf(1);
    expect(100_000 + tableBytes(parked.headers)).to.be.within(120_000, 131_072 - 4096);
  });

  it('cuts a stack trace at 8 KiB unless told otherwise', async () => {
    const error = Object.assign(new Error('long'), { stack: 'x'.repeat(20_000) });
    const { headers } = await parkedBy(republish('errors', 'e', { includeStackTrace: true }), aFailure({ error }));
    expect(headers['x-exception-stacktrace']).to.equal(`${'x'.repeat(8189)}...`);
  });

  it('leaves room for additional headers', async () => {
    const additional = { dump: 'd'.repeat(20_000) };
    const failure = aFailure({ of: { headers: { big: 'b'.repeat(40_000), tenant: 'a' } } });
    const recoverer = republish('errors', 'error', { additionalHeaders: () => additional, maxStackTraceBytes: 60_000 });
    const parked = await parkedBy(recoverer, failure);
    expect(tableBytes(parked.headers)).to.be.below(65_536);
    expect(parked.headers).to.include({ ...additional, tenant: 'a' });
  });

  it('reports every fault of its options', () => {
    for (const options of [
      { maxStackTraceBytes: 0, includeStackTrace: false },
      { declare: true },
      { declare: false },
    ]) {
      expect(republish('errors', 'error', options), JSON.stringify(options)).not.to.have.property('problems');
    }
    const options = { includeStacktrace: true, maxStackTraceBytes: -1, additionalHeaders: {}, declare: 1 };
    const more = { errorRoutingKeyPrefix: 9, includeStackTrace: 'yes' };
    const { problems } = republish(7 as never, 8 as never, { ...options, ...more } as never);
    const text = problems?.join('\n') ?? '';
    expect(problems).to.have.lengthOf(8);
    expect(text).to.contain('Did you mean "includeStackTrace"?');
    expect(text).to.contain('includeStackTrace must be true or false; got "yes"');
    for (const name of ['the exchange', 'the routing key', 'errorRoutingKeyPrefix', 'maxStackTraceBytes']) {
      expect(text).to.contain(name);
    }
    expect(text).to.contain('additionalHeaders must be a function');
    expect(text).to.contain('declare must be true, false or the name');
  });

  it('asks for exchange and key of each failure [spring 43]', async () => {
    const recoverer = republish(
      ({ message }) => `errors.${message.headers['tenant']}`,
      ({ reason }) => reason,
    );
    const parked = await parkedBy(recoverer, aFailure({ of: { headers: { tenant: 'a' } } }));
    expect(parked).to.include({ exchange: 'errors.a', routingKey: 'exhausted' });
    expect(recoverer).not.to.have.any.keys('exchange', 'problems');
  });

  it('keeps body and properties, and makes the message persistent [spring 42]', async () => {
    const kept: MessageProperties = {
      contentType: 'application/json',
      contentEncoding: 'UTF-8',
      priority: 5,
      correlationId: 'c-1',
      replyTo: 'amq.rabbitmq.reply-to.g1',
      messageId: 'm-1',
      timestamp: 1_700_000_000,
      type: 'PaySucceeded',
      appId: 'pay-service',
    };
    const failure = aFailure({ of: { ...kept, deliveryMode: 1, text: '{"orderId":7}' } });
    const { body, properties } = await parkedBy(republish('errors'), failure);
    expect(body).to.equal(failure.message.body);
    expect(properties).to.deep.equal({ ...kept, deliveryMode: 2 });
  });

  it('drops what would make the parked message vanish, be refused, or be sent elsewhere too', async () => {
    const of = { expiration: '1000', userId: 'somebody', headers: { CC: ['a'], BCC: ['b'], tenant: 't' } };
    const { properties, headers } = await parkedBy(republish('errors'), aFailure({ of }));
    expect(properties).not.to.have.any.keys('expiration', 'userId');
    expect(headers).not.to.have.any.keys('CC', 'BCC');
    expect(headers).to.include({ tenant: 't', 'x-leveret-original-expiration': '1000' });
  });

  it('says why in headers; further ones are asked for, and win [spring 38]', async () => {
    const options = {
      includeStackTrace: false,
      additionalHeaders: ({ attempts }: { attempts: number }) => ({
        team: `t${attempts}`,
        'x-exception-message': 'ours',
      }),
    };
    const { headers } = await parkedBy(republish('errors', 'e', options));
    expect(headers).to.include({ team: 't3', 'x-exception-message': 'ours', 'x-original-routingKey': 'orders' });
    expect(headers).not.to.have.property('x-exception-stacktrace');
  });

  it('sends no stack trace unless told to, and no password of a URL', async () => {
    const url = 'postgres://pay:hunter2@db/pay';
    const error = Object.assign(new Error(`connect ${url}`), { name: url });
    const plain = await parkedBy(republish('errors', 'e'), aFailure({ error }));
    expect(plain.headers).not.to.have.property('x-exception-stacktrace');
    expect(plain.headers['x-exception-message']).to.equal('connect postgres://pay:***@db/pay');
    const full = await parkedBy(republish('errors', 'e', { includeStackTrace: true }), aFailure({ error }));
    expect(full.headers['x-exception-stacktrace']).to.include('connect postgres://pay:***@db/pay');
    expect(JSON.stringify([plain.headers, full.headers])).to.not.include('hunter2');
  });

  it('takes out of every text what the application says', async () => {
    const redact = (text: string) => text.replaceAll('4111', '****');
    const error = new Error('card 4111', { cause: new Error('4111 declined') });
    const failure = aFailure({ error, redact });
    const { headers } = await parkedBy(republish('errors', 'e', { includeStackTrace: true }), failure);
    expect(headers['x-exception-message']).to.equal('card ****');
    expect(JSON.stringify(headers)).to.include('**** declined').and.not.include('4111');
  });

  it('keeps the headers within the frame, and within what amqplib can write [spring 40]', async () => {
    for (const [frameMax, atMost] of [
      [4096, 2048],
      [8192, 4096],
      [131_072, 61_440],
      [2 ** 31 - 1, 61_440],
    ] as const) {
      const publisher = new FakeSender();
      publisher.frameMax = frameMax;
      const error = new Error('long');
      error.stack = `Error: long\n${'at x\n'.repeat(50_000)}`;
      const failure = aFailure({ error, publisher, of: { headers: { note: 'n'.repeat(1000) } } });
      const { headers } = await parkedBy(
        republish('errors', 'e', { includeStackTrace: true, maxStackTraceBytes: 1_000_000 }),
        failure,
      );
      expect(tableBytes(headers)).to.be.within(atMost - 150, atMost);
      expect(headers['note']).to.be.a('string');
    }
  });

  it('lets the original be acknowledged only when the broker has confirmed', async () => {
    const publisher = new FakeSender();
    let confirm: () => void = () => {};
    publisher.answer = () =>
      new Promise<void>((resolve) => {
        confirm = resolve;
      });
    let answer: unknown;
    const recovery = Promise.resolve(republish('errors').recover(aFailure({ publisher }))).then((outcome) => {
      answer = outcome;
    });
    await Promise.resolve();
    expect(publisher.sent).to.have.lengthOf(1);
    expect(answer).to.equal(undefined);
    confirm();
    await recovery;
    expect(answer).to.equal('ack');
  });

  it('fails as the publish fails: nacked, returned, or lost [spring 44, 45]', async () => {
    const publisher = new FakeSender();
    const fault = new Error('NO_ROUTE');
    publisher.answer = () => Promise.reject(fault);
    const thrown = await Promise.resolve(republish('errors').recover(aFailure({ publisher }))).catch((error) => error);
    expect(thrown).to.equal(fault);
  });

  describe('declaring where messages are parked', () => {
    it('declares nothing unless asked to, and names its exchange', () => {
      const recoverer = republish('error.direct', 'error');
      expect(recoverer).to.have.property('exchange', 'error.direct');
      expect(recoverer).not.to.have.any.keys('topology', 'problems');
    });

    it('declares exchange, queue and binding, durable, the queue named after the exchange', () => {
      const { topology } = republish('error.direct', 'error', { declare: true });
      const always = { declare: 'always', durable: true, autoDelete: false, arguments: {} };
      expect(topology).to.deep.equal({
        exchanges: [{ ...always, name: 'error.direct', type: 'direct', internal: false }],
        queues: [{ ...always, name: 'error.queue', type: 'classic', exclusive: false, lazy: false }],
        bindings: [
          {
            ...{ source: 'error.direct', destination: 'error.queue', destinationType: 'queue' },
            ...{ routingKey: 'error', arguments: {} },
          },
        ],
        policies: [],
      });
      const named = (exchange: string, declare: boolean | string) =>
        republish(exchange, 'error', { declare }).topology?.queues[0]?.name;
      expect(named('failures', true)).to.equal('failures.queue');
      expect(named('error.direct', 'parked')).to.equal('parked');
    });

    it('refuses what it cannot declare at start', () => {
      const asked = { declare: true };
      for (const recoverer of [
        republish(() => 'errors', 'error', asked),
        republish('errors', () => 'error', asked),
        republish('errors', undefined, asked),
        republish('', 'error.queue', asked),
      ]) {
        expect(recoverer.problems?.[0]).to.contain('republish: declare needs an exchange and a routing key');
        expect(recoverer).not.to.have.property('topology');
      }
    });
  });
});

describe('the recoverers that publish nothing', () => {
  it('reject, or requeue [spring 28]', () => {
    expect(rejectAndDontRequeue().recover(aFailure())).to.equal('reject');
    expect(immediateRequeue().recover(aFailure())).to.equal('requeue');
  });
});
