import { closing, self, service } from './common.mjs';
import { connectRascal, RECOVERY } from './rascal.mjs';

const { handle, close } = service();
const broker = await connectRascal({ subscriptions: true });
broker.on('error', () => undefined);
const subscription = await broker.subscribe('orders');
subscription.on('message', async (message, content, ackOrNack) => {
  const { messageId, headers } = message.properties;
  const republished = Object.values(headers.rascal?.recovery ?? {})[0]?.republished ?? 0;
  try {
    await handle(content, { messageId, headers, redelivered: message.fields.redelivered, attempt: republished + 1 });
    ackOrNack();
  } catch (error) {
    ackOrNack(error, RECOVERY);
  }
});
subscription.on('error', () => undefined);
closing(() => broker.shutdown(), close);
self.tell({ type: 'ready' });
