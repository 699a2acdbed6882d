import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { LeveretTesting, LeveretTestingModule } from '@leveret/nestjs/testing';
import { ValidationPipe } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import pg from 'pg';
import { AppModule } from '../src/app.module.js';
import { PaymentListener } from '../src/orders.js';

/** The service on one mapper, with PostgreSQL, and a broker inside this process. */
async function main(mapper: string, server: string): Promise<void> {
  const name = `leveret_nest_${mapper}_${process.pid}`;
  const admin = new pg.Client({ connectionString: server });
  await admin.connect();
  await admin.query(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  process.env['DATABASE_URL'] = url.href;
  try {
    await run(mapper);
  } finally {
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await admin.end();
  }
}

async function run(mapper: string): Promise<void> {
  const database =
    mapper === 'prisma'
      ? (await import('../src/prisma.module.js')).PrismaModule
      : (await import('../src/typeorm.module.js')).TypeormModule;
  const module = await Test.createTestingModule({
    imports: [AppModule.on(database), LeveretTestingModule.forRoot({ timeout: '10s' })],
  }).compile();
  const app = module.createNestApplication({ logger: false });
  app.useGlobalPipes(new ValidationPipe({ transform: true }));
  await app.listen(0, '127.0.0.1');
  const base = await app.getUrl();
  const harness = app.get(LeveretTesting).harness();
  const post = (body: object) =>
    fetch(`${base}/orders`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const order = async (id: number) => (await (await fetch(`${base}/orders/${id}`)).json()) as { status: number };

  assert.equal((await post({ id: 7, amount: 100 })).status, 201);
  assert.equal((await order(7)).status, 0);
  // Neither the order nor its message: the id is taken.
  assert.equal((await post({ id: 7, amount: 200 })).status, 500);
  assert.equal((await post({ id: 8, amount: -1 })).status, 400);

  const told = () => harness.broker.queue('warehouse.orders')?.messages.length;
  for (let tries = 0; told() !== 1 && tries < 500; tries++) await new Promise((resolve) => setTimeout(resolve, 10));
  assert.equal(told(), 1);

  const messageId = randomUUID();
  for (let count = 0; count < 2; count++) {
    await harness.publish('shop.topic', 'order.paid', { orderId: 7 }, { messageId });
    await harness.settled();
  }
  assert.equal((await order(7)).status, 1);
  assert.deepEqual(harness.listener(PaymentListener, 'onPaid').outcomes, ['handled', 'duplicate']);

  const health = (await (await fetch(`${base}/health`)).json()) as { status: string };
  assert.equal(health.status, 'ok', JSON.stringify(health));
  await app.close();
  console.log(`ok ${mapper}`);
}

await main(process.argv[2] ?? 'typeorm', process.env['POSTGRES_URL'] ?? 'postgres://root@127.0.0.1:5432/test');
