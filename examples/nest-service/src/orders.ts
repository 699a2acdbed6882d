import { LeveretHealthIndicator } from '@leveret/nestjs';
import { Outbox } from '@leveret/sql';
import { Body, Controller, Get, Injectable, NotFoundException, Param, ParseIntPipe, Post } from '@nestjs/common';
import { HealthCheck, HealthCheckService } from '@nestjs/terminus';
import { IsInt, IsPositive } from 'class-validator';
import { Idempotent, Listener, Payload, Transaction } from 'leveret';
import { OrderStore } from './database.js';
import { INBOX, Relay } from './messaging.module.js';

export class PlaceOrder {
  @IsInt()
  id!: number;

  @IsInt()
  @IsPositive()
  amount!: number;
}

export class OrderPaid {
  @IsInt()
  orderId!: number;
}

@Injectable()
export class OrderService {
  constructor(
    private readonly store: OrderStore,
    private readonly outbox: Outbox<unknown>,
    private readonly relay: Relay,
  ) {}

  /** The order and the message that tells of it, or neither. */
  async place({ id, amount }: PlaceOrder): Promise<void> {
    await this.store.database.transaction(async (transaction) => {
      await this.store.insert(transaction, id, amount);
      await this.outbox.publish(transaction, 'shop.topic', 'order.placed', { id, amount });
    });
    this.relay.wake();
  }
}

@Controller()
export class OrderController {
  constructor(
    private readonly orders: OrderService,
    private readonly store: OrderStore,
    private readonly health: HealthCheckService,
    private readonly leveret: LeveretHealthIndicator,
  ) {}

  @Post('orders')
  async place(@Body() order: PlaceOrder): Promise<{ id: number }> {
    await this.orders.place(order);
    return { id: order.id };
  }

  @Get('orders/:id')
  async show(@Param('id', ParseIntPipe) id: number): Promise<object> {
    const order = await this.store.find(id);
    if (order === null) throw new NotFoundException();
    return order;
  }

  @Get('health')
  @HealthCheck()
  check(): Promise<unknown> {
    return this.health.check([() => this.leveret.isHealthy('rabbitmq')]);
  }
}

@Injectable()
export class PaymentListener {
  constructor(private readonly store: OrderStore) {}

  /** Marks an order as paid, once: the inbox remembers the message in the same transaction. */
  @Listener({
    queue: 'shop.order.paid',
    bindings: { exchange: 'shop.topic', routingKey: 'order.paid' },
    deadLetter: true,
  })
  @Idempotent({ guard: INBOX })
  async onPaid(@Payload(OrderPaid) { orderId }: OrderPaid, @Transaction() transaction: unknown): Promise<void> {
    await this.store.markPaid(transaction, orderId);
  }
}
