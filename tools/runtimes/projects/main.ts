import { Broker } from '@leveret/broker';
import { ConfigurationError, Leveret } from 'leveret';
import { inspectPayload } from 'leveret/adapters';
import { Paid, PaidListener, ReflectedListener } from './service.js';

/** One service: a message that is right, one that is not, and whether this build leaves types. */
async function main(): Promise<void> {
  const broker = await Broker.start();
  const listener = new PaidListener();
  const connection = { urls: broker.url };
  const app = await Leveret.start({ connection, listeners: [listener], logger: 'silent' });
  await app.publisher.publish('pay', 'paid', { orderId: 7 });
  await app.publisher.publish('pay', 'paid', { orderId: 'seven' });
  const deadline = performance.now() + 10_000;
  const parked = () => broker.queue('orders.paid.dlq')?.messages.length ?? 0;
  while ((listener.orders.length < 1 || parked() < 1) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const reflected = await Leveret.start({ connection, listeners: [ReflectedListener], logger: 'silent' }).then(
    async (other) => {
      await other.close();
      return true;
    },
    (error: unknown) => {
      if (error instanceof ConfigurationError && /no reflected type/.test(error.message)) return false;
      throw error;
    },
  );
  const [id] = app.listeners.ids;
  const result = {
    id,
    orders: listener.orders,
    parked: parked(),
    reflected,
    compiled: inspectPayload(Paid).compiled,
  };
  await app.close();
  await broker.close();
  console.log(JSON.stringify(result));
}

void main();
