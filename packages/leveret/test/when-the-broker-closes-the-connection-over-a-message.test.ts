import { type Publication, PublishError, republish } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { onEachBroker } from './support/private-broker.js';
import { failureOf, startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

/** A header that RabbitMQ closes the connection for (541), written past everything that would refuse it: a double NaN. */
function poisonTo(queue: string, text: string): Publication {
  const entry = Buffer.concat([Buffer.from([3]), Buffer.from('nand'), Buffer.from('7ff8000000000000', 'hex')]);
  return {
    exchange: '',
    routingKey: queue,
    body: Buffer.from(text),
    headers: {},
    mandatory: true,
    properties: { messageId: text, deliveryMode: 2 },
    verbatim: { properties: {}, headers: [{ name: 'nan', entry, exact: false }] },
  };
}

onEachBroker('when the broker closes the connection over a message', (broker) => {
  it('refuses that one, and delivers its neighbours with two copies at most', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('poisoned'));
    await using running = startPublisher(broker.url);
    const { publisher } = running;
    const before = Array.from({ length: 10 }, (_, i) => publisher.sendToQueue(queue, `before ${i}`));
    const refused = failureOf(publisher.send(poisonTo(queue, 'poison')));
    const after = Array.from({ length: 10 }, (_, i) => publisher.sendToQueue(queue, `after ${i}`));
    const error = await refused;
    expect(error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_REFUSED', fate: 'refused', attempts: 1 });
    expect(error.message).to.include('541');
    for (const receipt of await Promise.all([...before, ...after])) expect(receipt.attempts).to.equal(1);
    const arrived = (await raw.takeAll(queue)).map(({ text }) => text);
    expect(new Set(arrived).size).to.equal(20);
    expect(arrived.length).to.be.at.most(40);
  });

  it('refuses each of many, and never publishes one for ever', async function () {
    this.timeout(30_000);
    const raw = await broker.raw();
    const queue = await raw.declare(unique('poisoned'));
    await using running = startPublisher(broker.url, { window: 16 });
    const { publisher } = running;
    const calls = Array.from({ length: 12 }, (_, i) =>
      i % 4 === 1 ? publisher.send(poisonTo(queue, `poison ${i}`)) : publisher.sendToQueue(queue, `good ${i}`),
    );
    const results = await Promise.allSettled(calls);
    const failed = results.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []));
    expect(failed).to.deep.equal([1, 5, 9]);
    expect(new Set((await raw.takeAll(queue)).map(({ text }) => text)).size).to.equal(9);
  });

  it('ends the connection of others no more once it is known where such messages go', async () => {
    const raw = await broker.raw();
    const [poisoned, queue] = [await raw.declare(unique('poisoned')), await raw.declare(unique('innocent'))];
    await using running = startPublisher(broker.url);
    const { publisher, transport } = running;
    await failureOf(publisher.send(poisonTo(poisoned, 'first')));
    let lost = 0;
    transport.on(({ type }) => {
      if (type === 'disconnected') lost++;
    });
    const refused = ['second', 'third'].map((text) => failureOf(publisher.send(poisonTo(poisoned, text))));
    for (let i = 0; i < 50; i++) expect((await publisher.sendToQueue(queue, i)).attempts).to.equal(1);
    for (const error of await Promise.all(refused))
      expect(error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISH_REFUSED' });
    expect(lost).to.equal(0);
    expect(await raw.ready(queue)).to.equal(50);
    expect(publisher.stats.republished).to.be.at.most(6);
  });

  it('writes nothing that is known to be refused, and says where it is', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('unwritten'));
    await using running = startPublisher(broker.url);
    const values = [Number.NaN, Number.POSITIVE_INFINITY, -Infinity, { '!': 'double', value: Number.NaN }];
    for (const value of values) {
      const error = await failureOf(running.publisher.sendToQueue(queue, 'x', { headers: { a: { b: [value] } } }));
      expect(error)
        .to.be.instanceOf(PublishError)
        .and.to.include({ code: 'LEV_PUBLISH_UNENCODABLE', fate: 'not-sent' });
      expect(error.message).to.include('headers.a.b[0]');
    }
    expect((await running.publisher.sendToQueue(queue, 'y')).attempts).to.equal(1);
  });

  it('parks a failed message whose own headers cannot be written, with their text instead', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('parked'));
    await using running = startPublisher(broker.url);
    const recoverer = republish('', queue, { additionalHeaders: () => ({ ratio: Number.NaN, when: new Map() }) });
    const outcome = await recoverer.recover({
      message: { body: Buffer.from('x'), headers: { tenant: 'a' }, exchange: '', routingKey: 'q', redelivered: false },
      error: new Error('failed'),
      reason: 'exhausted',
      attempts: 3,
      queue: 'q',
      firstFailedAt: 0,
      lastFailedAt: 0,
      listenerId: 'l',
      publisher: running.publisher,
    } as never);
    expect(outcome).to.equal('ack');
    const [parked] = await raw.takeAll(queue);
    expect(parked?.headers).to.include({ tenant: 'a', ratio: 'NaN' });
    expect(parked?.headers).to.have.property('when').that.is.a('string');
  });
});
