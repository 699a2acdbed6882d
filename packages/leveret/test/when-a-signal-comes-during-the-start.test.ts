import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker } from './support/private-broker.js';
import { StartingProcess } from './support/starting-process.js';
import { unique } from './support/unique.js';

/** Far below every time-out of a start, with room for a busy machine. */
const SOON_MS = 10_000;

describe('when a signal comes during the start', function () {
  this.timeout(60_000);

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`ends a start whose broker does not answer at ${signal}`, async () => {
      const silent = createServer(() => {}).listen(0, '127.0.0.1');
      await once(silent, 'listening');
      try {
        const url = `amqp://127.0.0.1:${(silent.address() as AddressInfo).port}`;
        await using starting = await StartingProcess.begin({ url, queue: 'q', containerMs: 0 });
        starting.signal(signal);
        expect(await starting.ended(SOON_MS)).to.equal(1);
        expect(starting.errors).to.include(`The application was closed by ${signal} while it was starting.`);
        expect(starting.said).to.include.members(['closing', 'closed']);
      } finally {
        silent.close();
      }
    });
  }

  it('ends a start whose broker is down', async () => {
    await using starting = await StartingProcess.begin({ url: 'amqp://127.0.0.1:1', queue: 'q', containerMs: 0 });
    await eventually('a failed attempt', () => starting.said.includes('connect-failed'));
    starting.signal('SIGTERM');
    expect(await starting.ended(SOON_MS)).to.equal(1);
    expect(starting.said.at(-1)).to.equal('closed');
  });

  it('waits for the container within shutdownTimeout, and no longer at a second signal', async () => {
    await using starting = await StartingProcess.begin({ url: 'amqp://127.0.0.1:1', queue: 'q', containerMs: 50_000 });
    starting.signal('SIGTERM');
    await eventually('closing', () => starting.said.includes('closing'));
    starting.signal('SIGTERM');
    expect(await starting.ended(SOON_MS)).to.equal(1);
    expect(starting.said.at(-1)).to.equal('closed');
  });
});

onEachBroker('when a signal comes during the start', (broker) => {
  it('lets a handler that is at work already end, whatever moment of the start it is', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('starting'));
    await raw.send(queue, { id: 1 });
    await using starting = await StartingProcess.begin({ url: broker.url, queue, containerMs: 0 });
    await eventually('the handler at work', () => starting.said.includes('handling'));
    starting.signal('SIGTERM');
    // Before or after the start has resolved: both are right, and neither loses the handler.
    expect([0, 1]).to.include(await starting.ended(SOON_MS));
    expect(starting.said).to.include.members(['handled', 'closed']);
    expect(await raw.ready(queue)).to.equal(0);
  });
});
