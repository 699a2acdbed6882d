/** @nestjs/microservices with its RabbitMQ transport, decorators called by hand. Its messages have an envelope of its own. */
import 'reflect-metadata';
import { Controller, UsePipes, ValidationPipe } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ClientProxyFactory, Ctx, EventPattern, MessagePattern, Payload, Transport } from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import { classOf, decorate, moduleOf } from './nest-app.mjs';

/** How a payload has to lie in the queue. */
export const envelope = (data) => ({ pattern: 'bench', data });

const options = (url, queue, more) => ({
  transport: Transport.RMQ,
  options: { urls: [url], queue, queueOptions: { durable: true }, noAssert: true, persistent: true, ...more },
});

async function start(url, queue, prefetchCount, controller) {
  Controller()(controller);
  const app = await NestFactory.createMicroservice(moduleOf([], [], [controller]), {
    ...options(url, queue, { noAck: false, prefetchCount }),
    logger: ['error'],
  });
  await app.listen();
  return app;
}

function ack(context) {
  context.getChannelRef().ack(context.getMessage());
}

export async function consume({ url, queue, prefetch, kind }, onPayload) {
  if (kind === 'bytes') throw new Error('it reads JSON only');
  const type = await classOf(kind);
  class Handlers {
    async handle(payload, context) {
      await onPayload(payload);
      ack(context);
    }
  }
  decorate(
    Handlers,
    'handle',
    [type, Object],
    [
      EventPattern('bench'),
      ...(kind === 'class' || kind === 'nested' ? [UsePipes(new ValidationPipe({ transform: true }))] : []),
    ],
  );
  Payload()(Handlers.prototype, 'handle', 0);
  Ctx()(Handlers.prototype, 'handle', 1);
  const _app = await start(url, queue, prefetch, Handlers);
}

export async function publisher({ url, queue }) {
  const client = ClientProxyFactory.create(options(url, queue));
  await client.connect();
  // Cold until somebody subscribes; the promise waits for the confirm.
  const publish = (payload) => firstValueFrom(client.emit('bench', payload), { defaultValue: undefined });
  return { publish };
}

export async function requester({ url, queue }) {
  class Handlers {
    handle({ orderId }, context) {
      ack(context);
      return { echoed: orderId };
    }
  }
  decorate(Handlers, 'handle', [Object, Object], [MessagePattern('bench')]);
  Payload()(Handlers.prototype, 'handle', 0);
  Ctx()(Handlers.prototype, 'handle', 1);
  const _app = await start(url, queue, 50, Handlers);
  const client = ClientProxyFactory.create(options(url, queue));
  await client.connect();
  return {
    request: (payload) => firstValueFrom(client.send('bench', payload)),
  };
}
