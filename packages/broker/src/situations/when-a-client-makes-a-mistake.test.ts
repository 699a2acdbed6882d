import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeSeen, table } from '../testing/raw-client.support.test.js';
import { expectLines, Situation, VERSIONS } from '../testing/situation.support.test.js';
import type { MethodName, MethodValue } from '../wire/methods.js';

type Mistake = readonly [MethodName, Readonly<Record<string, MethodValue>>, string];

const CLOSES_THE_CHANNEL: readonly Mistake[] = [
  ['queue.declare', { queue: 'zz', passive: true }, "404 NOT_FOUND - no queue 'zz' in vhost '/' (50,10)"],
  ['queue.declare', { queue: '', passive: true }, "404 NOT_FOUND - no queue '' in vhost '/' (50,10)"],
  [
    'queue.declare',
    { queue: 'amq.x' },
    "403 ACCESS_REFUSED - queue name 'amq.x' contains reserved prefix 'amq.*' (50,10)",
  ],
  ['queue.bind', { queue: 'zz', exchange: 'amq.direct' }, "404 NOT_FOUND - no queue 'zz' in vhost '/' (50,20)"],
  ['queue.bind', { queue: 'q', exchange: 'zz' }, "404 NOT_FOUND - no exchange 'zz' in vhost '/' (50,20)"],
  [
    'queue.bind',
    { queue: 'q', exchange: '' },
    '403 ACCESS_REFUSED - operation not permitted on the default exchange (50,20)',
  ],
  ['queue.purge', { queue: 'zz' }, "404 NOT_FOUND - no queue 'zz' in vhost '/' (50,30)"],
  ['basic.get', { queue: '' }, '404 NOT_FOUND - no previously declared queue (60,70)'],
  ['basic.consume', { queue: 'zz' }, "404 NOT_FOUND - no queue 'zz' in vhost '/' (60,20)"],
  ['basic.ack', { deliveryTag: 5 }, '406 PRECONDITION_FAILED - unknown delivery tag 5 (60,80)'],
  ['basic.ack', { deliveryTag: 5, multiple: true }, '406 PRECONDITION_FAILED - unknown delivery tag 5 (60,80)'],
  ['basic.ack', { deliveryTag: 0 }, '406 PRECONDITION_FAILED - unknown delivery tag 0 (60,80)'],
  ['basic.nack', { deliveryTag: 7 }, '406 PRECONDITION_FAILED - unknown delivery tag 7 (60,120)'],
  ['basic.reject', { deliveryTag: 7 }, '406 PRECONDITION_FAILED - unknown delivery tag 7 (60,90)'],
  ['tx.commit', {}, '406 PRECONDITION_FAILED - channel is not transactional (90,20)'],
  [
    'exchange.declare',
    { exchange: 'amq.direct', type: 'direct' },
    "406 PRECONDITION_FAILED - inequivalent arg 'durable' for exchange 'amq.direct' in vhost '/': received 'false' but current is 'true' (40,10)",
  ],
  [
    'exchange.declare',
    { exchange: 'amq.zzz', type: 'direct' },
    "403 ACCESS_REFUSED - exchange name 'amq.zzz' contains reserved prefix 'amq.*' (40,10)",
  ],
  ['exchange.declare', { exchange: 'zzz', passive: true }, "404 NOT_FOUND - no exchange 'zzz' in vhost '/' (40,10)"],
  [
    'exchange.delete',
    { exchange: 'amq.direct' },
    "403 ACCESS_REFUSED - deletion of system exchange 'amq.direct' in vhost '/' not allowed (40,20)",
  ],
  [
    'exchange.bind',
    { source: 'amq.direct', destination: 'zz' },
    "404 NOT_FOUND - no exchange 'zz' in vhost '/' (40,30)",
  ],
  [
    'queue.declare',
    { queue: 'q', durable: false },
    "406 PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true' (50,10)",
  ],
  [
    'queue.declare',
    { queue: 'q', durable: true, arguments: table({ 'x-message-ttl': 2000 }) },
    "406 PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received '2000' but current is '1000' (50,10)",
  ],
  [
    'queue.declare',
    { queue: 'q', durable: true },
    "406 PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received none but current is the value '1000' of type 'signedint' (50,10)",
  ],
];

const CLOSES_THE_CONNECTION: readonly Mistake[] = [
  ['basic.qos', { prefetchSize: 100 }, '540 NOT_IMPLEMENTED - prefetch_size!=0 (100) (60,10)'],
  ['basic.recover', { requeue: false }, '540 NOT_IMPLEMENTED - requeue=false (60,110)'],
  ['channel.flow', { active: false }, '540 NOT_IMPLEMENTED - active=false (20,20)'],
  ['channel.open', {}, "504 CHANNEL_ERROR - second 'channel.open' seen (20,10)"],
  ['basic.consume-ok', {}, '503 COMMAND_INVALID - unimplemented method (60,21)'],
];

/** Arguments of a new queue, with the refusal (after `invalid arg … in vhost '/': `) or ok. */
const ARGUMENTS: readonly (readonly [name: string, value: unknown, refusal: string])[] = [
  ['x-message-ttl', -1, '{value_negative,-1}'],
  ['x-message-ttl', 'abc', '"expected integer, got longstr"'],
  ['x-message-ttl', 1.5, '"expected integer, got double"'],
  ['x-message-ttl', 0, 'ok'],
  ['x-expires', 0, '{value_zero,0}'],
  ['x-expires', -5, '{value_negative,-5}'],
  ['x-expires', 315_360_000_001, '{value_too_large,315360000001}'],
  ['x-message-ttl', 315_360_000_001, '{value_too_large,315360000001}'],
  ['x-max-length', -1, '{value_negative,-1}'],
  ['x-max-priority', 256, '{max_value_exceeded,256}'],
  ['x-max-priority', 255, 'ok'],
  ['x-overflow', 'foo', 'invalid_overflow'],
  ['x-dead-letter-routing-key', 'k', 'routing_key_but_no_dlx_defined'],
  ['x-single-active-consumer', 'yes', '{unacceptable_type,longstr}'],
  ['x-queue-type', 'foo', '"unsupported queue type \'foo\'"'],
  ['x-whatever', 'ok', 'ok'],
];

describe('when a client makes a mistake', () => {
  for (const [name, values, reply] of CLOSES_THE_CHANNEL) {
    it(`closes the channel: ${name} ${reply}`, async () => {
      await using situation = await Situation.start();
      const other = await situation.client();
      other.send(1, 'queue.declare', { queue: 'q', durable: true, arguments: table({ 'x-message-ttl': 1000 }) });
      await other.settle();
      const client = await situation.client();
      client.send(1, name, values);
      await expectLines(client, [`1 channel.close ${reply}`]);
      client.send(1, 'queue.declare', { queue: 'ignored until the close is agreed' });
      client.send(1, 'channel.close-ok');
      client.send(1, 'channel.open');
      await expectLines(client, ['1 channel.open-ok']);
    });
  }

  for (const [name, values, reply] of CLOSES_THE_CONNECTION) {
    it(`closes the connection: ${name} ${reply}`, async () => {
      await using situation = await Situation.start();
      const client = await situation.client();
      client.send(1, name, values);
      expect(describeSeen(await client.next())).to.equal(`0 connection.close ${reply}`);
      client.send(0, 'connection.close-ok');
      await client.next('socket closed');
    });
  }

  for (const [name, value, refusal] of ARGUMENTS) {
    it(`answers ${name}=${JSON.stringify(value)} with ${refusal}`, async () => {
      await using situation = await Situation.start();
      const client = await situation.client();
      client.send(1, 'queue.declare', { queue: 'a', arguments: table({ [name]: value }) });
      const text = `1 channel.close 406 PRECONDITION_FAILED - invalid arg '${name}' for queue 'a' in vhost '/': ${refusal} (50,10)`;
      await expectLines(client, [refusal === 'ok' ? '1 queue.declare-ok a messages=0 consumers=0' : text]);
    });
  }

  it('takes deleting and unbinding of what is not there for no mistake', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'queue.delete', { queue: 'zz' });
    client.send(1, 'exchange.delete', { exchange: 'zz' });
    client.send(1, 'queue.unbind', { queue: 'zz', exchange: 'zz' });
    client.send(1, 'exchange.unbind', { source: 'zz', destination: 'zz' });
    client.send(1, 'basic.cancel', { consumerTag: 'zz' });
    client.send(1, 'basic.ack', { deliveryTag: 0, multiple: true });
    await expectLines(client, [
      '1 queue.delete-ok messages=0',
      '1 exchange.delete-ok',
      '1 queue.unbind-ok',
      '1 exchange.unbind-ok',
      '1 basic.cancel-ok zz',
    ]);
  });

  it('locks an exclusive queue against other connections, but not against publishing', async () => {
    await using situation = await Situation.start();
    const owner = await situation.client();
    owner.send(1, 'queue.declare', { queue: 'mine', exclusive: true });
    await owner.settle();
    for (const [name, ids] of [
      ['queue.declare', '50,10'],
      ['basic.get', '60,70'],
      ['basic.consume', '60,20'],
      ['queue.delete', '50,40'],
      ['queue.purge', '50,30'],
    ] as const) {
      const other = await situation.client();
      other.send(1, name, { queue: 'mine', passive: true });
      const text =
        "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally " +
        'declared on another connection or the exclusive property value does not match that of the original declaration.';
      await expectLines(other, [`1 channel.close 405 ${text} (${ids})`]);
    }
    const publisher = await situation.client();
    publisher.publish(1, '', 'mine', 'm');
    await publisher.settle();
    expect(situation.broker.queue('mine')?.ready).to.equal(1);
    owner.send(0, 'connection.close');
    await owner.next('connection.close-ok');
    expect(situation.broker.queue('mine')).to.equal(undefined);
  });

  it('refuses what quorum queues cannot be', async () => {
    await using situation = await Situation.start();
    for (const [flags, extra, text] of [
      [{ durable: false }, {}, "invalid property 'non-durable' for queue 'a' in vhost '/'"],
      [{ exclusive: true }, {}, "invalid property 'exclusive-owner' for queue 'a' in vhost '/'"],
      [{ autoDelete: true }, {}, "invalid property 'auto-delete' for queue 'a' in vhost '/'"],
      [{ queue: '' }, {}, 'Cannot declare a server-named queue for type rabbit_quorum_queue'],
      [
        {},
        { 'x-max-priority': 3 },
        "invalid arg 'x-max-priority' for queue 'a' in vhost '/' of queue type rabbit_quorum_queue",
      ],
    ] as const) {
      const client = await situation.client();
      const queueArguments = table({ 'x-queue-type': 'quorum', ...extra });
      client.send(1, 'queue.declare', { queue: 'a', durable: true, ...flags, arguments: queueArguments });
      await expectLines(client, [`1 channel.close 406 PRECONDITION_FAILED - ${text} (50,10)`]);
    }
  });

  for (const version of VERSIONS) {
    it(`answers an unknown exchange type as ${version} does`, async () => {
      await using situation = await Situation.start({ version });
      const client = await situation.client();
      client.send(1, 'exchange.declare', { exchange: 'x', type: 'foo' });
      expect(describeSeen(await client.next())).to.equal(
        version === '3.10'
          ? "0 connection.close 503 COMMAND_INVALID - invalid exchange type 'foo' (40,10)"
          : "1 channel.close 406 PRECONDITION_FAILED - invalid exchange type 'foo' (40,10)",
      );
    });
  }

  it('gives up the master locator in 4.3, in 255 bytes', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'a', arguments: table({ 'x-queue-master-locator': 'client-local' }) });
    const { method } = await client.next('connection.close');
    expect(method?.number('replyCode')).to.equal(541);
    expect(method?.text('replyText')).to.match(
      /^INTERNAL_ERROR - Feature `queue_master_locator` is deprecated\.\n.*To con\.\.\.$/s,
    );
    expect(method?.text('replyText')).to.have.length(255);
  });

  it('refuses frames out of order', async () => {
    await using situation = await Situation.start({ version: '3.10' });
    const header = Buffer.alloc(14);
    header.writeUInt16BE(60);
    header.writeUInt32BE(5, 8);
    for (const [send, text] of [
      [['header'], '505 UNEXPECTED_FRAME - expected method frame, got non method frame instead (0,0)'],
      [
        ['publish', 'declare'],
        '505 UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead (60,40)',
      ],
      [
        ['publish', 'header', 'declare'],
        '505 UNEXPECTED_FRAME - expected content body, got non content body frame instead (60,40)',
      ],
    ] as const) {
      const client = await situation.client();
      for (const step of send) {
        if (step === 'header') client.frame(2, 1, header);
        else if (step === 'publish') client.send(1, 'basic.publish', { routingKey: 'q' });
        else client.send(1, 'queue.declare', { queue: '' });
      }
      expect(describeSeen(await client.next())).to.equal(`0 connection.close ${text}`);
    }
  });

  it('says what is wrong with a frame', async () => {
    await using situation = await Situation.start();
    for (const [type, channel, payload, end, text] of [
      [
        1,
        1,
        [0, 60, 0, 10, 0],
        0,
        '501 FRAME_ERROR - type 1, all octets = <<0,60,0,10,0>>: {invalid_frame_end_marker,0} (0,0)',
      ],
      [5, 0, [0, 90, 0, 10], 0xce, '501 FRAME_ERROR - type 5, all octets = <<0,90,0,10>>: unknown_frame (0,0)'],
      [8, 0, [0x68, 0x22], 0xce, String.raw`501 FRAME_ERROR - type 8, all octets = <<"h\"">>: unknown_frame (0,0)`],
      [2, 1, [0, 60, 0, 0], 0xce, '501 FRAME_ERROR - type 2, all octets = <<0,60,0,0>>: unknown_frame (0,0)'],
      [1, 1, [0, 60], 0xce, '501 FRAME_ERROR - type 1, all octets = <<0,60>>: unknown_frame (0,0)'],
      [1, 1, [0, 50, 0, 10, 0], 0xce, '501 FRAME_ERROR - cannot decode <<0>> (50,10)'],
      [1, 1, [0, 20, 0, 20, 1, 1, 1, 1], 0xce, '501 FRAME_ERROR - cannot decode <<1,1,1,1>> (20,20)'],
      [1, 7, [0, 60, 0, 10, 0, 0, 0, 0, 0, 0, 0], 0xce, "504 CHANNEL_ERROR - expected 'channel.open' (60,10)"],
    ] as const) {
      const client = await situation.client();
      client.frame(type, channel, Buffer.from(payload), end);
      expect(describeSeen(await client.next())).to.equal(`0 connection.close ${text}`);
    }
  });

  it('reads no text but UTF-8, except where messages are published', async () => {
    await using situation = await Situation.start();
    for (const [channel, name, values, ids] of [
      [1, 'queue.declare', { queue: 'q\xff' }, '0,0'],
      [1, 'queue.bind', { queue: 'q', exchange: 'amq.direct', routingKey: '\xc0\x80' }, '0,0'],
      [1, 'basic.consume', { queue: 'q', consumerTag: '\xe2\x82' }, '0,0'],
      [0, 'connection.update-secret', { newSecret: 'x', reason: '\xff' }, '10,70'],
    ] as const) {
      const client = await situation.client();
      client.send(channel, name, values);
      const text = `501 FRAME_ERROR - Malformed UTF-8 in shortstr (${ids})`;
      expect(describeSeen(await client.next())).to.equal(`0 connection.close ${text}`);
    }
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: Buffer.from('\u043a\u20ac').toString('latin1') });
    expect((await client.next()).name).to.equal('queue.declare-ok');
    client.publish(1, '', 'q\xff', 'm', { message_id: '\xff' }, { mandatory: true });
    expect(Buffer.from((await client.next('basic.return')).method?.text('routingKey') ?? '', 'latin1')).to.deep.equal(
      Buffer.from('q\xff', 'latin1'),
    );
  });

  it('refuses a content header with a weight, and properties that it cannot read to the end', async () => {
    await using situation = await Situation.start();
    const unexpected = 'expected content header for class 60, got non content header frame instead';
    for (const [change, text] of [
      [{ weight: 1 }, `505 UNEXPECTED_FRAME - ${unexpected} (60,40)`],
      [{ extra: 1 }, '541 INTERNAL_ERROR (0,0)'],
      [{ extra: -1 }, '541 INTERNAL_ERROR (0,0)'],
    ] as const) {
      const { weight, extra } = { weight: 0, extra: 0, ...change };
      const header = Buffer.alloc(15);
      header.writeUInt16BE(60);
      header.writeUInt16BE(weight, 2);
      const client = await situation.client();
      client.send(1, 'basic.publish', { routingKey: 'q' });
      client.frame(2, 1, header.subarray(0, 14 + extra));
      expect(describeSeen(await client.next())).to.equal(`0 connection.close ${text}`);
    }
  });

  it('lets nobody declare a queue that the broker named, but passively', async () => {
    await using situation = await Situation.start();
    for (const passive of [true, false]) {
      const client = await situation.client();
      client.send(1, 'queue.declare', { exclusive: true });
      const queue = (await client.next('queue.declare-ok')).method?.text('queue') ?? '';
      client.send(1, 'queue.declare', { queue, exclusive: true, passive });
      const text = `403 ACCESS_REFUSED - queue name '${queue}' contains reserved prefix 'amq.*' (50,10)`;
      await expectLines(client, [
        passive ? `1 queue.declare-ok ${queue} messages=0 consumers=0` : `1 channel.close ${text}`,
      ]);
    }
  });

  it('drops a client that sends an unknown method, and refuses a heartbeat on a channel', async () => {
    await using situation = await Situation.start();
    const unknown = await situation.client();
    unknown.frame(1, 1, Buffer.from([0, 99, 0, 99]));
    await unknown.next('socket closed');
    const heart = await situation.client();
    heart.frame(8, 1, Buffer.alloc(0));
    expect(describeSeen(await heart.next())).to.equal(
      '0 connection.close 505 UNEXPECTED_FRAME - type 8, all octets = <<>> (0,0)',
    );
  });
});
