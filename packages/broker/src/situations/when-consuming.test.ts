import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeSeen, type RawClient, table } from '../testing/raw-client.support.test.js';
import { eventually, expectLines, Situation } from '../testing/situation.support.test.js';

async function withMessages(situation: Situation, count: number, queue = 'q'): Promise<RawClient> {
  const client = await situation.client();
  client.send(1, 'queue.declare', { queue, durable: true });
  for (let i = 1; i <= count; i++) client.publish(1, '', queue, `m${i}`);
  await client.settle();
  return client;
}

/** Who got what, such as `a:m1 b:m2R`. */
async function deliveries(client: RawClient): Promise<string> {
  const seen = (await client.settle()).filter(({ name }) => name === 'basic.deliver');
  return seen
    .map(
      ({ method, body }) => `${method?.text('consumerTag')}:${body}${method?.flag('redelivered') === true ? 'R' : ''}`,
    )
    .join(' ');
}

describe('when consuming', () => {
  it('answers before the first delivery', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 2);
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    await expectLines(client, [
      '1 basic.consume-ok t',
      '1 basic.deliver t #1 exchange= key=q body=m1',
      '1 basic.deliver t #2 exchange= key=q body=m2',
    ]);
  });

  it('redelivers in order what a lost connection held', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 3);
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    await client.settle();
    client.destroy();
    await eventually(() => expect(situation.broker.queue('q')?.ready).to.equal(3));
    const other = await situation.client();
    other.send(1, 'basic.consume', { queue: 'q', consumerTag: 'o' });
    expect(await deliveries(other)).to.equal('o:m1R o:m2R o:m3R');
  });

  it('redelivers on recover, with new tags', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 2);
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    await client.settle();
    client.send(1, 'basic.recover', { requeue: true });
    await expectLines(client, [
      '1 basic.recover-ok',
      '1 basic.deliver t #3R exchange= key=q body=m1',
      '1 basic.deliver t #4R exchange= key=q body=m2',
    ]);
  });

  it('keeps to the prefetch limit of each consumer', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 6);
    client.send(1, 'basic.qos', { prefetchCount: 2 });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'a' });
    client.send(1, 'basic.qos', { prefetchCount: 3 });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'b' });
    expect(await deliveries(client)).to.equal('a:m1 a:m2 b:m3 b:m4 b:m5');
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    expect(await deliveries(client)).to.equal('a:m6');
  });

  it('shares a global limit in 3.10, which takes effect at once', async () => {
    await using situation = await Situation.start({ version: '3.10' });
    const client = await withMessages(situation, 9);
    client.send(1, 'basic.qos', { prefetchCount: 3, global: true });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'a' });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'b' });
    expect(await deliveries(client)).to.equal('a:m1 a:m2 a:m3');
    client.send(1, 'basic.qos', { prefetchCount: 5, global: true });
    expect(await deliveries(client)).to.equal('a:m4 b:m5');
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    expect(await deliveries(client)).to.equal('a:m6');
  });

  it('serves the queues of a channel in turn when they share a limit', async () => {
    await using situation = await Situation.start({ version: '4.0' });
    const client = await situation.client();
    client.send(1, 'basic.qos', { prefetchCount: 1, global: true });
    for (const queue of ['a', 'b', 'c']) {
      client.send(1, 'queue.declare', { queue });
      for (let i = 1; i <= 3; i++) client.publish(1, '', queue, `${queue}${i}`);
    }
    for (const queue of ['a', 'b', 'c']) client.send(1, 'basic.consume', { queue, consumerTag: queue });
    for (let tag = 1; tag <= 5; tag++) client.send(1, 'basic.ack', { deliveryTag: tag });
    expect(await deliveries(client)).to.equal('a:a1 b:b1 c:c1 a:a2 b:b2 c:c2');
  });

  it('keeps a consumer that acknowledges nothing waiting while the shared limit is reached', async () => {
    await using situation = await Situation.start({ version: '3.10' });
    const client = await withMessages(situation, 2);
    client.send(1, 'queue.declare', { queue: 'other' });
    client.publish(1, '', 'other', 'o1');
    client.publish(1, '', 'other', 'o2');
    client.send(1, 'basic.qos', { prefetchCount: 1, global: true });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'a' });
    client.send(1, 'basic.consume', { queue: 'other', consumerTag: 'n', noAck: true });
    expect(await deliveries(client)).to.equal('a:m1');
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    expect(await deliveries(client)).to.equal('n:o1 n:o2 a:m2');
  });

  it('takes a global limit for one of each consumer in 4.3', async () => {
    await using situation = await Situation.start({ version: '4.3' });
    const client = await withMessages(situation, 9);
    client.send(1, 'basic.qos', { prefetchCount: 3, global: true });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'a' });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'b' });
    expect(await deliveries(client)).to.equal('a:m1 a:m2 a:m3 b:m4 b:m5 b:m6');
    client.send(1, 'basic.qos', { prefetchCount: 5, global: true });
    expect(await deliveries(client)).to.equal('');
  });

  it('counts neither basic.get nor no-ack deliveries against the limit, but numbers them', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 4);
    client.send(1, 'basic.get', { queue: 'q' });
    client.send(1, 'basic.qos', { prefetchCount: 2 });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'a' });
    await expectLines(client, [
      '1 basic.get-ok #1 exchange= key=q body=m1 left=3',
      '1 basic.qos-ok',
      '1 basic.consume-ok a',
      '1 basic.deliver a #2 exchange= key=q body=m2',
      '1 basic.deliver a #3 exchange= key=q body=m3',
    ]);
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'n', noAck: true });
    await expectLines(client, ['1 basic.consume-ok n', '1 basic.deliver n #4 exchange= key=q body=m4']);
  });

  it('leaves unacknowledged messages with the channel after a cancel', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 2);
    client.send(1, 'basic.qos', { prefetchCount: 1 });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'a' });
    client.send(1, 'basic.cancel', { consumerTag: 'a' });
    await client.settle();
    expect([situation.broker.queue('q')?.ready, situation.broker.queue('q')?.unacked]).to.deep.equal([1, 1]);
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    await expectLines(client, []);
    expect(situation.broker.queue('q')?.unacked).to.equal(0);
  });

  it('tells consumers when their queue is deleted, after the answer', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 1);
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    await client.settle();
    client.send(1, 'queue.delete', { queue: 'q' });
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    await expectLines(client, ['1 queue.delete-ok messages=0', '1 basic.cancel t nowait=true']);
  });

  it('does not tell a client that would not understand', async () => {
    await using situation = await Situation.start();
    const client = await situation.client({ capabilities: [] });
    client.send(1, 'queue.declare', { queue: 'q' });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    await client.settle();
    client.send(1, 'queue.delete', { queue: 'q' });
    await expectLines(client, ['1 queue.delete-ok messages=0']);
  });

  it('closes the connection for a tag used twice on a channel', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 0);
    client.send(2, 'channel.open');
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'dup' });
    client.send(2, 'basic.consume', { queue: 'q', consumerTag: 'dup' });
    await client.settle();
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'dup' });
    expect(describeSeen(await client.next())).to.equal(
      "0 connection.close 530 NOT_ALLOWED - attempt to reuse consumer tag 'dup' (60,20)",
    );
  });

  it('makes up names for queues and consumers', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: '' });
    const { method } = await client.next('queue.declare-ok');
    expect(method?.text('queue')).to.match(/^amq\.gen-[\w-]{22}$/);
    client.send(1, 'queue.bind', { queue: '', exchange: 'amq.direct' });
    client.publish(1, 'amq.direct', method?.text('queue') ?? '', 'm');
    client.send(1, 'basic.consume', { queue: '' });
    const consumed = await client.next('basic.consume-ok');
    expect(consumed.method?.text('consumerTag')).to.match(/^amq\.ctag-[\w-]{22}$/);
    expect((await client.next('basic.deliver')).body?.toString()).to.equal('m');
  });

  it('refuses a priority that is no number', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 0);
    client.send(1, 'basic.consume', { queue: 'q', arguments: table({ 'x-priority': 'high' }) });
    await expectLines(client, [
      "1 channel.close 406 PRECONDITION_FAILED - invalid arg 'x-priority' for queue 'q' in vhost '/': \"expected integer, got longstr\" (60,20)",
    ]);
  });

  it('refuses shared prefetch on quorum queues, up to 4.0', async () => {
    await using situation = await Situation.start({ version: '4.0' });
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'qq', durable: true, arguments: table({ 'x-queue-type': 'quorum' }) });
    client.send(1, 'basic.qos', { prefetchCount: 3, global: true });
    client.send(1, 'basic.consume', { queue: 'qq' });
    expect((await client.next('connection.close')).method?.text('replyText')).to.equal(
      "NOT_IMPLEMENTED - queue 'qq' in vhost '/' does not support global qos",
    );
  });

  it('shows the counters of quorum queues as the version does', async () => {
    for (const [version, headers] of [
      ['3.10', '{"x-delivery-count":1}'],
      ['4.0', '{"x-delivery-count":1}'],
      ['4.3', '{"x-acquired-count":1}'],
    ] as const) {
      await using situation = await Situation.start({ version });
      const client = await situation.client();
      const queueArguments = table({ 'x-queue-type': 'quorum', 'x-delivery-limit': 5 });
      client.send(1, 'queue.declare', { queue: 'qq', durable: true, arguments: queueArguments });
      client.publish(1, '', 'qq', 'm');
      client.send(1, 'basic.consume', { queue: 'qq', consumerTag: 't' });
      await client.settle();
      client.send(1, 'basic.nack', { deliveryTag: 1, requeue: true });
      await expectLines(client, [`1 basic.deliver t #2R exchange= key=qq headers=${headers} body=m`]);
    }
  });

  it('stops sending to a slow reader, and to nobody else', async () => {
    await using situation = await Situation.start();
    const slow = await situation.client();
    slow.send(1, 'queue.declare', { queue: 'q' });
    await slow.settle();
    slow.send(1, 'basic.consume', { queue: 'q', consumerTag: 's', noAck: true });
    await slow.settle();
    slow.socket.pause();
    const publisher = await situation.client();
    const body = Buffer.alloc(100_000);
    for (let i = 0; i < 200; i++) publisher.publish(1, '', 'q', body);
    await publisher.settle();
    await eventually(() => expect(situation.broker.queue('q')?.ready).to.be.greaterThan(20));
    publisher.send(1, 'basic.consume', { queue: 'q', consumerTag: 'p', noAck: true });
    await publisher.settle();
    await eventually(() => expect(situation.broker.queue('q')?.ready).to.equal(0));
    slow.socket.resume();
  });
});

describe('when deliveries of several consumers are settled at once', () => {
  it('serves the consumers in the order of their tags', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 4);
    client.send(1, 'basic.qos', { prefetchCount: 1 });
    for (const consumerTag of ['z', 'a']) client.send(1, 'basic.consume', { queue: 'q', consumerTag });
    expect(await deliveries(client)).to.equal('z:m1 a:m2');
    client.send(1, 'basic.nack', { deliveryTag: 0, multiple: true, requeue: true });
    expect(await deliveries(client)).to.equal('a:m2R z:m1R');
  });

  it('does not mix up a deleted queue with its successor of the same name', async () => {
    await using situation = await Situation.start();
    const client = await withMessages(situation, 1);
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'old' });
    client.send(1, 'queue.delete', { queue: 'q' });
    client.send(1, 'queue.declare', { queue: 'q' });
    client.publish(1, '', 'q', 'new');
    client.send(1, 'basic.get', { queue: 'q' });
    await client.settle();
    client.send(1, 'basic.recover', { requeue: true });
    await expectLines(client, ['1 basic.recover-ok']);
    expect(situation.broker.queue('q')?.messages.map(({ text }) => text)).to.deep.equal(['new']);
  });
});
