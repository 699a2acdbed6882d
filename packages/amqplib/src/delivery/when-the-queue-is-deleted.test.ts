import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { bindingOf, exchangeOf, publicationOf, publish, queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { useTransport } from '../test-support/use-transport.js';

onEachNode('when the queue is deleted', (broker) => {
  const here = useTransport(broker);

  it('declares its own queue and binding again and consumes', async () => {
    const [queue, exchange] = [here.admin.queueName('own'), here.admin.exchangeName('own')];
    await here.transport.declare(
      topologyOf({
        exchanges: [exchangeOf(exchange)],
        queues: [queueOf(queue)],
        bindings: [bindingOf(exchange, queue, 'key')],
      }),
    );
    const sink = new RecordingSink();
    await here.transport.subscribe(consumeRequest(queue), sink).ready;
    await here.admin.deleteQueue(queue);
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.causes).to.deep.equal(['cancelled']);
    const channel = await here.transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    expect(await publish(channel, publicationOf(exchange, 'key'))).to.deep.equal({ kind: 'ack', returned: undefined });
    await eventually('the message', () => sink.bodies.includes('body'));
  });

  it('waits for a queue that somebody else declares, and consumes soon after its return', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('foreign'));
    const sink = new RecordingSink();
    await here.transport.subscribe(consumeRequest(queue, { missingQueue: 'fail' }), sink).ready;
    await here.admin.deleteQueue(queue);
    await eventually('the queue being missed', () => sink.causes.includes('queue-missing'));
    await here.admin.makeQueue(queue);
    const madeAt = performance.now();
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(performance.now() - madeAt).to.be.below(1000);
    expect(sink.causes).to.deep.equal(['cancelled', 'queue-missing']);
    expect(sink.failures).to.deep.equal([]);
  });

  it('can still settle what came before, on the same channel', async () => {
    const queue = here.admin.queueName('own');
    await here.transport.declare(topologyOf({ queues: [queueOf(queue)] }));
    const sink = new RecordingSink(() => {});
    const subscription = here.transport.subscribe(consumeRequest(queue), sink);
    await subscription.ready;
    await here.admin.send(queue, 'before');
    await eventually('the delivery', () => sink.deliveries.length === 1);
    await here.admin.deleteQueue(queue);
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.deliveries[0]!.channel.ack(sink.deliveries[0]!.deliveryTag)).to.equal(true);
    await here.admin.send(queue, 'after');
    await eventually('the second delivery', () => sink.deliveries.length === 2);
    expect(sink.deliveries[1]!.channel.ack(sink.deliveries[1]!.deliveryTag)).to.equal(true);
    await subscription.close();
    expect(await here.admin.ready(queue)).to.equal(0);
    expect(sink.causes).to.deep.equal(['cancelled']);
  });

  it('leaves the other consumers of the connection alone', async () => {
    const [deleted, kept] = [
      await here.admin.makeQueue(here.admin.queueName('deleted')),
      await here.admin.makeQueue(here.admin.queueName('kept')),
    ];
    const [first, second] = [new RecordingSink(), new RecordingSink()];
    await Promise.all([
      here.transport.subscribe(consumeRequest(deleted), first).ready,
      here.transport.subscribe(consumeRequest(kept), second).ready,
    ]);
    await here.admin.deleteQueue(deleted);
    await eventually('the queue being missed', () => first.causes.includes('queue-missing'));
    await here.admin.send(kept, 'message');
    await eventually('the message', () => second.bodies.includes('message'));
    expect(second.causes).to.deep.equal([]);
  });
});
