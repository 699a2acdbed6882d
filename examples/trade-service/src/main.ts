import { TransactionalInbox } from '@leveret/sql';
import { names } from '@leveret-examples/contracts';
import { HttpError, JsonServer, openServiceDatabase } from '@leveret-examples/service-kit';
import { Container } from 'inversify';
import { Leveret } from 'leveret';
import { OrderBook, TABLES } from './order-book.js';
import { expires, PayStatusListener } from './pay-status-listener.js';
import { DATABASE, INBOX, PAY_SERVICE_URL } from './tokens.js';

const database = await openServiceDatabase('trade_service', TABLES);
const container = new Container();
container.bind(DATABASE).toConstantValue(database);
container.bind(INBOX).toConstantValue(new TransactionalInbox(database.sql));
container.bind(PAY_SERVICE_URL).toConstantValue(process.env['PAY_SERVICE_URL'] ?? 'http://127.0.0.1:8081');
container.bind(OrderBook).toSelf().inSingletonScope();
const orders = container.get(OrderBook);
// `npm start -- 1 2 3` begins with these.
for (const id of process.argv.slice(2)) await orders.add(orderId(id));

const app = await Leveret.start({
  connection: { urls: process.env['AMQP_URL'] ?? 'amqp://127.0.0.1:5672', name: 'trade-service' },
  listeners: [PayStatusListener],
  topology: {
    exchanges: [{ name: names.errorExchange, autoDelete: true }],
    queues: [{ name: names.errorQueue, expires }],
    bindings: [{ exchange: names.errorExchange, queue: names.errorQueue, routingKey: 'error' }],
  },
  container,
});
const server = await JsonServer.start(Number(process.env['PORT'] ?? 8082), {
  'POST /orders/:id': async ({ id }) => {
    await orders.add(orderId(id));
    return orders.find(orderId(id));
  },
  'GET /orders/:id': async ({ id }) => {
    const order = await orders.find(orderId(id));
    if (order === undefined) throw new HttpError(404, `there is no order ${id}`);
    return order;
  },
  'GET /health': () => app.health(),
});
console.log(`trade-service is ready at ${server.url} (${database.place})`);

await new Promise((resolve) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve);
});
// Takes no more messages, ends what runs, then lets go of the database.
await server[Symbol.asyncDispose]();
await app.close();
await database[Symbol.asyncDispose]();

function orderId(text: string | undefined): number {
  const id = Number(text);
  if (Number.isSafeInteger(id) && id >= 1) return id;
  throw new HttpError(400, `an order has a whole number from 1; got ${text}`);
}
