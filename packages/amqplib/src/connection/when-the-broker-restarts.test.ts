import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachMortalNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { publicationOf, publish, queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { uniqueName } from '../test-support/test-broker.js';

onEachMortalNode('when the broker restarts', function (broker) {
  // A RabbitMQ needs seconds to start, on a busy machine many.
  this.timeout(120_000);
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];

  beforeEach(async () => {
    events = [];
    transport = new AmqplibTransport({ connection: { urls: broker.url } });
    transport.on((event) => events.push(event));
  });
  afterEach(() => transport?.close({ timeoutMs: 1000 }));

  const losses = () => events.filter((event) => event.type === 'disconnected');

  async function restartBy(stop: () => Promise<void>): Promise<void> {
    const queue = uniqueName('survivor');
    await transport.declare(topologyOf({ queues: [queueOf(queue)] }));
    const sink = new RecordingSink();
    await transport.subscribe(consumeRequest(queue), sink).ready;
    await transport.connect('publish');
    await stop();
    await eventually('both losses', () => losses().length === 2);
    for (const { error } of losses()) expect(error).to.be.instanceOf(Error);
    await broker.start();
    const upAt = performance.now();
    await eventually('consuming again', () => sink.tags.length === 2, 10_000);
    expect(performance.now() - upAt).to.be.below(2000);
    expect(sink.causes).to.deep.equal(['connection-lost']);
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 5000 });
    expect(await publish(channel, publicationOf('', queue))).to.deep.equal({ kind: 'ack', returned: undefined });
    await eventually('the message', () => sink.deliveries.length === 1);
  }

  it('consumes and publishes within two seconds of its return after a clean stop', async () => {
    await restartBy(() => broker.stop());
  });

  it('consumes and publishes within two seconds of its return after a kill', async () => {
    await restartBy(() => broker.kill());
  });
});
