import { IsInt } from 'class-validator';
import { inject, injectable } from 'inversify';
import { Header, Listener, Payload, republish } from 'leveret';

@injectable()
export class OrderService {
  async markPaid(orderId: number, tenant: string): Promise<void> {
    throw new Error(`there is no database in this guide for order ${orderId} of ${tenant}`);
  }
}

export class PaySucceeded {
  @IsInt() orderId!: number;
}

@injectable()
export class PayStatusListener {
  constructor(@inject(OrderService) private readonly orders: OrderService) {}

  @Listener({
    queue: 'trade.pay.success.queue',
    bindings: { exchange: 'pay.direct', routingKey: 'pay.success' },
    retry: { maxAttempts: 3, initialInterval: '1s', multiplier: 2 },
    recoverer: republish('error.direct', 'error', { declare: true }),
    timeout: '30s',
  })
  async onPaySucceeded(@Payload() event: PaySucceeded, @Header('x-tenant') tenant: string): Promise<void> {
    await this.orders.markPaid(event.orderId, tenant);
  }
}
