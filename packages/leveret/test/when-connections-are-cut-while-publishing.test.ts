import { PublishError } from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker } from './support/private-broker.js';
import { startPublisher } from './support/start-publisher.js';
import { TcpProxy } from './support/tcp-proxy.js';
import { unique } from './support/unique.js';

// A soak when asked for: LEVERET_SOAK_PUBLISHES=200000.
const MESSAGES = Number(process.env['LEVERET_SOAK_PUBLISHES'] ?? 5_000);
const IN_FLIGHT = 200;

onEachBroker('when connections are cut while publishing', function (broker) {
  this.timeout(30_000 + MESSAGES * 5);
  it('confirms only what is in the queue, and all of it in the end', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('cut'));
    await using proxy = await TcpProxy.start(broker.port, {});
    await using running = startPublisher(proxy.url, { retry: { maxAttempts: 50, initialInterval: 20 } });
    const confirmed = new Set<string>();
    const failed: unknown[] = [];
    const planned = Math.max(5, MESSAGES / 10_000);
    let cuts = 0;
    // As a confirm comes in, not by looking now and then: publishes are in flight at every cut.
    const cutWhenDue = () => {
      const due = cuts < planned && confirmed.size > ((cuts + 1) * MESSAGES) / (planned + 1);
      if (due && proxy.cut() > 0) cuts++;
    };
    let next = 0;
    const worker = async () => {
      while (next < MESSAGES) {
        const messageId = `m${next++}`;
        await running.publisher.sendToQueue(queue, 'x', { messageId }).then(
          () => {
            confirmed.add(messageId);
            cutWhenDue();
          },
          (error: unknown) => failed.push(error),
        );
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
    expect(cuts).to.equal(planned);
    expect(failed.every((error) => error instanceof PublishError)).to.equal(true);
    expect(failed).to.have.length(0);
    expect(confirmed.size).to.equal(MESSAGES);

    const arrived = await drain(running.transport, queue, raw.ready(queue));
    for (const id of confirmed) expect(arrived.has(id), `${id} is in the queue`).to.equal(true);
    const { retried, held, inFlight } = running.publisher.stats;
    expect({ held, inFlight }).to.deep.equal({ held: 0, inFlight: 0 });
    expect(retried).to.be.at.most(cuts * 256);
  });
});

async function drain(
  transport: ReturnType<typeof startPublisher>['transport'],
  queue: string,
  ready: Promise<number | undefined>,
): Promise<Set<string>> {
  const expected = (await ready) ?? 0;
  const ids = new Set<string>();
  let count = 0;
  const subscription = transport.subscribe(
    {
      queue,
      prefetch: 0,
      noAck: true,
      exclusive: false,
      priority: undefined,
      arguments: {},
      tagPrefix: 'drain',
      missingQueue: 'fail',
    },
    {
      deliver: ({ message }) => {
        count++;
        ids.add(message.messageId ?? '');
      },
      consuming() {},
      interrupted() {},
      failed() {},
    },
  );
  await eventually(`all ${expected} messages`, () => count >= expected, 60_000);
  await subscription.close();
  return ids;
}
