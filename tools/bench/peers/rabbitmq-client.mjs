import { randomUUID } from 'node:crypto';
import { Connection } from 'rabbitmq-client';
import { readerOf } from './read.mjs';

export async function consume({ url, queue, prefetch, kind, waitMs }, onPayload) {
  const read = await readerOf(kind);
  const connection = new Connection(url);
  const consumer = connection.createConsumer(
    {
      queue,
      queueOptions: { passive: true },
      qos: { prefetchCount: prefetch },
      ...(waitMs ? { concurrency: prefetch } : {}),
    },
    // Its own codec has read JSON already.
    async ({ body }) => {
      await onPayload(await read(body));
    },
  );
  consumer.on('error', fail);
}

export async function publisher({ url, queue }) {
  const connection = new Connection(url);
  const own = connection.createPublisher({ confirm: true });
  const publish = (payload) =>
    own.send({ routingKey: queue, durable: true, mandatory: true, messageId: randomUUID() }, payload);
  return {
    publish,
  };
}

export async function requester({ url, queue }) {
  const connection = new Connection(url);
  const server = connection.createConsumer(
    { queue, queueOptions: { passive: true }, qos: { prefetchCount: 50 } },
    async ({ body }, reply) => {
      await reply({ echoed: body.orderId });
    },
  );
  server.on('error', fail);
  const client = connection.createRPCClient({ confirm: true });
  const request = async (payload) => (await client.send(queue, payload)).body;
  return {
    request,
  };
}

function fail(error) {
  console.error(error);
  process.exit(1);
}
