import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AmqpConnection, RabbitMQModule, RabbitSubscribe } from './rabbit.js';

let [begun, ended] = [0, 0];

@Injectable()
export class Slow {
  @RabbitSubscribe({ exchange: 'shop', routingKey: 'slow', queue: 'slow' })
  async on(): Promise<void> {
    begun += 1;
    await new Promise((resolve) => setTimeout(resolve, 300));
    ended += 1;
  }
}

@Module({
  imports: [
    RabbitMQModule.forRoot({
      uri: process.env['AMQP_URL'] ?? 'amqp://localhost',
      exchanges: [{ name: 'shop', type: 'topic' }],
      prefetchCount: 3,
    }),
  ],
  providers: [Slow],
})
export class AppModule {}

/** The application is closed at the moment in which the first three handlers end: nothing new is to begin. */
async function main(): Promise<void> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  const amqp = app.get(AmqpConnection);
  for (let id = 0; id < 10; id++) await amqp.publish('shop', 'slow', { id });
  while (ended < 3) await new Promise((resolve) => setImmediate(resolve));
  const before = begun;
  await app.close();
  console.log(`begun after close: ${begun - before}, ended: ${ended}, begun: ${begun}`);
  process.exit(0);
}

void main();
