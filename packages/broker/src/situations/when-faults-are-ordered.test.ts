import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { RawClient } from '../testing/raw-client.support.test.js';
import { eventually, expectLines, Situation } from '../testing/situation.support.test.js';

async function consumer(situation: Situation): Promise<RawClient> {
  const client = await situation.client();
  client.send(1, 'queue.declare', { queue: 'q', durable: true });
  client.send(1, 'confirm.select');
  client.send(1, 'basic.consume', { queue: 'q', consumerTag: 't' });
  await client.settle();
  return client;
}

describe('when faults are ordered', () => {
  it('cuts connections, and their messages return', async () => {
    await using situation = await Situation.start();
    const client = await consumer(situation);
    client.publish(1, '', 'q', 'm');
    await client.settle();
    expect(situation.broker.faults.cutConnections()).to.equal(1);
    await client.next('socket closed');
    const queue = situation.broker.queue('q');
    expect([queue?.ready, queue?.unacked, queue?.consumers]).to.deep.equal([1, 0, 0]);
    expect(situation.broker.connections).to.deep.equal([]);
  });

  it('cuts only the connection that is named', async () => {
    await using situation = await Situation.start();
    const first = await situation.client();
    const second = await situation.client();
    const [name = ''] = situation.broker.connections.map((connection) => connection.name);
    expect(situation.broker.faults.cutConnections(name)).to.equal(1);
    await first.next('socket closed');
    await expectLines(second, []);
  });

  it('takes names by a pattern, channels by their number, and consumers by their tag', async () => {
    await using situation = await Situation.start();
    const { faults } = situation.broker;
    const client = await consumer(situation);
    client.send(2, 'channel.open');
    client.send(2, 'basic.consume', { queue: 'q', consumerTag: 'other' });
    await client.settle();
    expect(faults.cutConnections(/no such name/)).to.equal(0);
    expect(faults.cancelConsumer('other')).to.equal(1);
    expect(faults.closeChannel(406, 'because', 3)).to.equal(0);
    expect(faults.closeChannel(406, 'because', 2)).to.equal(1);
    expect(faults.closeConnections('x', 320, 'no such name')).to.equal(0);
    await expectLines(client, [
      '2 basic.cancel other nowait=true',
      '2 channel.close 406 PRECONDITION_FAILED - because (0,0)',
    ]);
    expect(faults.closeConnections(undefined, undefined, / -> /)).to.equal(1);
    client.send(0, 'connection.close-ok');
    await expectLines(client, ['0 connection.close 320 CONNECTION_FORCED - closed by a test (0,0)', '0 socket closed']);
  });

  it('ends all of them at once', async () => {
    await using situation = await Situation.start();
    const { faults } = situation.broker;
    faults.delayFrames('1h');
    faults.dropFrames();
    expect([faults.dropsSent, faults.dropsReceived, faults.delayMs]).to.deep.equal([true, true, 3_600_000]);
    faults.dropFrames('sent');
    expect([faults.dropsSent, faults.dropsReceived]).to.deep.equal([true, false]);
    faults.dropFrames('received');
    expect([faults.dropsSent, faults.dropsReceived]).to.deep.equal([false, true]);
    faults.refuseConnections();
    faults.nackNextConfirms();
    faults.deliverTwice();
    faults.block();
    faults.clear();
    const client = await consumer(situation);
    client.publish(1, '', 'q', 'm');
    await expectLines(client, ['1 basic.deliver t #1 exchange= key=q body=m', '1 basic.ack #1']);
    faults.nackNextConfirms();
    client.publish(1, '', 'q', 'refused');
    client.publish(1, '', 'q', 'taken');
    const lines = await client.lines();
    expect(lines).to.include('1 basic.nack #2 multiple').and.to.include('1 basic.ack #3');
  });

  it('closes channels with a code', async () => {
    await using situation = await Situation.start();
    const client = await consumer(situation);
    expect(situation.broker.faults.closeChannel(406, 'because')).to.equal(1);
    await expectLines(client, ['1 channel.close 406 PRECONDITION_FAILED - because (0,0)']);
  });

  it('closes connections with a code', async () => {
    await using situation = await Situation.start();
    const client = await consumer(situation);
    situation.broker.faults.closeConnections('because');
    client.send(0, 'connection.close-ok');
    await expectLines(client, ['0 connection.close 320 CONNECTION_FORCED - because (0,0)', '0 socket closed']);
  });

  it('cancels consumers by queue or tag', async () => {
    await using situation = await Situation.start();
    const client = await consumer(situation);
    expect([situation.broker.faults.cancelConsumer('q'), situation.broker.faults.cancelConsumer('t')]).to.deep.equal([
      1, 0,
    ]);
    await expectLines(client, ['1 basic.cancel t nowait=true']);
  });

  it('blocks a connection on its next publish, and answers the rest afterwards', async () => {
    await using situation = await Situation.start();
    const client = await consumer(situation);
    const idle = await situation.client();
    situation.broker.faults.block();
    await expectLines(client, []);
    client.publish(1, '', 'q', 'm');
    client.send(1, 'queue.declare', { queue: 'behind' });
    const { name, method } = await client.next();
    expect([name, method?.text('reason')]).to.deep.equal(['connection.blocked', 'low on memory']);
    idle.send(1, 'queue.declare', { queue: 'q', durable: true });
    await expectLines(idle, ['1 queue.declare-ok q messages=0 consumers=1']);
    expect(situation.broker.queue('behind')).to.equal(undefined);
    expect(situation.broker.connections.map(({ blocked }) => blocked)).to.deep.equal([true, false]);
    situation.broker.faults.unblock();
    const lines = await client.lines();
    expect(lines).to.have.members([
      '0 connection.unblocked',
      '1 basic.deliver t #1 exchange= key=q body=m',
      '1 queue.declare-ok behind messages=0 consumers=0',
      '1 basic.ack #1',
    ]);
    expect(lines[0]).to.equal('0 connection.unblocked');
  });

  it('nacks the next confirms, and routes nothing of them', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    client.send(1, 'queue.declare', { queue: 'q' });
    client.send(1, 'confirm.select');
    await client.settle();
    situation.broker.faults.nackNextConfirms(1);
    client.publish(1, '', 'q', 'one');
    client.publish(1, '', 'q', 'two');
    await expectLines(client, ['1 basic.nack #1 multiple', '1 basic.ack #2']);
    expect(situation.broker.queue('q')?.messages.map(({ text }) => text)).to.deep.equal(['two']);
  });

  it('delivers everything twice', async () => {
    await using situation = await Situation.start();
    const client = await consumer(situation);
    situation.broker.faults.deliverTwice();
    client.publish(1, '', 'q', 'm');
    await expectLines(client, [
      '1 basic.deliver t #1 exchange= key=q body=m',
      '1 basic.deliver t #2R exchange= key=q body=m',
      '1 basic.ack #1',
    ]);
  });

  it('refuses new connections, until told otherwise', async () => {
    await using situation = await Situation.start();
    situation.broker.faults.refuseConnections();
    const refused = await situation.open();
    await refused.next('socket closed');
    situation.broker.faults.refuseConnections(false);
    await expectLines(await situation.client(), []);
  });

  it('holds frames back', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    situation.broker.faults.delayFrames('40ms');
    const from = performance.now();
    client.send(1, 'queue.declare', { queue: 'q' });
    await client.next('queue.declare-ok');
    expect(performance.now() - from).to.be.at.least(38);
    situation.broker.faults.clear();
  });

  it('keeps frames in order when a delay ends', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    situation.broker.faults.delayFrames('60ms');
    client.send(1, 'queue.declare', { queue: 'first' });
    await eventually(() => expect(situation.broker.queue('first')).to.not.equal(undefined));
    await new Promise((resolve) => setImmediate(resolve));
    situation.broker.faults.delayFrames(0);
    client.send(1, 'queue.declare', { queue: 'second' });
    await expectLines(client, [
      '1 queue.declare-ok first messages=0 consumers=0',
      '1 queue.declare-ok second messages=0 consumers=0',
    ]);
  });

  it('drops what it sends without closing anything', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    situation.broker.faults.dropFrames('sent');
    client.send(1, 'queue.declare', { queue: 'q' });
    await eventually(() => expect(situation.broker.queue('q')).to.not.equal(undefined));
    await new Promise((resolve) => setImmediate(resolve));
    situation.broker.faults.dropFrames(false);
    await expectLines(client, []);
  });

  it('drops what it receives, and only until it is over', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    const other = await situation.client();
    situation.broker.faults.dropFrames('received');
    client.send(1, 'queue.declare', { queue: 'lost' });
    await new Promise<void>((resolve) => client.socket.write('', () => resolve()));
    await new Promise((resolve) => setTimeout(resolve, 20));
    situation.broker.faults.clear();
    other.send(1, 'queue.declare', { queue: 'found' });
    await expectLines(other, ['1 queue.declare-ok found messages=0 consumers=0']);
    expect(situation.broker.queue('lost')).to.equal(undefined);
  });

  it('lets an hour pass at once', async () => {
    await using situation = await Situation.start();
    const client = await situation.client();
    const deadLetter = [
      ['x-message-ttl', { tag: 'l', value: 3_600_000n }],
      ['x-dead-letter-exchange', { tag: 'S', value: '' }],
      ['x-dead-letter-routing-key', { tag: 'S', value: 'dead' }],
    ] as const;
    client.send(1, 'queue.declare', { queue: 'dead' });
    client.send(1, 'queue.declare', { queue: 'q', arguments: deadLetter });
    client.publish(1, '', 'q', 'm');
    await client.settle();
    situation.broker.clock.advance('59m');
    expect(situation.broker.queue('dead')?.ready).to.equal(0);
    situation.broker.clock.advance('1m');
    expect(situation.broker.queue('dead')?.ready).to.equal(1);
    await expectLines(client, []);
  });
});
