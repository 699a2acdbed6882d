import { MessageHandlerErrorBehavior, RabbitSubscribe } from '@golevelup/nestjs-rabbitmq';
import { Injectable } from '@nestjs/common';
import { closing, NAMES, QUEUE_ARGUMENTS, self, service } from './common.mjs';
import { startGolevelup } from './golevelup.mjs';

const { handleWithRetry, close } = service();

class Orders {
  async onOrder(order, message) {
    const { messageId, headers } = message.properties;
    await handleWithRetry(order, { messageId, headers, redelivered: message.fields.redelivered });
  }
}
Injectable()(Orders);
RabbitSubscribe({
  exchange: NAMES.exchange,
  routingKey: NAMES.routingKey,
  queue: NAMES.queue,
  queueOptions: { durable: true, arguments: QUEUE_ARGUMENTS },
  // What fails is nacked without requeue, to the dead letter exchange, as its README shows.
  errorBehavior: MessageHandlerErrorBehavior.NACK,
})(Orders.prototype, 'onOrder', Object.getOwnPropertyDescriptor(Orders.prototype, 'onOrder'));

const { app } = await startGolevelup([Orders]);
closing(() => app.close(), close);
self.tell({ type: 'ready' });
