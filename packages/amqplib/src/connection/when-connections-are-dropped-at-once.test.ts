import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { afterEach, describe, it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { TcpProxy } from '../../../../tools/scripts/tcp-proxy.mjs';
import { AmqplibTransport } from '../amqplib-transport.js';
import { eventually } from '../test-support/eventually.js';
import { consumeRequest, RecordingSink } from '../test-support/recording-sink.js';
import { BrokerAdmin } from '../test-support/test-broker.js';

/** connection.open-ok, as it stands in its frame: from then on a connection is open. */
const OPEN_OK = Buffer.from('0000000005000a0029', 'hex');
const WATCHED_MS = 3000;

let transport: AmqplibTransport;

/** An application that consumes, and publishes all the time: it asks for a connection again and again. */
async function insist(queue: string, isOver: () => boolean): Promise<void> {
  transport.subscribe(consumeRequest(queue, { missingQueue: 'wait' }), new RecordingSink());
  while (!isOver()) {
    await transport.openPublishChannel({ confirm: true, timeoutMs: 1000 }).catch(() => undefined);
    await delay(10);
  }
}

onEachNode('when a broker drops connections that it has accepted', (broker) => {
  let proxy: TcpProxy;
  let dropsAfterMs: number | undefined;
  let opened = 0;

  async function connectThrough(): Promise<BrokerAdmin> {
    opened = 0;
    dropsAfterMs = undefined;
    proxy = await TcpProxy.start(broker.url, {
      look: (connection) => ({
        down(chunk) {
          if (!chunk.includes(OPEN_OK)) return;
          opened++;
          // What was read passes first.
          if (dropsAfterMs !== undefined) setTimeout(() => proxy.cut(connection), dropsAfterMs);
        },
      }),
    });
    transport = new AmqplibTransport({ connection: { urls: proxy.through(broker.url) } });
    return BrokerAdmin.connect(broker.url);
  }
  afterEach(async () => {
    await transport.close({ timeoutMs: 1000 });
    await proxy.down();
  });

  for (const { how, afterMs, most } of [
    // Of the consuming connection and of the publishing one: the first, one at once, and behind 100, 200, 400, 800 ms.
    { how: 'as soon as they are open', afterMs: 1, most: 2 * 6 },
    // The ten in hand, one more each 350 ms, and the first.
    { how: 'a moment later', afterMs: 120, most: 2 * (10 + Math.ceil(WATCHED_MS / 350) + 1) },
  ]) {
    it(`makes few attempts when that is ${how}, whoever asks, and uses it when it no longer does`, async () => {
      const admin = await connectThrough();
      try {
        const queue = await admin.makeQueue(admin.queueName('dropped'));
        dropsAfterMs = afterMs;
        let isOver = false;
        const insisting = insist(queue, () => isOver);
        await delay(WATCHED_MS);
        expect(opened).to.be.within(4, most);
        isOver = true;
        dropsAfterMs = undefined;
        await insisting;
        await eventually('both connections', () => transport.health().every(({ state }) => state === 'connected'));
      } finally {
        await admin.close();
      }
    });
  }
});

describe('when a port accepts connections and closes them', () => {
  afterEach(() => transport.close({ timeoutMs: 1000 }));

  it('is spoken to in growing pauses, whoever asks; knocks in between say nothing', async () => {
    let [spoken, silent] = [0, 0];
    await using server = createServer({ allowHalfOpen: true }, (socket) => {
      let heard = false;
      socket.on('error', () => {});
      socket.on('data', () => {
        heard = true;
      });
      socket.on('close', () => (heard ? spoken++ : silent++));
      socket.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    transport = new AmqplibTransport({ connection: { urls: `amqp://127.0.0.1:${port}` } });
    const subscribed = transport.subscribe(consumeRequest('q'), new RecordingSink());
    await delay(WATCHED_MS);
    subscribed.cancel();
    expect(spoken).to.be.within(3, 7);
    expect(silent).to.be.within(1, WATCHED_MS / 40);
  });
});
