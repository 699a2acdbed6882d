import { AmqplibTransport } from '@leveret/amqplib';
import {
  contentTypeConverter,
  Problems,
  type PublishError,
  Publisher,
  type PublisherOptions,
  type PublishReceipt,
  resolvePublisherOptions,
  silentLogger,
  systemClock,
} from '@leveret/core';

/** A publisher under test with a transport of its own. */
export interface RunningPublisher extends AsyncDisposable {
  readonly publisher: Publisher;
  readonly transport: AmqplibTransport;
}

/** Starts a publisher against a broker (or a proxy before it). It connects with its first message, and closes with the test. */
export function startPublisher(url: string, options: PublisherOptions = {}): RunningPublisher {
  const problems = new Problems();
  const resolved = resolvePublisherOptions(options, problems);
  problems.throwIfAny();
  const transport = new AmqplibTransport({ connection: { urls: url } });
  const publisher = new Publisher({
    transport,
    options: resolved,
    converter: contentTypeConverter(),
    clock: systemClock,
    logger: silentLogger,
  });
  return {
    publisher,
    transport,
    async [Symbol.asyncDispose]() {
      await publisher.close({ timeout: 1000 });
      await transport.close({ timeoutMs: 1000 });
    },
  };
}

/** What a publish rejects with. */
export async function failureOf(publishing: Promise<PublishReceipt>): Promise<PublishError> {
  const outcome = await publishing.then(
    (receipt) => `it resolved to ${JSON.stringify(receipt)}`,
    (error: PublishError) => error,
  );
  if (typeof outcome === 'string') throw new Error(`expected the publish to be rejected, but ${outcome}`);
  return outcome;
}
