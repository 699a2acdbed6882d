import { NAMES, publishAll } from './common.mjs';
import { startGolevelup } from './golevelup.mjs';

const { app, connection } = await startGolevelup([]);
await publishAll(
  (order, { messageId, headers }) =>
    connection.publish(NAMES.exchange, NAMES.routingKey, order, {
      persistent: true,
      mandatory: true,
      messageId,
      headers,
      timeout: 10_000,
    }),
  () => app.close(),
);
