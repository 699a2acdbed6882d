/** The control: amqplib by hand, as its documentation shows it. */
import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { makeShapes } from '../lib/shapes.mjs';

const PROPERTIES = () => ({
  persistent: true,
  mandatory: true,
  messageId: randomUUID(),
  contentType: 'application/json',
});

async function readerOf({ kind, unchecked }) {
  if (kind === 'bytes') return (content) => content;
  if (kind === 'json' || unchecked) return (content) => JSON.parse(content.toString());
  await import('reflect-metadata');
  const transformer = await import('class-transformer');
  const validator = await import('class-validator');
  const type = makeShapes(transformer, validator)[kind];
  return async (content) => {
    const payload = transformer.plainToInstance(type, JSON.parse(content.toString()));
    await validator.validateOrReject(payload);
    return payload;
  };
}

export async function consume(job, onPayload) {
  const read = await readerOf(job);
  const connection = await connect(job.url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.prefetch(job.prefetch);
  const isSync = (job.kind === 'bytes' || job.kind === 'json' || job.unchecked) && job.waitMs === undefined;
  const onMessage = isSync
    ? (message) => {
        onPayload(read(message.content));
        channel.ack(message);
      }
    : async (message) => {
        await onPayload(await read(message.content));
        channel.ack(message);
      };
  await channel.consume(job.queue, onMessage);
}

export async function publisher({ url, queue }) {
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  const publish = (payload) =>
    new Promise((resolve, reject) => {
      channel.sendToQueue(queue, Buffer.from(JSON.stringify(payload)), PROPERTIES(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
  // A confirm for each 500, as its guide does it.
  const publishAll = async (payloads) => {
    let sent = 0;
    for (const payload of payloads) {
      channel.sendToQueue(queue, Buffer.from(JSON.stringify(payload)), PROPERTIES());
      if (++sent % 500 === 0) await channel.waitForConfirms();
    }
    await channel.waitForConfirms();
  };
  return { publish, publishAll };
}

export async function requester({ url, queue }) {
  const connection = await connect(url, { noDelay: true });
  const server = await connection.createChannel();
  await server.prefetch(50);
  await server.consume(queue, (message) => {
    const { replyTo, correlationId } = message.properties;
    const reply = { echoed: JSON.parse(message.content.toString()).orderId };
    server.sendToQueue(replyTo, Buffer.from(JSON.stringify(reply)), { correlationId, contentType: 'application/json' });
    server.ack(message);
  });
  const client = await connection.createChannel();
  const waiting = new Map();
  const onReply = ({ properties, content }) => {
    waiting.get(properties.correlationId)?.(JSON.parse(content.toString()));
    waiting.delete(properties.correlationId);
  };
  await client.consume('amq.rabbitmq.reply-to', onReply, { noAck: true });
  const request = (payload) =>
    new Promise((resolve) => {
      const correlationId = randomUUID();
      waiting.set(correlationId, resolve);
      const properties = { ...PROPERTIES(), correlationId, replyTo: 'amq.rabbitmq.reply-to' };
      client.sendToQueue(queue, Buffer.from(JSON.stringify(payload)), properties);
    });
  return { request };
}

/** Remembers ids as a careful program does it: claimed before, completed behind. */
export async function consumeOnce({ url, queue, prefetch, store, redisUrl }, onPayload) {
  const claims = store === 'redis' ? await redisClaims(redisUrl) : memoryClaims();
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createChannel();
  await channel.prefetch(prefetch);
  // One after the other, in order, as the listener does it.
  let last = Promise.resolve();
  await channel.consume(queue, (message) => {
    last = last.then(async () => {
      const id = message.properties.messageId;
      if (await claims.begin(id)) {
        onPayload(JSON.parse(message.content.toString()));
        await claims.complete(id);
      }
      channel.ack(message);
    });
  });
}

function memoryClaims() {
  const known = new Map();
  return {
    begin: (id) => !known.has(id) && known.set(id, 'claimed') !== undefined,
    complete: (id) => known.set(id, 'handled'),
  };
}

async function redisClaims(url) {
  const { Redis } = await import('ioredis');
  const redis = new Redis(url);
  const key = (id) => `bench:${id}`;
  return {
    begin: async (id) => (await redis.set(key(id), 'claimed', 'PX', 60_000, 'NX')) === 'OK',
    complete: (id) => redis.set(key(id), 'handled', 'PX', 60_000),
  };
}

export async function listeners({ url, queues }) {
  const connection = await connect(url, { noDelay: true });
  for (const queue of queues) {
    const channel = await connection.createChannel();
    await channel.prefetch(50);
    await channel.consume(queue, (message) => channel.ack(message));
  }
}
