import assert from 'node:assert/strict';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Journal } from './orders.js';
import { AmqpConnection } from './rabbit.js';

/** The end-to-end tests: the same for golevelup and for leveret. */
async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const amqp = app.get(AmqpConnection);
  const { lines } = app.get(Journal);
  const seen = async (...expected: string[]) => {
    const end = performance.now() + 10_000;
    while (lines.length < expected.length && performance.now() < end) await pause(10);
    await pause(100);
    assert.deepEqual(lines.splice(0).sort(), [...expected].sort());
  };
  const tests: Record<string, () => Promise<void>> = {
    'a subscriber, and what it publishes': async () => {
      await amqp.publish('shop', 'order.placed', { id: 1 });
      await seen('placed 1', 'order.taken 1');
    },
    'several routing keys, and the message': async () => {
      await amqp.publish('shop', 'order.kept', { id: 2 });
      await seen('order.kept 2');
    },
    'validation that passes': async () => {
      await amqp.publish('shop', 'order.valid', { id: 3 });
      await seen('valid 3 true');
    },
    'validation that fails, to the dead letter queue': async () => {
      await amqp.publish('shop', 'order.valid', { id: -3 });
      await seen();
    },
    'pipes on one property, and a header': async () => {
      await amqp.publish('shop', 'order.counted', { id: '4' }, { headers: { tenant: 'acme' } });
      await seen('counted number 4 acme');
    },
    'a guard that lets through': async () => {
      await amqp.publish('shop', 'order.guarded', { id: 5 }, { headers: { tenant: 'acme' } });
      await seen('guarded 5 shop');
    },
    'a guard that refuses': async () => {
      await amqp.publish('shop', 'order.guarded', { id: 5 }, { headers: { tenant: 'beta' } });
      await seen();
    },
    'an interceptor': async () => {
      await amqp.publish('shop', 'order.timed', { id: 6 });
      await seen('begin', 'timed 6', 'end');
    },
    'a Nack, to the dead letter queue': async () => {
      await amqp.publish('shop', 'order.refused', { id: 7 });
      await seen('refused');
    },
    'a request, and its reply': async () => {
      const reply = await amqp.request({ exchange: 'shop', routingKey: 'price.get', payload: { id: 21 } });
      assert.deepEqual(reply, { price: 42 });
    },
    'a request that a filter answers': async () => {
      const ask = (id: number) => amqp.request({ exchange: 'shop', routingKey: 'stock.get', payload: { id } });
      assert.deepEqual(await ask(1), { left: 3 });
      assert.deepEqual(await ask(13), { sorry: 'none left' });
    },
    'a request-scoped provider for each message': async () => {
      await amqp.publish('shop', 'order.unit', { id: 8 });
      await amqp.publish('shop', 'order.unit', { id: 9 });
      await seen('unit 8 1', 'unit 9 2');
    },
  };
  for (const [name, test] of Object.entries(tests)) {
    await test().catch((error: unknown) => {
      throw new Error(name, { cause: error });
    });
  }
  await app.close();
  console.log(`passed ${Object.keys(tests).length}`);
  process.exit(0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(3);
});
