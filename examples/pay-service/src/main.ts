import { OutboxRelay } from '@leveret/sql';
import { names } from '@leveret-examples/contracts';
import { HttpError, JsonServer, openServiceDatabase } from '@leveret-examples/service-kit';
import { Leveret } from 'leveret';
import { Payments, TABLES } from './payments.js';

const database = await openServiceDatabase('pay_service', TABLES);
const app = await Leveret.start({
  connection: { urls: process.env['AMQP_URL'] ?? 'amqp://127.0.0.1:5672', name: 'pay-service' },
  topology: { exchanges: [{ name: names.payExchange, autoDelete: true }] },
});
const { wakeUp } = database;
const relay = new OutboxRelay(database.sql, app.publisher, {
  initialInterval: '250ms',
  ...(wakeUp !== undefined && { wakeUp }),
}).start();
const payments = new Payments(database, () => relay.wake());

const server = await JsonServer.start(Number(process.env['PORT'] ?? 8081), {
  'POST /payments': (_parameters, body) => {
    const { orderId, amount } = (body ?? {}) as Readonly<Record<string, unknown>>;
    return payments.pay(wholeNumber(orderId, 'orderId'), wholeNumber(amount, 'amount'));
  },
  'POST /payments/:orderId/refund': ({ orderId }, body) => {
    const { reason } = (body ?? {}) as Readonly<Record<string, unknown>>;
    return payments.refund(wholeNumber(Number(orderId), 'orderId'), typeof reason === 'string' ? reason : 'unknown');
  },
  'GET /payments/:orderId': ({ orderId }) => payments.find(wholeNumber(Number(orderId), 'orderId')),
});
console.log(`pay-service is ready at ${server.url} (${database.place})`);

await new Promise((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
});
// Nobody writes any more, then nobody publishes, then nobody is connected.
await server[Symbol.asyncDispose]();
await relay.stop();
await app.close();
await database[Symbol.asyncDispose]();

function wholeNumber(value: unknown, name: string): number {
  if (Number.isSafeInteger(value) && Number(value) >= 1) return Number(value);
  throw new HttpError(400, `${name} must be a whole number from 1; got ${JSON.stringify(value)}`);
}
