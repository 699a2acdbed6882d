import type { ConnectionEvent } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, it } from 'mocha';
import { onEachMortalNode } from '../../../../tools/scripts/each-broker.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { publicationOf, publish, queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { uniqueName } from '../test-support/test-broker.js';

onEachMortalNode('when the broker blocks', function (broker) {
  // A RabbitMQ needs seconds to start, on a busy machine many.
  this.timeout(120_000);
  let transport: AmqplibTransport;
  let events: ConnectionEvent[];
  let queue: string;

  const alarm = (on: boolean) => broker.memoryAlarm(on);

  beforeEach(async () => {
    events = [];
    queue = uniqueName('blocked');
    transport = new AmqplibTransport({ connection: { urls: broker.url } });
    transport.on((event) => events.push(event));
    await transport.declare(topologyOf({ queues: [queueOf(queue)] }));
    await Promise.all([transport.connect('consume'), transport.connect('publish')]);
  });
  afterEach(async () => {
    await alarm(false);
    await transport.close({ timeoutMs: 1000 });
  });

  it('goes on consuming, holds the confirms back, and settles them when the alarm ends', async () => {
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    for (const _ of [1, 2, 3]) await publish(channel, publicationOf('', queue));
    await alarm(true);
    const outcome = publish(channel, publicationOf('', queue));
    await eventually('the alarm', () => transport.publishBlocked);
    expect(events.at(-1)).to.include({ type: 'blocked', role: 'publish' });
    expect(transport.health()[1]).to.include({ state: 'connected', blocked: true });
    const sink = new RecordingSink();
    await transport.subscribe(consumeRequest(queue), sink).ready;
    await eventually('the backlog', () => sink.deliveries.length === 3);
    await alarm(false);
    expect(await outcome).to.deep.equal({ kind: 'ack', returned: undefined });
    expect(transport.publishBlocked).to.equal(false);
    expect(events.at(-1)).to.deep.equal({ type: 'unblocked', role: 'publish' });
  });

  it('opens no channel, by name and within the time given', async () => {
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    await alarm(true);
    channel.publish(publicationOf('', queue), () => {});
    await eventually('the alarm', () => transport.publishBlocked);
    const error = await rejectionOf(transport.openPublishChannel({ confirm: true, timeoutMs: 200 }));
    expect(error).to.include({ code: 'LEV_PUBLISH_BLOCKED' });
  });

  it('closes channels and connections at once', async () => {
    const channel = await transport.openPublishChannel({ confirm: true, timeoutMs: 10_000 });
    await alarm(true);
    const outcome = publish(channel, publicationOf('', queue));
    await eventually('the alarm', () => transport.publishBlocked);
    const closedAt = performance.now();
    await channel.close();
    await transport.close({ timeoutMs: 5000 });
    expect(performance.now() - closedAt).to.be.below(1000);
    expect(await outcome).to.deep.equal({ kind: 'lost', closed: { kind: 'closed' } });
  });
});
