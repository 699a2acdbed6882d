import { IsInt } from 'class-validator';
import { Leveret, Listener, Payload, republish } from 'leveret';

class PaySucceeded {
  @IsInt() orderId!: number;
}

class PayStatusListener {
  @Listener({
    queue: 'trade.pay.success.queue',
    bindings: { exchange: 'pay.direct', routingKey: 'pay.success' },
    deadLetter: true,
    retry: { maxAttempts: 3, initialInterval: '1s', multiplier: 2 },
    recoverer: republish('error.direct', 'error', { declare: true }),
  })
  async onPaySucceeded(@Payload(PaySucceeded) event: PaySucceeded): Promise<void> {
    console.log(`order ${event.orderId} is paid`);
  }
}

const connection = { urls: process.env['AMQP_URL'] ?? 'amqp://localhost' };
const app = await Leveret.start({ connection, listeners: [PayStatusListener], shutdownHooks: true });
await app.publisher.publish('pay.direct', 'pay.success', { orderId: 1 });
