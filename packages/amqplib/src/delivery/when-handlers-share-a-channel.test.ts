import { setTimeout as sleep } from 'node:timers/promises';
import {
  type DeliveryContext,
  EventHub,
  ListenerContainer,
  type ListenerDefinition,
  Problems,
  rejectAndDontRequeue,
  resolveListenerPolicies,
  silentLogger,
  systemClock,
} from '@leveret/core';
import { expect } from 'chai';
import { it } from 'mocha';
import { onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { queueOf, topologyOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { useProxiedTransport } from '../test-support/use-transport.js';

const CONCURRENCY = 12;
const PREFETCH = 4;
const MESSAGES = Array.from({ length: 400 }, (_, number) => `m${number}`);

onEachNode('when handlers share a channel', (broker) => {
  const here = useProxiedTransport(broker);

  /** A listener of a queue that is declared here, unless its queue is said to be another. */
  async function listen(handle: (context: DeliveryContext) => unknown, more: Partial<ListenerDefinition> = {}) {
    const queue = more.queue ?? here.admin.queueName('shared');
    const queueDeclaration = queueOf(queue);
    await here.transport.declare(topologyOf({ queues: more.queue === undefined ? [queueDeclaration] : [] }));
    await here.transport.connect('consume');
    const route = {
      name: 'Orders.on',
      convert: ({ body }: { body: Buffer }) => body.toString(),
      invoke: handle,
      reply: { sendTo: undefined, encode: () => ({ body: Buffer.alloc(0) }) },
    };
    const definition = {
      ...resolveListenerPolicies({ concurrency: CONCURRENCY, prefetch: PREFETCH }, {}, new Problems()),
      id: 'Orders.on',
      queue,
      queueDeclaration: more.queue === undefined ? queueDeclaration : undefined,
      deadLetterPolicy: false,
      ordered: false,
      prefetch: PREFETCH,
      consumerTimeoutMs: 1_800_000,
      crashLoop: undefined,
      recoverer: rejectAndDontRequeue(),
      handler: { route: () => route },
      ...more,
    } as unknown as ListenerDefinition;
    const publisher = { publish: () => Promise.reject(new Error('nobody publishes here')) } as never;
    const { transport } = here;
    const deps = { transport, publisher, clock: systemClock, logger: silentLogger, events: new EventHub(silentLogger) };
    const container = new ListenerContainer(definition, deps as never);
    await container.start();
    return { container, queue };
  }

  const consumersOf = (queue: string) =>
    here.admin.on(async (channel) => (await channel.checkQueue(queue)).consumerCount);

  it('handles every message, whatever fails or is cut, and doubles no more than it may hold', async () => {
    const done = new Map<string, number>();
    const failed = new Set<string>();
    let [running, most] = [0, 0];
    const { container, queue } = await listen(async ({ payload }) => {
      const name = String(payload);
      most = Math.max(most, ++running);
      await sleep(name.length * 2 + Math.random() * 4);
      running--;
      if (name.endsWith('7') && !failed.has(name)) {
        failed.add(name);
        throw new Error('once');
      }
      done.set(name, (done.get(name) ?? 0) + 1);
    });
    expect(await consumersOf(queue)).to.equal(1);
    await here.admin.send(queue, ...MESSAGES);
    await eventually('half of them', () => done.size > 200);
    here.proxy.cut();
    await eventually('all of them', () => done.size === MESSAGES.length && container.inspect().held === 0, 30_000);
    await container.stop();
    expect(await here.admin.ready(queue)).to.equal(0);
    expect(most).to.equal(CONCURRENCY);
    const doubled = [...done.values()].reduce((sum, times) => sum + times - 1, 0);
    expect(doubled).to.be.at.most(CONCURRENCY * PREFETCH);
  });

  it('gives back at a stop what was fetched and not begun, and acknowledges what ends in time', async () => {
    const ends: (() => void)[] = [];
    const { container, queue } = await listen(() => new Promise<void>((resolve) => ends.push(resolve)));
    await here.admin.send(queue, ...MESSAGES.slice(0, CONCURRENCY * PREFETCH));
    await eventually('a full consumer', () => container.inspect().held === CONCURRENCY * PREFETCH);
    const stopped = container.stop({ timeoutMs: 5000 });
    await eventually('the rest in its queue', async () => {
      return (await here.admin.ready(queue)) === CONCURRENCY * (PREFETCH - 1);
    });
    for (const end of ends) end();
    expect(await stopped).to.deep.equal({ abandoned: 0 });
    expect(await here.admin.ready(queue)).to.equal(CONCURRENCY * (PREFETCH - 1));
  });

  it('leaves the order to a queue with a single active consumer that is declared elsewhere', async () => {
    const queue = here.admin.queueName('single');
    await here.admin.makeQueue(queue, { durable: true, arguments: { 'x-single-active-consumer': true } });
    const handled: string[] = [];
    let [running, most] = [0, 0];
    const { container } = await listen(
      async ({ payload }) => {
        most = Math.max(most, ++running);
        await sleep(Math.random() * 3);
        running--;
        handled.push(String(payload));
      },
      { queue },
    );
    expect(await consumersOf(queue)).to.equal(CONCURRENCY);
    await here.admin.send(queue, ...MESSAGES.slice(0, 50));
    await eventually('all of them', () => handled.length === 50);
    expect(handled).to.deep.equal(MESSAGES.slice(0, 50));
    expect(most).to.equal(1);
    await container.stop();
  });
});
