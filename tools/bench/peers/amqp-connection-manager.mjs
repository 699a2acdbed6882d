import { randomUUID } from 'node:crypto';
import { connect } from 'amqp-connection-manager';
import { readerOf } from './read.mjs';

export async function consume({ url, queue, prefetch, kind }, onPayload) {
  const read = await readerOf(kind);
  const connection = connect([url]);
  const channel = connection.createChannel();
  const onMessage = async (message) => {
    const { content } = message;
    await onPayload(await read(kind === 'bytes' ? content : JSON.parse(content.toString())));
    channel.ack(message);
  };
  await channel.consume(queue, onMessage, { prefetch });
}

export async function publisher({ url, queue }) {
  const connection = connect([url]);
  const channel = connection.createChannel({ json: true });
  await channel.waitForConnect();
  const options = () => ({
    persistent: true,
    mandatory: true,
    messageId: randomUUID(),
    contentType: 'application/json',
  });
  return {
    publish: (payload) => channel.sendToQueue(queue, payload, options()),
  };
}
