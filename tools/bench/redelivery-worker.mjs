/**
 * One consumer process of the redelivery run. Its options come as JSON in REDELIVERY_OPTIONS; every call of its handler goes to
 * stdout as a line: id, redeliveries, attempt, milliseconds since the epoch, what it came to.
 */
import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { Leveret, Listener } from 'leveret';

const { url, queue, redeliver, retry, succeedsAt, handlerMs } = JSON.parse(process.env.REDELIVERY_OPTIONS);

class Orders {
  async onOrder(context) {
    const { message, attempt, redeliveries } = context;
    const id = message.messageId;
    await new Promise((resolve) => setTimeout(resolve, handlerMs));
    const fails = redeliveries + 1 < succeedsAt;
    // Written before it is settled: a process that is killed has still said so.
    writeSync(1, `${id} ${redeliveries} ${attempt} ${Date.now()} ${fails ? 'failed' : 'handled'}\n`);
    if (fails) throw new Error('not yet');
  }
}
const { Context } = await import('leveret');
Context()(Orders.prototype, 'onOrder', 0);
Listener({ queue, retry, redeliver, prefetch: 20 })(
  Orders.prototype,
  'onOrder',
  Object.getOwnPropertyDescriptor(Orders.prototype, 'onOrder'),
);

const app = await Leveret.start({ connection: { urls: url }, listeners: [Orders], logger: 'error' });
process.send?.({ type: 'ready', way: app.listeners.inspect()[0]?.redelivery?.way });
process.on('message', () => {
  process.send?.({ type: 'stats', confirmed: app.publisher.stats.confirmed });
});
