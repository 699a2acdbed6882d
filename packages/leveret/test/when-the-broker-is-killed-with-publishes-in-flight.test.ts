import { Problems, PublishError, topologyOf } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { eventually, inTime } from './support/eventually.js';
import { onEachMortalBroker } from './support/private-broker.js';
import { failureOf, startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

const RESTART_MS = 60_000;

onEachMortalBroker('when the broker is killed with publishes in flight', function (broker) {
  this.timeout(2 * RESTART_MS);
  it('confirms nothing that is lost, says of the rest that its fate is unknown, and goes on afterwards', async () => {
    const queue = await (await broker.raw()).declare(unique('killed'));
    await broker.keepDeclarations();
    await using running = startPublisher(broker.url, { retry: false });
    const confirmed: string[] = [];
    const failures: unknown[] = [];
    let stop = false;
    const worker = async () => {
      while (!stop) {
        await running.publisher.sendToQueue(queue, 'x'.repeat(2000)).then(
          ({ messageId }) => confirmed.push(messageId ?? ''),
          (error: unknown) => {
            failures.push(error);
            stop = true;
          },
        );
      }
    };
    const workers = Array.from({ length: 64 }, worker);
    await eventually('a thousand confirms', () => confirmed.length > 1000, 30_000);
    await broker.kill();
    await inTime('every publish to settle', Promise.all(workers), 30_000);
    expect(failures.length).to.be.greaterThan(0);
    const fates = failures.map((error) => `${(error as PublishError).code} ${(error as PublishError).fate}`);
    for (const error of failures) expect(error).to.be.instanceOf(PublishError);
    expect(fates).to.include('LEV_PUBLISH_CHANNEL_LOST unknown');
    expect(fates).to.satisfy((all: readonly string[]) =>
      all.every((each) => ['LEV_PUBLISH_CHANNEL_LOST unknown', 'LEV_PUBLISH_NOT_CONNECTED not-sent'].includes(each)),
    );
    expect((await failureOf(running.publisher.sendToQueue(queue, 'down'))).fate).to.equal('not-sent');

    await broker.start();
    expect((await running.publisher.sendToQueue(queue, 'after')).confirmed).to.equal(true);
    const arrived = new Set((await (await broker.raw()).takeAll(queue)).map(({ properties }) => properties.messageId));
    expect(confirmed.filter((id) => !arrived.has(id))).to.deep.equal([]);
  });

  it('delivers with the same id what was in flight, once the broker is back in time', async () => {
    const queue = unique('killed');
    await using running = startPublisher(broker.url, { retry: { maxAttempts: 1000, initialInterval: 50 } });
    // A broker that is killed may forget what was declared a moment before: the transport declares it again.
    const problems = new Problems();
    await running.transport.declare(topologyOf({ queues: [{ name: queue }] }, problems));
    problems.throwIfAny();
    await running.publisher.sendToQueue(queue, 'warm up');
    await broker.kill();
    const publishing = running.publisher.sendToQueue(queue, 'x', { messageId: 'the-one' });
    await broker.start();
    const receipt = await inTime('the confirm', publishing, RESTART_MS);
    expect(receipt).to.include({ messageId: 'the-one', confirmed: true });
    expect(receipt.attempts).to.be.greaterThan(1);
    const ids = (await (await broker.raw()).takeAll(queue)).map(({ properties }) => properties.messageId);
    expect(ids).to.include('the-one');
  });
});
