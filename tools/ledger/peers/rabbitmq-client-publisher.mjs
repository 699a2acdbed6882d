import { Connection } from 'rabbitmq-client';
import { heartbeatSeconds, NAMES, publishAll, urls } from './common.mjs';

const connection = new Connection({ url: urls[0], heartbeat: heartbeatSeconds });
connection.on('error', () => undefined);
const publisher = connection.createPublisher({
  confirm: true,
  maxAttempts: 2,
  exchanges: [{ exchange: NAMES.exchange, type: 'direct', durable: true }],
});
await publishAll(
  (order, { messageId, headers }) =>
    publisher.send(
      { exchange: NAMES.exchange, routingKey: NAMES.routingKey, durable: true, mandatory: true, messageId, headers },
      order,
    ),
  async () => {
    await publisher.close();
    await connection.close();
  },
);
