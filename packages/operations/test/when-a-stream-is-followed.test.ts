import { once } from 'node:events';
import { type OperationsSession, tail } from '@leveret/operations';
import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onRabbitMQNode } from '../../../tools/scripts/each-broker.mjs';
import { Outside, sessionOn, upTo } from './support/parking.js';

// The embedded broker has no streams.
onRabbitMQNode('when a stream is followed', (node) => {
  let outside: Outside;
  let session: OperationsSession;

  before(async () => {
    outside = await Outside.open(node.url);
    session = await sessionOn(node);
  });
  after(async () => {
    // Undefined where all of this was skipped.
    await session?.close();
    await outside?.close();
  });

  async function publish(stream: string, ids: readonly string[]): Promise<void> {
    for (const id of ids) outside.channel.sendToQueue(stream, Buffer.from(`body ${id}`), { messageId: id });
    await outside.channel.waitForConfirms();
  }

  /** Follows until so many copies have come; `ready` once they are coming. */
  function follow(stream: string, count: number) {
    const enough = new AbortController();
    const seen: string[] = [];
    let isReady = () => {};
    const ready = new Promise<void>((resolve) => {
      isReady = resolve;
    });
    const ended = tail(
      session,
      { queue: stream },
      {
        signal: enough.signal,
        onReady: isReady,
        onMessage: ({ messageId, body, exchange, routingKey }) => {
          seen.push(`${messageId}: ${body}, by ${JSON.stringify(exchange)} ${routingKey === stream}`);
          if (seen.length >= count) enough.abort();
        },
      },
    );
    return { seen, ended, ready: Promise.race([ready, ended]) };
  }

  /** All that the stream holds, read from its first message on. */
  async function held(stream: string, count: number): Promise<readonly string[]> {
    const ids: string[] = [];
    const all = new AbortController();
    await outside.channel.prefetch(100);
    const { consumerTag } = await outside.channel.consume(
      stream,
      (message) => {
        if (message === null) return;
        outside.channel.ack(message);
        ids.push(String(message.properties.messageId));
        if (ids.length === count) all.abort();
      },
      { arguments: { 'x-stream-offset': 'first' } },
    );
    if (!all.signal.aborted) await once(all.signal, 'abort');
    await outside.channel.cancel(consumerTag);
    return ids;
  }

  it('shows copies of what comes from now on, to each who follows, and takes nothing away', async function () {
    this.timeout(20_000);
    const stream = await outside.queue('stream', { 'x-queue-type': 'stream' });
    await publish(stream, upTo(20));
    const followers = [follow(stream, 300), follow(stream, 300)];
    for (const { ready } of followers) await ready;
    // More than are on their way to a reader at once.
    await publish(stream, upTo(300, 21));
    const copies = upTo(300, 21).map((id) => `${id}: body ${id}, by "" true`);
    for (const { seen, ended } of followers) {
      await ended;
      expect(seen).to.eql(copies);
    }
    expect(await held(stream, 320)).to.eql(upTo(320));
    expect(await session.broker.queue(stream)).to.include({ consumers: 0 });
  });

  it('ends with an error when the stream is deleted', async function () {
    this.timeout(20_000);
    const stream = await outside.queue('deleted-stream', { 'x-queue-type': 'stream' });
    const { ended, ready } = follow(stream, 1);
    const error = ended.catch((caught: unknown) => caught);
    await ready;
    await outside.channel.deleteQueue(stream);
    expect(await error).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
  });
});
