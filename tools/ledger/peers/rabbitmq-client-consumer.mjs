/** rabbitmq-client: a consumer that reconnects by itself; what its handler rejects is dead-lettered (`requeue: false`). */
import { Connection } from 'rabbitmq-client';
import {
  closing,
  concurrency,
  heartbeatSeconds,
  NAMES,
  prefetch,
  QUEUE_ARGUMENTS,
  self,
  service,
  urls,
} from './common.mjs';

const { handleWithRetry, close } = service();
const connection = new Connection({ url: urls[0], heartbeat: heartbeatSeconds });
connection.on('error', () => undefined);
await connection.exchangeDeclare({ exchange: NAMES.deadExchange, type: 'direct', durable: true });
await connection.queueDeclare({ queue: NAMES.deadQueue, durable: true, arguments: { 'x-queue-type': 'quorum' } });
await connection.queueBind({ queue: NAMES.deadQueue, exchange: NAMES.deadExchange, routingKey: NAMES.queue });
const consumer = connection.createConsumer(
  {
    queue: NAMES.queue,
    queueOptions: { durable: true, arguments: QUEUE_ARGUMENTS },
    exchanges: [{ exchange: NAMES.exchange, type: 'direct', durable: true }],
    queueBindings: [{ exchange: NAMES.exchange, routingKey: NAMES.routingKey }],
    qos: { prefetchCount: prefetch * concurrency },
    concurrency,
    requeue: false,
  },
  async ({ body, messageId, headers, redelivered }) => {
    await handleWithRetry(body, { messageId, headers, redelivered });
  },
);
consumer.on('error', () => undefined);
consumer.once('ready', () => self.tell({ type: 'ready' }));
closing(
  () => consumer.close(),
  () => connection.close(),
  close,
);
