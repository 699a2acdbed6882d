import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { uniqueName } from '../test-support/test-broker.js';
import { useProxiedTransport } from '../test-support/use-transport.js';

onEachNode('when the connection is cut', (broker) => {
  // Only an attempt without a pause can be in time for these tests.
  const here = useProxiedTransport(broker, { reconnect: { initialInterval: '1m', maxInterval: '1m' } });

  it('consumes again at once, and says that it was interrupted', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('cut'));
    const sink = new RecordingSink();
    await here.transport.subscribe(consumeRequest(queue), sink).ready;
    here.proxy.cut();
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.causes).to.deep.equal(['connection-lost']);
    await here.admin.send(queue, 'after');
    await eventually('the message', () => sink.bodies.includes('after'));
    expect(here.events.map(({ type }) => type)).to.deep.equal(['connected', 'disconnected', 'connected']);
    expect(here.events.at(-1)).to.include({ type: 'connected', role: 'consume', again: true });
  });

  it('settles nothing on the channel that is gone, and gets the message again', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('cut'));
    const sink = new RecordingSink(() => {});
    await here.transport.subscribe(consumeRequest(queue), sink).ready;
    await here.admin.send(queue, 'held');
    await eventually('the first delivery', () => sink.deliveries.length === 1);
    here.proxy.cut();
    await eventually('the second delivery', () => sink.deliveries.length === 2);
    const [first, second] = sink.deliveries;
    expect(first!.channel.isOpen).to.equal(false);
    expect(first!.channel.ack(first!.deliveryTag)).to.equal(false);
    expect(first!.channel.reject(first!.deliveryTag, true)).to.equal(false);
    expect(first!.channel.giveBack(first!.deliveryTag)).to.equal(false);
    expect(second!.message.redelivered).to.equal(true);
    expect(second!.channel.ack(second!.deliveryTag)).to.equal(true);
  });

  it('keeps trying while the broker refuses connections, and consumes once it accepts them', async () => {
    await here.transport.close({ timeoutMs: 1000 });
    here.transport = new AmqplibTransport({ connection: { urls: here.proxy.through(broker.url) } });
    here.transport.on((event) => here.events.push(event));
    const queue = await here.admin.makeQueue(here.admin.queueName('cut'));
    const sink = new RecordingSink();
    await here.transport.subscribe(consumeRequest(queue), sink).ready;
    await here.proxy.down();
    await eventually(
      'three failed attempts',
      () => here.events.filter(({ type }) => type === 'connect-failed').length >= 3,
    );
    expect(here.transport.health()[0]).to.include({ role: 'consume', host: undefined });
    await here.proxy.up();
    await eventually('consuming again', () => sink.tags.length === 2);
    expect(sink.causes).to.deep.equal(['connection-lost']);
  });

  it('declares on the next connection what was being declared', async () => {
    const queue = here.admin.queueName('amid');
    await here.transport.connect('consume');
    for (let cut = 1; cut <= 3; cut++) {
      const declaring = here.transport.declare(topologyOf({ queues: [queueOf(`${queue}.${cut}`)] }));
      here.proxy.cut();
      await declaring;
    }
    const sink = new RecordingSink();
    const consuming = [1, 2, 3].map((cut) => here.transport.subscribe(consumeRequest(`${queue}.${cut}`), sink).ready);
    await Promise.all(consuming);
  });

  it('declares exclusive queues anew, because they went with the connection', async () => {
    // It goes with its connection: whoever deletes it may come before that, and is refused.
    const queue = uniqueName('exclusive');
    await here.transport.declare(topologyOf({ queues: [queueOf(queue, { exclusive: true, durable: false })] }));
    const sink = new RecordingSink();
    await here.transport.subscribe(consumeRequest(queue), sink).ready;
    here.proxy.cut();
    await eventually('consuming again', () => sink.tags.length === 2);
    await here.admin.send(queue, 'after');
    await eventually('the message', () => sink.bodies.includes('after'));
  });
});
