import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeSeen, type RawClient, type RawClientOptions, table } from '../testing/raw-client.support.test.js';
import { eventually, expectLines, Situation } from '../testing/situation.support.test.js';

/** A client that holds the only message of `qq` for longer than the 2 s it may. */
async function lateClient(
  situation: Situation,
  options: RawClientOptions = {},
  told = 'basic.cancel t',
): Promise<RawClient> {
  const client = await situation.client(options);
  const args = table({ 'x-queue-type': 'quorum', 'x-consumer-timeout': 2_000 });
  client.send(1, 'queue.declare', { queue: 'qq', durable: true, arguments: args });
  client.publish(1, '', 'qq', 'm');
  client.send(1, 'basic.consume', { queue: 'qq', consumerTag: 't' });
  await client.settle();
  situation.broker.clock.advance('2s');
  expect((await client.lines()).join()).to.contain(told);
  expect(situation.broker.queue('qq')).to.include({ ready: 1, unacked: 0 });
  return client;
}

function deliveredAgain(tag: number, acquired: number): string {
  return `1 basic.deliver t #${tag}R exchange= key=qq headers={"x-acquired-count":${acquired}} body=m`;
}

describe('when a delivery is not acknowledged in time', () => {
  it('closes the channel up to 4.0', async () => {
    await using situation = await Situation.start({ version: '3.10', consumerTimeout: '3s' });
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'q' });
    client.publish(1, '', 'q', 'm');
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    await client.settle();
    situation.broker.clock.advance('2s');
    await expectLines(client, []);
    situation.broker.clock.advance('1s');
    await expectLines(client, [
      '1 channel.close 406 PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: ' +
        '3000 ms. This timeout value can be configured, see consumers doc guide to learn more (0,0)',
    ]);
    expect(situation.broker.queue('q')?.ready).to.equal(1);
  });

  it('cancels the consumer of a quorum queue in 4.3, and leaves classic queues alone', async () => {
    await using situation = await Situation.start({ version: '4.3', consumerTimeout: '3s' });
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'qq', durable: true, arguments: table({ 'x-queue-type': 'quorum' }) });
    client.send(1, 'queue.declare', { queue: 'q' });
    for (const queue of ['q', 'qq']) {
      client.publish(1, '', queue, 'm');
      client.send(1, 'basic.consume', { queue, consumerTag: queue });
    }
    await client.settle();
    situation.broker.clock.advance('1h');
    await expectLines(client, ['1 basic.cancel qq nowait=true']);
    expect([situation.broker.queue('qq')?.ready, situation.broker.queue('q')?.unacked]).to.deep.equal([1, 1]);
  });

  for (const [settlement, comesBack] of [
    ['basic.ack', true],
    ['basic.reject', true],
    ['basic.nack', false],
  ] as const) {
    it(`${comesBack ? 'goes on' : 'does not go on'} delivering to who settles late by ${settlement} (4.3)`, async () => {
      await using situation = await Situation.start({ version: '4.3' });
      const client = await lateClient(situation);
      client.send(1, settlement, { deliveryTag: 1, requeue: settlement === 'basic.nack' });
      await expectLines(client, comesBack ? [deliveredAgain(2, 1)] : []);
      expect(situation.broker.queue('qq')?.consumers).to.equal(1);
    });
  }

  it('sends basic.cancel a second time for the same tag when it happens again (4.3)', async () => {
    await using situation = await Situation.start({ version: '4.3' });
    const client = await lateClient(situation);
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    await client.settle();
    situation.broker.clock.advance('2s');
    await expectLines(client, ['1 basic.cancel t nowait=true']);
  });

  it('leaves a consumer that was cancelled by the client in peace (4.3)', async () => {
    await using situation = await Situation.start({ version: '4.3' });
    const client = await lateClient(situation);
    client.send(1, 'basic.cancel', { consumerTag: 't' });
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    await expectLines(client, ['1 basic.cancel-ok t']);
    expect(situation.broker.queue('qq')).to.include({ ready: 1, unacked: 0, consumers: 0 });
  });

  it('closes the channel when the client has cancelled the consumer before (4.3)', async () => {
    await using situation = await Situation.start({ version: '4.3' });
    const client = await situation.client();
    const args = table({ 'x-queue-type': 'quorum', 'x-consumer-timeout': 2_000 });
    client.send(1, 'queue.declare', { queue: 'qq', durable: true, arguments: args });
    client.publish(1, '', 'qq', 'm');
    client.send(1, 'basic.consume', { queue: 'qq', consumerTag: 't' });
    await client.settle();
    client.send(1, 'basic.cancel', { consumerTag: 't' });
    await client.settle();
    situation.broker.clock.advance('2s');
    expect((await client.lines()).join()).to.match(/^1 channel.close 406 .* timed out\. Timeout value used: -1 ms/);
    expect(situation.broker.queue('qq')).to.include({ ready: 1, unacked: 0 });
  });

  it('keeps the tag in use until the client cancels it (4.3)', async () => {
    await using situation = await Situation.start({ version: '4.3' });
    const client = await lateClient(situation);
    client.send(1, 'basic.consume', { queue: 'qq', consumerTag: 't' });
    expect(describeSeen(await client.next())).to.equal(
      "0 connection.close 530 NOT_ALLOWED - attempt to reuse consumer tag 't' (60,20)",
    );
  });

  it('hands the message to another consumer, and gives nothing back twice when the channel goes (4.3)', async () => {
    await using situation = await Situation.start({ version: '4.3' });
    const other = await situation.client();
    const client = await lateClient(situation);
    other.send(1, 'basic.consume', { queue: 'qq', consumerTag: 'other' });
    await other.settle();
    client.send(1, 'channel.close');
    await client.settle();
    expect(situation.broker.queue('qq')).to.include({ ready: 0, unacked: 1, consumers: 1 });
  });

  it('closes the channel of who would not understand basic.cancel (4.3)', async () => {
    await using situation = await Situation.start({ version: '4.3' });
    const client = await lateClient(situation, { capabilities: [] }, '406');
    expect(client.seen).to.deep.equal([]);
  });

  it('goes by the consumer, then the queue, then the policy or the node (4.3)', async () => {
    await using situation = await Situation.start({ version: '4.3', consumerTimeout: '9s' });
    const client = await situation.client();
    const quorum = { 'x-queue-type': 'quorum' };
    client.send(1, 'queue.declare', { queue: 'node', durable: true, arguments: table(quorum) });
    for (const queue of ['queue', 'consumer']) {
      const args = table({ ...quorum, 'x-consumer-timeout': 5_000 });
      client.send(1, 'queue.declare', { queue, durable: true, arguments: args });
    }
    for (const queue of ['node', 'queue', 'consumer']) {
      const args = queue === 'consumer' ? table({ 'x-consumer-timeout': 2_000 }) : [];
      client.publish(1, '', queue, 'm');
      client.send(1, 'basic.consume', { queue, consumerTag: queue, arguments: args });
    }
    await client.settle();
    for (const queue of ['consumer', 'queue', 'node']) {
      situation.broker.clock.advance(queue === 'consumer' ? '2s' : queue === 'queue' ? '3s' : '4s');
      await expectLines(client, [`1 basic.cancel ${queue} nowait=true`]);
    }
  });

  it('closes the channel after the time of the queue in 4.0, which 3.10 knows nothing of', async () => {
    for (const version of ['3.10', '4.0'] as const) {
      await using situation = await Situation.start({ version });
      const client = await situation.client();
      client.send(1, 'queue.declare', { queue: 'q', arguments: table({ 'x-consumer-timeout': 2_000 }) });
      client.publish(1, '', 'q', 'm');
      client.send(1, 'basic.get', { queue: 'q' });
      await client.settle();
      situation.broker.clock.advance('3s');
      const closed = version === '4.0' ? ['channel.close'] : [];
      expect((await client.settle()).map(({ name }) => name)).to.deep.equal(closed);
    }
  });

  it('looks again for deliveries that came later', async () => {
    await using situation = await Situation.start({ version: '3.10', consumerTimeout: '3s' });
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'q' });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
    client.publish(1, '', 'q', 'one');
    await client.settle();
    situation.broker.clock.advance('2s');
    client.send(1, 'basic.ack', { deliveryTag: 1 });
    client.publish(1, '', 'q', 'two');
    await client.settle();
    situation.broker.clock.advance('2s');
    await expectLines(client, []);
    situation.broker.clock.advance('1s');
    await eventually(() => expect(client.seen[0]?.name).to.equal('channel.close'));
  });
});
