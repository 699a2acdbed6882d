import { publishAll } from './common.mjs';
import { connectRascal } from './rascal.mjs';

const broker = await connectRascal({ publications: true });
broker.on('error', () => undefined);
await publishAll(
  async (order, { messageId, headers }) => {
    const options = { persistent: true, mandatory: true, messageId, headers };
    const publication = await broker.publish('orders', order, { options });
    await new Promise((resolve, reject) => publication.on('success', resolve).on('error', reject).on('return', reject));
  },
  () => broker.shutdown(),
);
