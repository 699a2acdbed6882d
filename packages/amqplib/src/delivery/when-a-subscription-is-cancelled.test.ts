import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { useProxiedTransport } from '../test-support/use-transport.js';

onEachNode('when a subscription is cancelled', (broker) => {
  const here = useProxiedTransport(broker);

  it('takes nothing new, and can still settle what it has', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('cancel'));
    const sink = new RecordingSink(() => {});
    const subscription = here.transport.subscribe(consumeRequest(queue, { prefetch: 1 }), sink);
    await here.admin.send(queue, 'one', 'two');
    await eventually('the first delivery', () => sink.deliveries.length === 1);
    await subscription.cancel();
    const [delivery] = sink.deliveries;
    expect(delivery!.channel.ack(delivery!.deliveryTag)).to.equal(true);
    await subscription.close();
    expect(sink.deliveries).to.have.lengthOf(1);
    expect(delivery!.channel.isOpen).to.equal(false);
    expect(await here.admin.ready(queue)).to.equal(1);
  });

  it('gives back what was not settled when it closes', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('cancel'));
    const sink = new RecordingSink(() => {});
    const subscription = here.transport.subscribe(consumeRequest(queue), sink);
    await here.admin.send(queue, 'one', 'two', 'three');
    await eventually('three deliveries', () => sink.deliveries.length === 3);
    const [one, two] = sink.deliveries;
    expect(one!.channel.reject(one!.deliveryTag, false)).to.equal(true);
    expect(two!.channel.giveBack(two!.deliveryTag)).to.equal(true);
    await subscription.close();
    expect(await here.admin.ready(queue)).to.equal(2);
  });

  it('rejects ready when cancelled before the queue appeared', async () => {
    const sink = new RecordingSink();
    const subscription = here.transport.subscribe(
      consumeRequest(here.admin.queueName('never'), { missingQueue: 'wait' }),
      sink,
    );
    await eventually('the queue being missed', () => sink.causes.length > 0);
    await subscription.cancel();
    expect(await rejectionOf(subscription.ready)).to.include({ code: 'LEV_INVALID_STATE' });
    await subscription.close();
  });

  it('does not come back with the next connection', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('cancel'));
    const [cancelled, other] = [new RecordingSink(), new RecordingSink()];
    const subscription = here.transport.subscribe(consumeRequest(queue), cancelled);
    const otherQueue = await here.admin.makeQueue(here.admin.queueName('other'));
    await Promise.all([subscription.ready, here.transport.subscribe(consumeRequest(otherQueue), other).ready]);
    await subscription.cancel();
    here.proxy.cut();
    await eventually('the other consuming again', () => other.tags.length === 2);
    await subscription.close();
    expect(cancelled.tags).to.have.lengthOf(1);
    expect(cancelled.interruptions).to.deep.equal([]);
  });

  it('closes within its bounds when the broker does not answer', async () => {
    const queue = await here.admin.makeQueue(here.admin.queueName('frozen'));
    const subscription = here.transport.subscribe(consumeRequest(queue), new RecordingSink());
    await subscription.ready;
    here.proxy.freeze();
    const closing = subscription.close();
    await here.transport.close({ timeoutMs: 50 });
    await closing;
  });
});
