import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { useTransport } from '../test-support/use-transport.js';

onEachNode('when a queue cannot be consumed', (broker) => {
  const here = useTransport(broker);

  it('fails by name when the queue is missing', async () => {
    const queue = here.admin.queueName('missing');
    const sink = new RecordingSink();
    const error = await rejectionOf(here.transport.subscribe(consumeRequest(queue), sink).ready);
    expect(error).to.be.instanceOf(LeveretError).with.property('code', 'LEV_QUEUE_MISSING');
    expect((error as Error).message)
      .to.include(queue)
      .and.include("missingQueue: 'wait'");
    expect(sink.failures).to.deep.equal([error]);
  });

  it('waits for a missing queue when asked to', async () => {
    const queue = here.admin.queueName('late');
    const sink = new RecordingSink();
    const subscription = here.transport.subscribe(consumeRequest(queue, { missingQueue: 'wait' }), sink);
    await eventually('the queue being missed', () => sink.causes.length > 0);
    await here.admin.makeQueue(queue);
    await subscription.ready;
    expect(sink.causes).to.deep.equal(['queue-missing']);
  });

  it('declares a missing queue that is its own', async () => {
    const queue = here.admin.queueName('own');
    await here.transport.connect('consume');
    await here.transport.declare(topologyOf({ queues: [queueOf(queue)] }));
    await here.admin.deleteQueue(queue);
    const sink = new RecordingSink();
    await here.transport.subscribe(consumeRequest(queue), sink).ready;
    expect(sink.failures).to.deep.equal([]);
  });

  it('takes its turn when another consumer has the queue for itself', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('exclusive'));
    const other = here.transport.subscribe(consumeRequest(queue, { exclusive: true }), new RecordingSink());
    await other.ready;
    const sink = new RecordingSink();
    const subscription = here.transport.subscribe(consumeRequest(queue), sink);
    await eventually('the refusal', () => sink.causes.includes('queue-in-use'));
    await other.close();
    await subscription.ready;
    expect(sink.causes).to.deep.equal(['queue-in-use']);
  });

  it('fails at once when the broker refuses the arguments', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('arguments'));
    const sink = new RecordingSink();
    const request = consumeRequest(queue, { arguments: { 'x-priority': 'high' } });
    const error = await rejectionOf(here.transport.subscribe(request, sink).ready);
    expect(error).to.include({ code: 'LEV_CHANNEL_CLOSED' });
    expect((error as Error).message)
      .to.include(queue)
      .and.include('x-priority');
  });

  it('fails when the transport is closed already', async () => {
    await here.transport.close({ timeoutMs: 1000 });
    const sink = new RecordingSink();
    const error = await rejectionOf(here.transport.subscribe(consumeRequest('any'), sink).ready);
    expect(error).to.include({ code: 'LEV_INVALID_STATE' });
  });
});
