import { names, type Payment, PayRefunded, PaySucceeded } from '@leveret-examples/contracts';
import { inject, injectable } from 'inversify';
import { type Duration, Idempotent, Listener, Payload, republish, Scheduled, Transaction } from 'leveret';
import { OrderBook } from './order-book.js';
import { INBOX, PAY_SERVICE_URL } from './tokens.js';

/** An example leaves nothing behind: the broker deletes these queues when they were unused for a minute. */
export const expires = '1m';

const payExchange = { name: names.payExchange, autoDelete: true };
const onFailure = {
  deadLetter: { exchange: { name: names.deadExchange, autoDelete: true }, queue: { name: names.deadQueue, expires } },
  retry: { maxAttempts: 3, initialInterval: '500ms', multiplier: 2 },
  recoverer: republish(names.errorExchange, 'error'),
  timeout: '10s',
} as const;

/** Follows what the pay service says of orders, and asks it about those of which it says nothing. */
@injectable()
@Idempotent({ guard: INBOX })
export class PayStatusListener {
  constructor(
    @inject(OrderBook) private readonly orders: OrderBook,
    @inject(PAY_SERVICE_URL) private readonly payServiceUrl: string,
  ) {}

  @Listener({
    queue: { name: names.tradePayQueue, expires },
    bindings: { exchange: payExchange, routingKey: 'pay.success' },
    ...onFailure,
  })
  async onPaySucceeded(
    @Payload() { orderId, paidAt }: PaySucceeded,
    @Transaction() transaction: unknown,
  ): Promise<void> {
    if (await this.orders.markPaid(orderId, paidAt, 'message', transaction)) {
      console.log(`order ${orderId}: paid at ${paidAt}`);
      return;
    }
    const order = await this.orders.find(orderId, transaction);
    console.log(`order ${orderId}: ${order === undefined ? 'not there' : `is ${order.status}, nothing to do`}`);
    // It may come a little later than its payment: worth another attempt.
    if (order === undefined) throw new Error(`order ${orderId} is not there`);
  }

  @Listener({
    queue: { name: names.tradeRefundQueue, expires },
    bindings: { exchange: payExchange, routingKey: 'pay.refunded' },
    ...onFailure,
  })
  async onPayRefunded(@Payload() { orderId }: PayRefunded, @Transaction() transaction: unknown): Promise<void> {
    if (await this.orders.markRefunded(orderId, 'message', transaction)) console.log(`order ${orderId}: refunded`);
    else if ((await this.orders.find(orderId, transaction)) === undefined)
      throw new Error(`order ${orderId} is not there`);
  }

  /** News can get lost: whoever waits for a payment asks for it as well. */
  @Scheduled({ every: (process.env['POLL_EVERY'] ?? '20s') as Duration }, { jitter: '100ms', timeout: '10s' })
  async reconcile(signal: AbortSignal): Promise<void> {
    for (const orderId of await this.orders.unpaid()) {
      const answer = await fetch(`${this.payServiceUrl}/payments/${orderId}`, { signal });
      if (answer.status === 404) continue;
      if (!answer.ok) throw new Error(`the pay service answered ${answer.status}`);
      const { status, paidAt } = (await answer.json()) as Payment;
      const changed =
        status === 'refunded'
          ? await this.orders.markRefunded(orderId, 'poll')
          : await this.orders.markPaid(orderId, paidAt, 'poll');
      if (changed) console.log(`order ${orderId}: ${status}, as the pay service says when it is asked`);
    }
  }
}
