import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type RawClient, table } from '../testing/raw-client.support.test.js';
import { eventually, Situation, VERSIONS } from '../testing/situation.support.test.js';

const QUORUM = { 'x-queue-type': 'quorum' };

async function declare(client: RawClient, queue: string, args: Record<string, unknown> = {}): Promise<void> {
  client.send(1, 'queue.declare', { queue, durable: true, arguments: table(args) });
  await client.settle();
}

describe('when a channel is lost', () => {
  it('gives back to a quorum queue in the order of the version', async () => {
    for (const [version, expected] of [
      ['3.10', ['1', '3', '2']],
      ['4.0', ['2', '3', '1']],
      ['4.3', ['2', '3', '1']],
    ] as const) {
      await using situation = await Situation.start({ version });
      const client = await situation.client();
      await declare(client, 'q', QUORUM);
      client.publish(1, '', 'q', '1');
      client.send(1, 'basic.get', { queue: 'q' });
      client.send(1, 'basic.qos', { prefetchCount: 1 });
      client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'z' });
      client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'a' });
      client.publish(1, '', 'q', '2');
      client.publish(1, '', 'q', '3');
      await client.settle();
      client.destroy();
      await eventually(() => expect(situation.broker.queue('q')?.ready).to.equal(3));
      const bodies = situation.broker.queue('q')?.messages.map(({ text }) => text);
      expect(bodies, version).to.deep.equal(expected);
    }
  });

  it('serves whoever takes over only when the message is back', async () => {
    for (const version of VERSIONS) {
      await using situation = await Situation.start({ version });
      const [lost, other] = [await situation.client(), await situation.client()];
      await declare(lost, 'q', { 'x-single-active-consumer': true });
      for (const client of [lost, other]) {
        client.send(1, 'basic.qos', { prefetchCount: 1 });
        client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'c' });
        await client.settle();
      }
      lost.publish(1, '', 'q', '1');
      lost.publish(1, '', 'q', '2');
      await lost.settle();
      lost.destroy();
      const delivery = await other.next('basic.deliver');
      expect([String(delivery.body), delivery.method?.flag('redelivered')], version).to.deep.equal(['1', true]);
    }
  });

  it('still gets, while it closes, what another of its queues dead-letters', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    await declare(client, 'dl');
    await declare(client, 'q', {
      'x-max-length': 0,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'dl',
    });
    client.send(1, 'basic.consume', { queue: 'q', consumerTag: 'c' });
    client.send(1, 'basic.consume', { queue: 'dl', consumerTag: 'd' });
    client.publish(1, '', 'q', 'm');
    await client.settle();
    client.send(1, 'channel.close', { replyCode: 200 });
    const names = (await client.settle()).map(({ name, method }) => `${name} ${method?.entries().next().value?.[1]}`);
    expect(names[0]).to.equal('basic.deliver d');
    expect(situation.broker.queue('dl')?.messages.map(({ redelivered }) => redelivered)).to.deep.equal([true]);
  });

  it('takes its exclusive queues with it before they dead-letter, when the connection is cut', async () => {
    await using situation = await Situation.start();
    const [owner, other] = [await situation.client(), await situation.client()];
    await declare(other, 'dl');
    const dead = table({ 'x-max-length': 0, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dl' });
    owner.send(1, 'queue.declare', { queue: 'q', exclusive: true, durable: true, arguments: dead });
    owner.send(1, 'basic.consume', { queue: 'q', consumerTag: 'c' });
    owner.publish(1, '', 'q', 'm');
    await owner.settle();
    expect(situation.broker.queue('q')?.durable).to.equal(false);
    owner.destroy();
    await eventually(() => expect(situation.broker.queue('q')).to.equal(undefined));
    await other.settle();
    expect(situation.broker.queue('dl')?.ready).to.equal(0);
  });
});
