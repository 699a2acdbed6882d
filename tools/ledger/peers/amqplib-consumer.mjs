/**
 * amqplib by hand, as careful as an evening allows: reconnects with pauses, declares again, prefetch, three attempts, parks with a
 * confirm before the ack, settles only on the channel that delivered, and finishes what runs at SIGTERM.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'amqplib';
import {
  closing,
  concurrency,
  declare,
  heartbeatSeconds,
  heeds,
  NAMES,
  prefetch,
  self,
  service,
  urls,
} from './common.mjs';

const { handleWithRetry, close } = service();
let isStopping = false;
let current;
let inHand = 0;

async function consume() {
  const connection = await connect(`${urls[0]}?heartbeat=${heartbeatSeconds}`);
  const gone = new Promise((resolve) => connection.once('close', resolve));
  connection.on('error', () => undefined);
  const channels = [];
  current = { connection, channels };
  for (let number = 0; number < concurrency; number++) {
    const channel = await connection.createConfirmChannel();
    // A channel that the broker closes: the whole connection is made anew.
    channel.on('error', () => connection.close().catch(() => undefined));
    if (number === 0) await declare(channel);
    await channel.prefetch(prefetch);
    const gone = new AbortController();
    const isOpen = () => !gone.signal.aborted;
    channel.once('close', () => gone.abort());
    let turn = Promise.resolve();
    const { consumerTag } = await channel.consume(NAMES.queue, (message) => {
      if (message === null) return void connection.close().catch(() => undefined);
      turn = turn.then(async () => {
        if (!isOpen() || isStopping) return;
        inHand++;
        await onMessage(channel, message, isOpen, gone.signal);
        inHand--;
      });
    });
    channels.push({ channel, consumerTag });
  }
  await gone;
}

async function onMessage(channel, message, isOpen, gone) {
  const { messageId, headers } = message.properties;
  const order = JSON.parse(message.content.toString());
  try {
    const signal = heeds === 'all' ? gone : undefined;
    await handleWithRetry(order, { messageId, headers, redelivered: message.fields.redelivered, signal });
    if (isOpen()) channel.ack(message);
  } catch {
    await park(channel, message, isOpen);
  }
}

async function park(channel, message, isOpen) {
  if (!isOpen()) return;
  try {
    await new Promise((resolve, reject) => {
      const { properties } = message;
      channel.once('close', () => reject(new Error('closed')));
      channel.publish(
        NAMES.parkedExchange,
        'error',
        message.content,
        { ...properties, persistent: true, mandatory: true },
        (error) => (error ? reject(error) : resolve()),
      );
    });
    if (isOpen()) channel.ack(message);
  } catch {
    if (isOpen()) channel.nack(message, false, true);
  }
}

closing(async () => {
  isStopping = true;
  await Promise.all(
    current.channels.map(({ channel, consumerTag }) => channel.cancel(consumerTag).catch(() => undefined)),
  );
  for (const end = performance.now() + 20_000; inHand > 0 && performance.now() < end; ) await delay(20);
  await Promise.all(current.channels.map(({ channel }) => channel.close().catch(() => undefined)));
  await current.connection.close().catch(() => undefined);
}, close);
let isReady = false;
const ready = setInterval(() => {
  if (isReady || current?.channels.length !== concurrency) return;
  isReady = true;
  clearInterval(ready);
  self.tell({ type: 'ready' });
}, 20);
for (let pauseMs = 20; !isStopping; pauseMs = Math.min(pauseMs * 2, 1000)) {
  const began = performance.now();
  await consume().catch(() => undefined);
  if (performance.now() - began > 2000) pauseMs = 20;
  await delay(pauseMs);
}
