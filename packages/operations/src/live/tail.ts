import { randomUUID } from 'node:crypto';
import { LeveretError, type Message } from '@leveret/core';
import type { OperationsSession } from '../session/operations-session.js';

/** What is followed: what comes to a queue, or what is published to an exchange. */
export type TailSource =
  | { readonly queue: string }
  /** `#` when no key is given: everything, on topic and fanout exchanges. */
  | { readonly exchange: string; readonly routingKey?: string };

/** Options of {@link tail}. */
export interface TailOptions {
  readonly onMessage: (message: Message) => void;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Told once copies are coming. */
  readonly onReady?: () => void;
}

/** More than a reader can follow: the oldest are dropped. */
const MOST_WAITING = 10_000;

interface Binding {
  readonly source: string;
  readonly routingKey: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/**
 * Follows messages by copies: a queue of this connection's own is bound as the queue is that is followed, so that nothing is
 * taken from anybody. A stream is read from its end. What is published to the queue's name by the default exchange has no copies.
 * @throws {LeveretError} LEV_OPERATION_REFUSED when there is nothing to bind to, LEV_QUEUE_MISSING, LEV_OPERATION_INTERRUPTED
 */
export async function tail(session: OperationsSession, source: TailSource, options: TailOptions): Promise<void> {
  const { broker } = session;
  if ('queue' in source && (await broker.queue(source.queue)) === undefined) {
    throw new LeveretError('LEV_QUEUE_MISSING', `Queue ${JSON.stringify(source.queue)} is not there.`);
  }
  if ('queue' in source && (await session.queueType(source.queue)) === 'stream') {
    return follow(session, source.queue, { 'x-stream-offset': 'next' }, options);
  }
  const bindings = await bindingsOf(session, source);
  const name = `leveret.tail.${randomUUID()}`;
  const args = { 'x-max-length': MOST_WAITING };
  await broker.declareQueue(name, { durable: false, exclusive: true, autoDelete: true, arguments: args });
  for (const { source: exchange, routingKey, arguments: of } of bindings) {
    await broker.bindQueue(name, exchange, routingKey, { ...of });
  }
  return follow(session, name, undefined, options);
}

async function bindingsOf(session: OperationsSession, source: TailSource): Promise<readonly Binding[]> {
  if ('exchange' in source) {
    const { exchange, routingKey = '#' } = source;
    if (exchange !== '') return [{ source: exchange, routingKey, arguments: {} }];
    throw new LeveretError('LEV_OPERATION_REFUSED', 'Nothing can be bound to the default exchange: follow a queue.');
  }
  const reader = await session.needManagement('Following a queue', 'Follow an exchange instead: it needs no bindings.');
  const bindings = (await reader.bindings()).filter(
    ({ destination, destinationType }) => destinationType === 'queue' && destination === source.queue,
  );
  if (bindings.length > 0) return bindings;
  const text = `Queue ${JSON.stringify(source.queue)} has no bindings: what is sent straight to it by the default exchange has no copies. Read what waits there with errors show or errors export, which put it back.`;
  throw new LeveretError('LEV_OPERATION_REFUSED', text);
}

async function follow(
  { broker }: OperationsSession,
  queue: string,
  args: Readonly<Record<string, unknown>> | undefined,
  { onMessage, onReady, signal }: TailOptions,
): Promise<void> {
  let end: (error?: Error) => void = () => {};
  const ended = new Promise<Error | undefined>((resolve) => {
    end = resolve;
  });
  const isStream = args !== undefined;
  const consumer = await broker.consume(
    queue,
    isStream ? { prefetch: 200, arguments: args } : { prefetch: 0, noAck: true },
    {
      delivered: ({ message, channel, deliveryTag }) => {
        if (isStream) channel.ack(deliveryTag);
        onMessage(message);
      },
      ended: (error) => end(error ?? new Error('its consumer was cancelled')),
    },
  );
  const stop = () => end();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  onReady?.();
  const error = await ended;
  signal.removeEventListener('abort', stop);
  await consumer.close();
  if (error === undefined || signal.aborted) return;
  const text = `Following ${JSON.stringify(queue)} ended: ${error.message}`;
  throw new LeveretError('LEV_OPERATION_INTERRUPTED', text, { cause: error });
}
