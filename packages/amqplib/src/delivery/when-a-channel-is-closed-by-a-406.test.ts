import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { useTransport } from '../test-support/use-transport.js';

const UNKNOWN_TAG = 4711;

onEachNode('when a channel is closed by a 406', (broker) => {
  const here = useTransport(broker);

  it('consumes again on the same connection, and says what the broker said', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('tag'));
    const sink = new RecordingSink((delivery) => delivery.channel.ack(UNKNOWN_TAG));
    const events: string[] = [];
    await here.transport.subscribe(consumeRequest(queue, { prefetch: 1 }), sink).ready;
    here.transport.on(({ type }) => events.push(type));
    await here.admin.send(queue, 'one');
    await eventually('the first interruption', () => sink.interruptions.length === 1);
    await eventually('the second delivery', () => sink.deliveries.length === 2);
    expect(sink.interruptions[0]!.cause).to.equal('channel-closed');
    expect(sink.interruptions[0]!.error).to.include({ code: 'LEV_CHANNEL_CLOSED' });
    expect(sink.interruptions[0]!.error?.message).to.match(/406 PRECONDITION_FAILED - unknown delivery tag 4711/);
    expect(events).to.deep.equal([]);
  });

  it('pauses longer each time when it repeats', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('tag'));
    const at: number[] = [];
    const sink = new RecordingSink((delivery) => {
      at.push(performance.now());
      delivery.channel.ack(UNKNOWN_TAG);
    });
    await here.transport.subscribe(consumeRequest(queue, { prefetch: 1 }), sink).ready;
    await here.admin.send(queue, 'one');
    await eventually('four deliveries', () => at.length === 4);
    expect(at[2]! - at[1]!).to.be.at.least(100);
    expect(at[3]! - at[2]!).to.be.at.least(200);
  });

  it('leaves the other consumers of the connection alone', async () => {
    const [bad, good] = [
      await here.admin.makeQueue(here.admin.queueName('bad')),
      await here.admin.makeQueue(here.admin.queueName('good')),
    ];
    const first = new RecordingSink((delivery) => delivery.channel.ack(UNKNOWN_TAG));
    const second = new RecordingSink();
    await Promise.all([
      here.transport.subscribe(consumeRequest(bad), first).ready,
      here.transport.subscribe(consumeRequest(good), second).ready,
    ]);
    await here.admin.send(bad, 'one');
    await eventually('the interruption', () => first.interruptions.length > 0);
    await here.admin.send(good, 'one', 'two');
    await eventually('both messages', () => second.deliveries.length === 2);
    expect(second.interruptions).to.deep.equal([]);
  });
});
