import { randomUUID } from 'node:crypto';
import rascal from 'rascal';
import { readerOf } from './read.mjs';

function broker(url, parts) {
  const { pathname } = new URL(url);
  const vhost = pathname.length > 1 ? decodeURIComponent(pathname.slice(1)) : '/';
  return rascal.BrokerAsPromised.create(
    rascal.withDefaultConfig({ vhosts: { [vhost]: { connection: { url }, ...parts } } }),
  );
}

const queues = (queue) => ({ [queue]: { assert: false, check: true } });

export async function consume({ url, queue, prefetch, kind }, onPayload) {
  const read = await readerOf(kind);
  const own = await broker(url, { queues: queues(queue), subscriptions: { bench: { queue, prefetch } } });
  const subscription = await own.subscribe('bench');
  subscription.on('message', async (_message, content, ackOrNack) => {
    await onPayload(await read(content));
    ackOrNack();
  });
  subscription.on('error', fail);
}

export async function publisher({ url, queue }) {
  const own = await broker(url, { queues: queues(queue), publications: { bench: { queue, confirm: true } } });
  const publish = async (payload) => {
    const options = { persistent: true, mandatory: true, messageId: randomUUID() };
    const publication = await own.publish('bench', payload, { options });
    await new Promise((resolve, reject) => publication.on('success', resolve).on('error', reject).on('return', reject));
  };
  return { publish };
}

function fail(error) {
  console.error(error);
  process.exit(1);
}
