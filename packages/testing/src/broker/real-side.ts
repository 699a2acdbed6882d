import { setTimeout as delay } from 'node:timers/promises';
import { AmqplibTransport } from '@leveret/amqplib';
import { type Clock, type Message, systemClock } from '@leveret/core';
import type { ManagementOptions } from 'leveret';
import { HarnessError } from '../errors/harness-error.js';
import type { BrokerSide } from './broker-side.js';
import { type QueuedMessage, queuedMessage } from './queued-message.js';
import { TestVirtualHost } from './test-virtual-host.js';

/** Nobody can look into this broker: what has been quiet for so long is taken to be at rest. */
const QUIET_MS = 150;
/** How long a queue is read after its last message came. */
const READ_QUIET_MS = 100;
const READ_LIMIT_MS = 5000;
/** A test that waits longer than this is not worth its time. */
const LONGEST_WAIT_MS = 5000;

/** A RabbitMQ somewhere else, where time passes by itself. */
export class RealSide implements BrokerSide {
  readonly kind = 'real';
  readonly quietMs = QUIET_MS;
  readonly clock: Clock = systemClock;
  readonly url: string;
  readonly management: ManagementOptions | undefined;
  readonly #virtualHost: TestVirtualHost | undefined;

  private constructor(url: string, management: ManagementOptions | undefined, virtualHost?: TestVirtualHost) {
    this.url = url;
    this.management = management;
    this.#virtualHost = virtualHost;
  }

  /** With the management API, in a virtual host of its own that is thrown away at the end; else in that of the URL. */
  static async start(url: string, managementUrl: string | undefined): Promise<RealSide> {
    if (managementUrl === undefined) return new RealSide(url, undefined);
    const virtualHost = await TestVirtualHost.create(managementUrl, url);
    return new RealSide(virtualHost.amqpUrl, { url: virtualHost.managementUrl }, virtualHost);
  }

  facts(): undefined {
    return undefined;
  }

  /** Takes the messages as a consumer and gives them back: they count as redelivered afterwards. */
  async messages(queue: string): Promise<readonly QueuedMessage[]> {
    const transport = new AmqplibTransport({ connection: { urls: this.url, name: 'leveret-test:reader' } });
    try {
      return await readAll(transport, queue);
    } finally {
      await transport.close({ timeoutMs: 1000 });
    }
  }

  checkAdvance(ms: number): void {
    if (ms <= LONGEST_WAIT_MS) return;
    throw new HarnessError(
      `expected to advance by at most ${LONGEST_WAIT_MS} ms, received ${ms} ms: on a real broker time has to pass. Run this test on the embedded one, broker: 'embedded'`,
    );
  }

  step(): boolean {
    return false;
  }

  async pass(until: number): Promise<void> {
    await delay(Math.max(0, until - this.clock.monotonic()));
  }

  async close(): Promise<void> {
    await this.#virtualHost?.remove();
  }
}

async function readAll(transport: AmqplibTransport, queue: string): Promise<readonly QueuedMessage[]> {
  const found: Message[] = [];
  let cameAt = performance.now();
  let failed: Error | undefined;
  const fail = (error: Error) => {
    failed ??= error;
  };
  await transport.connect('consume');
  const subscription = transport.subscribe(
    {
      queue,
      prefetch: 0,
      noAck: false,
      exclusive: false,
      priority: undefined,
      arguments: {},
      tagPrefix: 'leveret-test-reader',
      missingQueue: 'fail',
    },
    {
      deliver({ message }) {
        cameAt = performance.now();
        found.push(message);
      },
      consuming: () => {},
      interrupted: (cause, error) => fail(error ?? new Error(cause)),
      failed: fail,
    },
  );
  try {
    await subscription.ready;
    const end = performance.now() + READ_LIMIT_MS;
    cameAt = performance.now();
    while (failed === undefined && performance.now() < Math.min(end, cameAt + READ_QUIET_MS)) await delay(5);
  } catch (error) {
    fail(error as Error);
  }
  await subscription.close();
  if (failed === undefined) return found.map(queuedMessage);
  throw new HarnessError(`expected to read queue ${JSON.stringify(queue)}: ${failed.message}`, { cause: failed });
}
