/**
 * One process of the broker bench, its result as JSON on the last line:
 *
 *   broker-worker.mjs broker                    the embedded broker alone; says its URL, answers each message with its memory
 *   broker-worker.mjs client URL COUNT FLAGS    a client of the broker at URL
 *   broker-worker.mjs inside COUNT FLAGS        the embedded broker and a client of it in one process
 *   broker-worker.mjs fill URL COUNT            publishes COUNT messages and leaves them there
 *
 * FLAGS is `persistent` or `transient`. Every client is amqplib: 256 publishes in flight, each confirmed; prefetch 250,
 * one ack per message.
 */
import { randomUUID } from 'node:crypto';
import { connect } from 'amqplib';
import { Broker } from '../../packages/broker/dist/index.js';

const IN_FLIGHT = 256;
const PREFETCH = 250;
const WARM_UP = 10_000;
const BODY = Buffer.from(JSON.stringify({ orderId: 4711, paidAt: '2026-01-01T12:00:00.000Z', note: 'x'.repeat(136) }));
const ID = randomUUID();

const [role, ...args] = process.argv.slice(2);
const roles = { broker: serve, client: (url, count, flags) => measure(url, Number(count), flags), inside, fill };
const result = await roles[role](...args);
if (result !== undefined) console.log(JSON.stringify(result));

async function serve() {
  const broker = await Broker.start({ version: '3.10' });
  process.on('message', () => {
    process.send({ rssMiB: process.memoryUsage().rss / 2 ** 20 });
  });
  process.once('disconnect', () => broker.close());
  process.send({ url: broker.url });
}

async function inside(count, flags) {
  const broker = await Broker.start({ version: '3.10' });
  try {
    return await measure(broker.url, Number(count), flags);
  } finally {
    await broker.close();
  }
}

/** Messages per second: published and confirmed, then taken and acknowledged, then both at once. */
async function measure(url, count, flags) {
  const connection = await connect(url, { noDelay: true });
  const publishing = await connection.createConfirmChannel();
  const queue = `leveret.bench.broker.${randomUUID()}`;
  const persistent = flags === 'persistent';
  await publishing.assertQueue(queue, { durable: persistent });
  try {
    await publish(publishing, queue, WARM_UP, persistent);
    await consume(connection, queue, WARM_UP);
    const published = await perSecond(count, () => publish(publishing, queue, count, persistent));
    const consumed = await perSecond(count, () => consume(connection, queue, count));
    const passed = await perSecond(count, () =>
      Promise.all([publish(publishing, queue, count, persistent), consume(connection, queue, count)]),
    );
    return { published, consumed, passed };
  } finally {
    await publishing.deleteQueue(queue);
    await connection.close();
  }
}

async function fill(url, count) {
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  const queue = 'leveret.bench.broker.held';
  await channel.assertQueue(queue, { durable: true });
  await publish(channel, queue, Number(count), true);
  const { messageCount } = await channel.checkQueue(queue);
  if (messageCount !== Number(count)) throw new Error(`expected ${count} messages on ${queue}, found ${messageCount}`);
  await connection.close();
  return { bodyBytes: BODY.length };
}

async function perSecond(count, work) {
  const start = process.hrtime.bigint();
  await work();
  return count / (Number(process.hrtime.bigint() - start) / 1e9);
}

function publish(channel, queue, count, persistent) {
  const properties = { persistent, messageId: ID, contentType: 'application/json', contentEncoding: 'UTF-8' };
  let sent = 0;
  let confirmed = 0;
  return new Promise((resolve, reject) => {
    const onConfirm = (error) => {
      if (error !== null) reject(error);
      else if (++confirmed === count) resolve();
      else next();
    };
    const next = () => {
      if (sent === count) return;
      sent++;
      channel.publish('', queue, BODY, properties, onConfirm);
    };
    for (let n = 0; n < IN_FLIGHT; n++) next();
  });
}

async function consume(connection, queue, count) {
  const channel = await connection.createChannel();
  await channel.prefetch(PREFETCH);
  let seen = 0;
  await new Promise((resolve, reject) => {
    const onMessage = (message) => {
      if (message === null) return reject(new Error(`the consumer of ${queue} was cancelled`));
      channel.ack(message);
      if (++seen === count) resolve();
    };
    channel.consume(queue, onMessage).catch(reject);
  });
  // The broker has all the acks when it has closed the channel.
  await channel.close();
}
