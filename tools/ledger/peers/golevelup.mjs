/** @golevelup/nestjs-rabbitmq: its module in an application of Nest. */
import 'reflect-metadata';
import { AmqpConnection, RabbitMQModule } from '@golevelup/nestjs-rabbitmq';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { concurrency, heartbeatSeconds, NAMES, prefetch, urls } from './common.mjs';

export async function startGolevelup(providers) {
  class AppModule {}
  const rabbit = RabbitMQModule.forRoot({
    uri: urls[0],
    prefetchCount: prefetch * concurrency,
    exchanges: [
      { name: NAMES.exchange, type: 'direct' },
      { name: NAMES.deadExchange, type: 'direct' },
    ],
    queues: [
      {
        name: NAMES.deadQueue,
        exchange: NAMES.deadExchange,
        routingKey: NAMES.queue,
        options: { durable: true, arguments: { 'x-queue-type': 'quorum' } },
      },
    ],
    connectionInitOptions: { wait: true, timeout: 60_000 },
    connectionManagerOptions: { heartbeatIntervalInSeconds: heartbeatSeconds, reconnectTimeInSeconds: 1 },
    logger: { log() {}, error: console.error, warn() {}, debug() {}, verbose() {} },
  });
  Module({ imports: [rabbit], providers })(AppModule);
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'], abortOnError: false });
  return { app, connection: app.get(AmqpConnection) };
}
