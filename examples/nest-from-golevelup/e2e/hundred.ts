import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AmqpConnection, RabbitMQModule, RabbitSubscribe } from './rabbit.js';

const COUNT = 100;
const handled = new Set<number>();
let running = 0;

@Injectable()
export class Slow {
  @RabbitSubscribe({ exchange: 'shop', routingKey: 'slow', queue: 'slow' })
  async on({ id }: { id: number }): Promise<void> {
    if (++running === COUNT) console.log('running');
    await new Promise((resolve) => setTimeout(resolve, 1000));
    handled.add(id);
  }
}

@Module({
  imports: [
    RabbitMQModule.forRoot({
      uri: process.env['AMQP_URL'] ?? 'amqp://localhost',
      exchanges: [{ name: 'shop', type: 'topic' }],
      prefetchCount: COUNT,
    }),
  ],
  providers: [Slow],
})
export class AppModule {}

/** The connection is killed while a hundred handlers are at work. */
async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const amqp = app.get(AmqpConnection);
  for (let id = 0; id < COUNT; id++) await amqp.publish('shop', 'slow', { id });
  // Those of the connection that was killed, and those that came again.
  while (handled.size < COUNT || running < 2 * COUNT) await new Promise((resolve) => setTimeout(resolve, 50));
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await app.close();
  console.log(`handled ${handled.size}`);
  process.exit(0);
}

void main();
