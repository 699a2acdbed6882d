/** @golevelup/nestjs-rabbitmq, decorators called by hand. */
import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { AmqpConnection, RabbitMQModule, RabbitPayload, RabbitRPC, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { UsePipes, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { classOf, decorate, moduleOf } from './nest-app.mjs';

async function start(url, prefetch, providers) {
  const rabbit = RabbitMQModule.forRoot({
    uri: url,
    prefetchCount: prefetch,
    connectionInitOptions: { wait: true },
    enableControllerDiscovery: false,
    logger: { log() {}, error: console.error, warn() {}, debug() {}, verbose() {} },
  });
  const app = await NestFactory.createApplicationContext(moduleOf([rabbit], providers), { logger: ['error'] });
  return app;
}

export async function consume({ url, queue, prefetch, kind }, onPayload) {
  const type = await classOf(kind);
  class Handlers {
    handle(payload) {
      return onPayload(payload);
    }
  }
  const bytes = kind === 'bytes' ? { deserializer: (body) => body } : {};
  decorate(
    Handlers,
    'handle',
    [type],
    [
      RabbitSubscribe({ queue, createQueueIfNotExists: false, ...options(bytes) }),
      ...(kind === 'class' || kind === 'nested' ? [UsePipes(new ValidationPipe({ transform: true }))] : []),
    ],
  );
  RabbitPayload()(Handlers.prototype, 'handle', 0);
  const _app = await start(url, prefetch, [Handlers]);
}

export async function publisher({ url, queue }) {
  const app = await start(url, 50, []);
  const connection = app.get(AmqpConnection);
  const publish = (payload) =>
    connection.publish('', queue, payload, { persistent: true, mandatory: true, messageId: randomUUID() });
  return { publish };
}

export async function requester({ url, queue }) {
  class Handlers {
    handle({ orderId }) {
      return { echoed: orderId };
    }
  }
  decorate(
    Handlers,
    'handle',
    [Object],
    [RabbitRPC({ exchange: 'amq.direct', routingKey: queue, queue, createQueueIfNotExists: false })],
  );
  const app = await start(url, 50, [Handlers]);
  const connection = app.get(AmqpConnection);
  const request = (payload) =>
    connection.request({ exchange: 'amq.direct', routingKey: queue, payload, timeout: 30_000 });
  return { request };
}

export async function listeners({ url, queues }) {
  class Handlers {}
  for (const [number, queue] of queues.entries()) {
    Handlers.prototype[`handle${number}`] = () => {};
    decorate(Handlers, `handle${number}`, [Object], [RabbitSubscribe({ queue, createQueueIfNotExists: false })]);
  }
  const _app = await start(url, 50, [Handlers]);
}

function options({ deserializer }) {
  return deserializer === undefined ? {} : { deserializer };
}
