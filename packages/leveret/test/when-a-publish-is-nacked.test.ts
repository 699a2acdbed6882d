import { PublishError } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { onEachBroker } from './support/private-broker.js';
import { failureOf, startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

const FULL_AT_ONE = { maxLength: 1, arguments: { 'x-overflow': 'reject-publish' } };

onEachBroker('when a publish is nacked', (broker) => {
  it('resolves what the queue took and rejects what it refused', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('nacked'), FULL_AT_ONE);
    await using running = startPublisher(broker.url, { retry: false });
    const answers: boolean[] = [];
    running.publisher.onConfirm(({ ack }) => answers.push(ack));
    await running.publisher.sendToQueue(queue, 'first');
    const error = await failureOf(running.publisher.sendToQueue(queue, 'second', { messageId: 'm2' }));
    expect(error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_NACKED' })
      .and.to.include({ fate: 'refused', attempts: 1, messageId: 'm2' });
    expect(error.publication.body.toString()).to.equal('second');
    expect(answers).to.deep.equal([true, false]);
    expect((await raw.takeAll(queue)).map(({ text }) => text)).to.deep.equal(['first']);
  });

  it('tries again, and succeeds once the queue has room', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('nacked'), FULL_AT_ONE);
    await using running = startPublisher(broker.url, { retry: { maxAttempts: 100, initialInterval: 20 } });
    await running.publisher.sendToQueue(queue, 'first');
    let nacks = 0;
    const nacked = new Promise<void>((resolve) => {
      running.publisher.onConfirm(({ ack }) => {
        if (!ack && ++nacks === 2) resolve();
      });
    });
    const publishing = running.publisher.sendToQueue(queue, 'second');
    await nacked;
    await raw.take(queue);
    expect((await publishing).attempts).to.be.greaterThan(2);
    expect((await raw.arrived(queue)).text).to.equal('second');
  });
});
