/** amqplib by hand: a confirm channel, a promise for each publish, rejected when the channel goes; mandatory, with returns heeded. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'amqplib';
import { declare, heartbeatSeconds, NAMES, publishAll, urls } from './common.mjs';

let channel;
let connection;
const returned = new Set();

async function keepConnected() {
  for (;;) {
    try {
      connection = await connect(`${urls[0]}?heartbeat=${heartbeatSeconds}`);
      connection.on('error', () => undefined);
      const gone = new Promise((resolve) => connection.once('close', resolve));
      const opened = await connection.createConfirmChannel();
      opened.on('error', () => connection.close().catch(() => undefined));
      opened.on('return', ({ properties }) => returned.add(properties.messageId));
      await declare(opened);
      channel = opened;
      await gone;
    } catch {
      // Tried again below.
    }
    channel = undefined;
    await delay(50);
  }
}

void keepConnected();
await publishAll(
  (order, { messageId, headers }) =>
    new Promise((resolve, reject) => {
      if (channel === undefined) return reject(new Error('not connected'));
      const body = Buffer.from(JSON.stringify(order));
      const options = { persistent: true, mandatory: true, contentType: 'application/json', messageId, headers };
      channel.publish(NAMES.exchange, NAMES.routingKey, body, options, (error) => {
        if (error) reject(error);
        else if (returned.delete(messageId)) reject(new Error('returned'));
        else resolve();
      });
    }),
  async () => connection?.close().catch(() => undefined),
);
