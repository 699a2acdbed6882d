import { AmqplibTransport } from '@leveret/amqplib';
import { ListenerContainer, silentLogger, systemClock } from '@leveret/core';
import { Leveret, type LeveretOptions } from 'leveret';
import { type BrokerSide, connectionTo } from '../broker/broker-side.js';
import { HarnessError } from '../errors/harness-error.js';
import type { DeliveryRecord } from '../watch/delivery-record.js';
import type { Journal } from '../watch/journal.js';
import { spyOnListener } from '../watch/spy-on-listener.js';
import { WatchedTransport } from '../watch/watched-transport.js';
import type { AnyClass } from './any-class.js';
import type { Override } from './harness-options.js';

/** Containers of harnesses that are open. */
const inUse = new WeakSet<object>();

let count = 0;

/** The application under test: made from a user's options, connected to the harness's broker, and watched. */
export class Application {
  readonly leveret: Leveret;
  readonly connectionName: string;
  readonly #journal: Journal;
  /** Classes of listeners that have been called, by id. */
  readonly #classes = new Map<string, AnyClass>();
  readonly #undo: (() => void)[] = [];
  readonly #watched = new WeakSet<object>();
  /** Ids of listeners, by what stood in `listeners`. */
  readonly #ids = new Map<unknown, Set<string>>();

  constructor(options: LeveretOptions, overrides: readonly Override[], side: BrokerSide, journal: Journal) {
    this.#journal = journal;
    this.connectionName = options.connection?.name ?? `leveret-test:${process.pid}:${++count}`;
    const connection = connectionTo(side.url, options.connection ?? {}, this.connectionName);
    const { mismatch } = options;
    // Connections go by real time: a test that lets an hour pass must not end them.
    const transport = new AmqplibTransport({ connection, clock: systemClock, ...(mismatch && { mismatch }) });
    if (options.container !== undefined && inUse.has(options.container)) {
      throw new HarnessError(
        'expected a container of its own, received one that another open harness uses: make a container for each',
      );
    }
    this.leveret = new Leveret(
      {
        logger: silentLogger,
        ...options,
        ...(side.management && { management: { ...options.management, ...side.management } }),
        connection,
        interceptors: [journal.intercept, ...(options.interceptors ?? [])],
        transport: new WatchedTransport(transport, journal),
        clock: side.clock,
      },
      { replaced: overrides, onInstance: this.#watch },
    );
    this.leveret.on(journal.onEvent);
  }

  async start(): Promise<void> {
    const { container } = this.leveret;
    if (container !== undefined) inUse.add(container);
    await this.leveret.start();
  }

  readonly #watch = (listener: unknown, instance: object, id: string): void => {
    this.#ids.set(listener, (this.#ids.get(listener) ?? new Set()).add(id));
    if (this.#watched.has(instance)) return;
    this.#watched.add(instance);
    const listenerClass = typeof listener === 'function' ? (listener as AnyClass) : (instance.constructor as AnyClass);
    this.#undo.push(spyOnListener(instance, this.#journal, (id) => this.#classes.set(id, listenerClass)));
  };

  /** Name of the method that handles a delivery, such as `PayStatusListener.onPaySucceeded`; else the listener's id. */
  readonly nameOf = ({ listenerId, message }: DeliveryRecord): string => {
    const listener = this.leveret.listeners.all.find(({ id }) => id === listenerId);
    if (!(listener instanceof ListenerContainer)) return listenerId;
    try {
      return listener.definition.handler.route(message).name;
    } catch {
      // Nobody handles messages of this type.
      return listenerId;
    }
  };

  /** The ids that a function has as a listener; `undefined` when it is none. */
  readonly idsOf = (listener: unknown): ReadonlySet<string> | undefined => this.#ids.get(listener);

  /** The class that handles a delivery, once its listener has been called. */
  readonly classOf = ({ listenerId }: DeliveryRecord): AnyClass | undefined => this.#classes.get(listenerId);

  /** Takes back what was done to objects of the test's own. */
  release(): void {
    const { container } = this.leveret;
    if (container !== undefined) inUse.delete(container);
    for (const each of this.#undo.splice(0)) each();
  }
}
