import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { RawClient } from '../testing/raw-client.support.test.js';
import { describeSeen, table } from '../testing/raw-client.support.test.js';
import { expectLines, Situation, VERSIONS } from '../testing/situation.support.test.js';
import type { FieldTable } from '../wire/field-table.js';

async function confirming(situation: Situation, queueArguments: Record<string, unknown> = {}): Promise<RawClient> {
  const client = await situation.client();
  client.send(1, 'queue.declare', { queue: 'q', durable: true, arguments: table(queueArguments) });
  client.send(1, 'confirm.select');
  await client.settle();
  return client;
}

describe('when publishing', () => {
  it('confirms a burst at once', async () => {
    await using situation = await Situation.start();
    const client = await confirming(situation);
    client.socket.cork();
    for (let i = 0; i < 20; i++) client.publish(1, '', 'q', `m${i}`);
    client.socket.uncork();
    await expectLines(client, ['1 basic.ack #20 multiple']);
  });

  it('returns an unroutable mandatory message before it confirms it', async () => {
    await using situation = await Situation.start();
    const client = await confirming(situation);
    client.publish(1, '', 'nowhere', 'u', {}, { mandatory: true });
    client.publish(1, '', 'nowhere', 'silent');
    await expectLines(client, ['1 basic.return 312 NO_ROUTE exchange= key=nowhere body=u', '1 basic.ack #2 multiple']);
  });

  it('returns it without confirms too, although nothing else is to be said', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.publish(1, '', 'nowhere', 'u', {}, { mandatory: true });
    // Not settled: the answer to that would carry the return along.
    expect(describeSeen(await client.next())).to.equal('1 basic.return 312 NO_ROUTE exchange= key=nowhere body=u');
  });

  it('nacks what a full queue refuses, although another queue has it', async () => {
    await using situation = await Situation.start();
    const client = await confirming(situation, { 'x-max-length': 1, 'x-overflow': 'reject-publish' });
    client.send(1, 'queue.declare', { queue: 'free' });
    for (const queue of ['q', 'free']) client.send(1, 'queue.bind', { queue, exchange: 'amq.fanout' });
    await client.settle();
    client.publish(1, 'amq.fanout', '', 'first');
    client.publish(1, 'amq.fanout', '', 'second', {}, { mandatory: true });
    await expectLines(client, ['1 basic.ack #1', '1 basic.nack #2 multiple']);
    expect(situation.broker.queue('free')?.ready).to.equal(2);
  });

  it('keeps what it was sent, byte by byte, and splits what is large', async () => {
    await using situation = await Situation.start({ version: '3.10' });
    const client = await confirming(situation);
    const headers: FieldTable = [
      ['z', { tag: 'b', value: 1 }],
      ['a', { tag: 'D', value: { scale: 2, digits: 7 } }],
      ['t', { tag: 'T', value: 1n }],
      ['n', { tag: 'V', value: null }],
    ];
    client.publish(1, '', 'q', 'x'.repeat(300_000), { headers, delivery_mode: 1, priority: 200, timestamp: 5n });
    client.send(1, 'basic.get', { queue: 'q', noAck: true });
    const got = await client.next('basic.get-ok');
    expect(got.properties).to.deep.equal({ headers, delivery_mode: 1, priority: 200, timestamp: 5n });
    expect(got.bodyFrames).to.deep.equal([131_064, 131_064, 37_872]);
  });

  it('delivers headers sorted from 4.0 on', async () => {
    for (const version of VERSIONS) {
      await using situation = await Situation.start({ version });
      const client = await confirming(situation);
      client.publish(1, '', 'q', 'm', { headers: table({ b: 1, a: 2 }) });
      client.send(1, 'basic.get', { queue: 'q' });
      const got = await client.next('basic.get-ok');
      const headers = (got.properties?.headers ?? []) as FieldTable;
      const keys = headers.map(([key]) => key);
      expect(keys).to.deep.equal(version === '3.10' ? ['b', 'a'] : ['a', 'b']);
    }
  });

  for (const [properties, text] of [
    [{ expiration: 'abc' }, "invalid expiration 'abc': no_integer"],
    [{ expiration: '' }, "invalid expiration '': no_integer"],
    [{ expiration: '-1' }, "invalid expiration '-1': {value_negative,-1}"],
    [{ expiration: '315360000001' }, "invalid expiration '315360000001': {value_too_large,315360000001}"],
    [{ expiration: '1.5' }, 'invalid expiration \'1.5\': {leftover_string,".5"}'],
    [{ user_id: 'bob' }, "user_id property set to 'bob' but authenticated user was 'guest'"],
    [{ headers: table({ CC: 'x' }) }, 'invalid message: {unacceptable_type_in_header,"CC",longstr}'],
    [{ reply_to: 'amq.rabbitmq.reply-to' }, 'fast reply consumer does not exist'],
  ] as const) {
    it(`refuses a message: ${text}`, async () => {
      await using situation = await Situation.start();
      const client = await situation.client();
      client.publish(1, '', 'q', 'm', properties);
      await expectLines(client, [`1 channel.close 406 PRECONDITION_FAILED - ${text} (60,40)`]);
    });
  }

  it('refuses a message that is too large, once it is there', async () => {
    await using situation = await Situation.start({ maxMessageBytes: 1000 });
    const client = await situation.client();
    client.publish(1, '', 'q', 'x'.repeat(2000));
    await expectLines(client, [
      '1 channel.close 406 PRECONDITION_FAILED - message size 2000 is larger than configured max size 1000 (60,40)',
    ]);
  });

  it('refuses a missing or internal exchange, and what is immediate', async () => {
    await using situation = await Situation.start();
    const missing = await situation.client();
    missing.publish(1, 'nope', 'k', 'm');
    await expectLines(missing, ["1 channel.close 404 NOT_FOUND - no exchange 'nope' in vhost '/' (60,40)"]);
    const internal = await situation.client();
    internal.publish(1, 'amq.rabbitmq.trace', 'k', 'm');
    await expectLines(internal, [
      "1 channel.close 403 ACCESS_REFUSED - cannot publish to internal exchange 'amq.rabbitmq.trace' in vhost '/' (60,40)",
    ]);
    const immediate = await situation.client();
    immediate.publish(1, '', 'k', 'm', {}, { immediate: true });
    expect((await immediate.next()).method?.text('replyText')).to.equal('NOT_IMPLEMENTED - immediate=true');
  });

  it('sends copies along CC and BCC under the original key, without BCC', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    for (const queue of ['a', 'b', 'c']) client.send(1, 'queue.declare', { queue });
    client.publish(1, '', 'a', 'm', { headers: table({ CC: ['b'], BCC: ['c'] }) });
    await client.settle();
    for (const queue of ['a', 'b', 'c']) {
      const [message] = situation.broker.queue(queue)?.messages ?? [];
      expect([message?.routingKey, message?.headers]).to.deep.equal(['a', { CC: ['b'] }]);
    }
  });

  it('routes between exchanges once, through cycles and alternate exchanges', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'exchange.declare', {
      exchange: 'x',
      type: 'direct',
      arguments: table({ 'alternate-exchange': 'ae' }),
    });
    client.send(1, 'exchange.declare', { exchange: 'y', type: 'topic' });
    client.send(1, 'exchange.declare', { exchange: 'ae', type: 'fanout' });
    client.send(1, 'queue.declare', { queue: 'q' });
    client.send(1, 'exchange.bind', { source: 'x', destination: 'y', routingKey: 'a.b' });
    client.send(1, 'exchange.bind', { source: 'y', destination: 'x', routingKey: '#' });
    for (const routingKey of ['#', 'a.*']) client.send(1, 'queue.bind', { queue: 'q', exchange: 'y', routingKey });
    client.publish(1, 'x', 'a.b', 'm');
    client.publish(1, 'x', 'other', 'lost', {}, { mandatory: true });
    const lines = await client.lines();
    expect(lines.at(-1)).to.equal('1 basic.return 312 NO_ROUTE exchange=x key=other body=lost');
    const messages = situation.broker
      .queue('q')
      ?.messages.map(({ text, exchange, routingKey }) => [text, exchange, routingKey]);
    expect(messages).to.deep.equal([['m', 'x', 'a.b']]);
    client.send(1, 'queue.bind', { queue: 'q', exchange: 'ae' });
    client.publish(1, 'x', 'other', 'saved', {}, { mandatory: true });
    await expectLines(client, ['1 queue.bind-ok']);
    expect(situation.broker.queue('q')?.messages.at(-1)?.text).to.equal('saved');
  });

  it('holds everything back in a transaction until the commit', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'q' });
    client.send(1, 'tx.select');
    client.publish(1, '', 'q', 'm1');
    client.publish(1, '', 'nowhere', 'm2', {}, { mandatory: true });
    await expectLines(client, ['1 queue.declare-ok q messages=0 consumers=0', '1 tx.select-ok']);
    expect(situation.broker.queue('q')?.ready).to.equal(0);
    client.send(1, 'tx.commit');
    await expectLines(client, ['1 basic.return 312 NO_ROUTE exchange= key=nowhere body=m2', '1 tx.commit-ok']);
    client.send(1, 'basic.get', { queue: 'q' });
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    client.publish(1, '', 'q', 'forgotten');
    client.send(1, 'tx.rollback');
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    client.send(1, 'tx.commit');
    await expectLines(client, [
      '1 basic.get-ok #1 exchange= key=q body=m1 left=0',
      '1 tx.rollback-ok',
      '1 tx.commit-ok',
    ]);
    expect([situation.broker.queue('q')?.ready, situation.broker.queue('q')?.unacked]).to.deep.equal([0, 0]);
  });

  it('sends what a transaction publishes to the queues that were bound when it was published', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    for (const queue of ['early', 'late']) client.send(1, 'queue.declare', { queue });
    client.send(1, 'queue.bind', { queue: 'early', exchange: 'amq.fanout' });
    client.send(1, 'tx.select');
    client.publish(1, 'amq.fanout', '', 'm', {}, { mandatory: true });
    client.publish(1, '', 'deleted', 'n', {}, { mandatory: true });
    client.send(1, 'queue.unbind', { queue: 'early', exchange: 'amq.fanout' });
    client.send(1, 'queue.bind', { queue: 'late', exchange: 'amq.fanout' });
    await client.settle();
    client.send(1, 'tx.commit');
    await expectLines(client, ['1 basic.return 312 NO_ROUTE exchange= key=deleted body=n', '1 tx.commit-ok']);
    expect([situation.broker.queue('early')?.ready, situation.broker.queue('late')?.ready]).to.deep.equal([1, 0]);
  });

  it('returns from a transaction what was routed to a queue that is gone', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'q' });
    client.send(1, 'tx.select');
    client.publish(1, '', 'q', 'm', {}, { mandatory: true });
    client.send(1, 'queue.delete', { queue: 'q' });
    await client.settle();
    client.send(1, 'tx.commit');
    await expectLines(client, ['1 basic.return 312 NO_ROUTE exchange= key=q body=m', '1 tx.commit-ok']);
  });

  it('fails the commit of a transaction when a queue refuses a message', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    const full = table({ 'x-max-length': 1, 'x-overflow': 'reject-publish' });
    client.send(1, 'queue.declare', { queue: 'q', arguments: full });
    client.send(1, 'tx.select');
    for (const body of ['fits', 'does not']) client.publish(1, '', 'q', body);
    client.send(1, 'tx.commit');
    await expectLines(client, [
      '1 queue.declare-ok q messages=0 consumers=0',
      '1 tx.select-ok',
      '1 channel.close 406 PRECONDITION_FAILED - partial tx completion (90,20)',
    ]);
    expect(situation.broker.queue('q')?.messages.map(({ text }) => text)).to.deep.equal(['fits']);
  });

  it('does not switch between confirms and transactions', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'confirm.select');
    client.send(1, 'confirm.select');
    client.send(1, 'tx.select');
    await expectLines(client, [
      '1 confirm.select-ok',
      '1 confirm.select-ok',
      '1 channel.close 406 PRECONDITION_FAILED - cannot switch from confirm to tx mode (90,10)',
    ]);
  });
});
