import { getEventListeners } from 'node:events';
import type { SessionSink } from '@leveret/amqplib';
import type { Delivery, Message } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { OperationsSession } from '../session/operations-session.js';
import { aMessage } from '../test-support/a-message.js';
import { type TailSource, tail } from './tail.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('tail', () => {
  let log: string[];
  let sink: SessionSink | undefined;
  let isThere: boolean;
  let type: string;
  let bindings: object[];
  let stopping: AbortController;
  let seen: Message[];
  let ready: number;

  beforeEach(() => {
    [log, sink, isThere, type, bindings, seen, ready] = [[], undefined, true, 'classic', [], [], 0];
    stopping = new AbortController();
  });

  const follow = (source: TailSource) => {
    const line = (what: string, ...args: unknown[]) =>
      log.push(`${what} ${JSON.stringify(args)}`.replace(/leveret\.tail\.[0-9a-f-]{36}/g, 'OWN'));
    const session = {
      queueType: async () => type,
      needManagement: async () => ({ bindings: async () => bindings }),
      broker: {
        queue: async () => (isThere ? { messages: 0, consumers: 0 } : undefined),
        declareQueue: async (...args: unknown[]) => line('declare', ...args),
        bindQueue: async (...args: unknown[]) => line('bind', ...args),
        consume: async (queue: string, options: object, given: SessionSink) => {
          line('consume', queue, options);
          sink = given;
          return { close: async () => line('close') };
        },
      },
    } as unknown as OperationsSession;
    const { signal } = stopping;
    return tail(session, source, { onMessage: (message) => seen.push(message), signal, onReady: () => ready++ });
  };
  const failure = (work: Promise<unknown>) =>
    work.then(
      () => expect.fail('it ended'),
      (error: unknown) => error as Error & { code: string },
    );
  const deliver = (acks: number[] = []) => {
    const channel = { ack: (tag: number) => acks.push(tag) };
    sink?.delivered({ message: aMessage(), channel, deliveryTag: 7 } as unknown as Delivery);
  };

  it('follows an exchange by a queue of its own that drops the oldest, until it is told to end', async () => {
    const following = follow({ exchange: 'events' });
    await turn();
    const acks: number[] = [];
    deliver(acks);
    expect([seen.length, ready, acks]).to.deep.equal([1, 1, []]);
    stopping.abort();
    await following;
    expect(log).to.deep.equal([
      'declare ["OWN",{"durable":false,"exclusive":true,"autoDelete":true,"arguments":{"x-max-length":10000}}]',
      'bind ["OWN","events","#",{}]',
      'consume ["OWN",{"prefetch":0,"noAck":true}]',
      'close []',
    ]);
  });

  it('follows by a routing key', async () => {
    stopping.abort();
    await follow({ exchange: 'events', routingKey: 'paid.*' });
    expect(log[1]).to.equal('bind ["OWN","events","paid.*",{}]');
    expect(ready).to.equal(1);
  });

  it('is bound as the queue is that it follows, and as no other', async () => {
    const binding = (destination: string, destinationType: string, routingKey: string) => ({
      ...{ source: 'ex', destination, destinationType, routingKey, arguments: { 'x-match': 'all' } },
    });
    bindings = [binding('q', 'queue', 'a'), binding('q', 'exchange', 'b'), binding('other', 'queue', 'c')];
    stopping.abort();
    await follow({ queue: 'q' });
    expect(log.filter((each) => each.startsWith('bind'))).to.deep.equal(['bind ["OWN","ex","a",{"x-match":"all"}]']);
  });

  it('reads a stream from its end, and acknowledges what it has read', async () => {
    type = 'stream';
    const following = follow({ queue: 's' });
    await turn();
    const acks: number[] = [];
    deliver(acks);
    expect([acks, seen.length]).to.deep.equal([[7], 1]);
    stopping.abort();
    await following;
    expect(log).to.deep.equal(['consume ["s",{"prefetch":200,"arguments":{"x-stream-offset":"next"}}]', 'close []']);
  });

  it('says that there is nothing to follow, and declares nothing', async () => {
    expect(await failure(follow({ exchange: '' }))).to.include({ code: 'LEV_OPERATION_REFUSED' });
    expect((await failure(follow({ queue: 'q' }))).message).to.contain('has no bindings');
    isThere = false;
    expect(await failure(follow({ queue: 'q' }))).to.include({ code: 'LEV_QUEUE_MISSING' });
    expect(log).to.deep.equal([]);
  });

  it('says how it ended when nobody asked for that, and leaves no listener on the signal', async () => {
    for (const [error, text] of [
      [new Error('connection lost'), 'Following "OWN" ended: connection lost'],
      [undefined, 'its consumer was cancelled'],
    ] as const) {
      const following = follow({ exchange: 'events' });
      await turn();
      sink?.ended(error);
      const thrown = await failure(following);
      expect(thrown).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
      expect(thrown.message.replace(/leveret\.tail\.[0-9a-f-]{36}/, 'OWN')).to.contain(text);
      expect(log.at(-1)).to.equal('close []');
      expect(getEventListeners(stopping.signal, 'abort')).to.deep.equal([]);
    }
  });
});
