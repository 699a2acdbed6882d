import { Outbox, type PostgresClient } from '@leveret/sql';
import { inject, injectable } from 'inversify';
import { Idempotent, Listener, Payload, republish, Transaction } from 'leveret';
import { InvoiceIssued, OrderPaid } from './messages.js';
import { CLAIMS, INBOX, MAIL, type Mail, OUTBOX } from './tokens.js';

/** Three attempts, then to a queue where a person sees it. What is no payload goes to `<queue>.dlq`. */
const onFailure = {
  deadLetter: true,
  retry: { maxAttempts: 3, initialInterval: '1s', multiplier: 4 },
  recoverer: republish('billing.errors', 'error', { declare: true }),
  timeout: '10s',
} as const;

@injectable()
export class InvoiceListener {
  constructor(
    @inject(OUTBOX) private readonly outbox: Outbox<PostgresClient>,
    @inject(MAIL) private readonly mail: Mail,
  ) {}

  /** The effect is in the database: the inbox remembers the message in the same transaction, and the outbox tells of it. */
  @Listener({
    queue: { name: 'billing.order-paid', type: 'quorum' },
    bindings: { exchange: 'shop.topic', routingKey: 'order.paid' },
    ...onFailure,
  })
  @Idempotent({ guard: INBOX })
  async onOrderPaid(@Payload(OrderPaid) paid: OrderPaid, @Transaction() tx: PostgresClient): Promise<void> {
    const number = `R-${paid.orderId}`;
    // Another message about the same order has another id: the state of the order decides.
    const { rowCount } = await tx.query(
      'INSERT INTO invoices (order_id, number, cents) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
      [paid.orderId, number, paid.cents],
    );
    if (rowCount === 0) return;
    await this.outbox.publish(tx, 'billing.topic', 'invoice.issued', new InvoiceIssued(paid.orderId, number));
  }

  /** The effect is elsewhere: a claim in Redis keeps two instances from it, and the key goes on to the mail service. */
  @Listener({
    queue: { name: 'billing.invoice-mails', type: 'quorum' },
    bindings: { exchange: 'billing.topic', routingKey: 'invoice.issued' },
    killSwitch: true,
    ...onFailure,
  })
  @Idempotent({ store: CLAIMS, ttl: '7d', lease: '1m' })
  async onInvoiceIssued(@Payload(InvoiceIssued) { orderId, number }: InvoiceIssued): Promise<void> {
    await this.mail.send(`order ${orderId}: your invoice ${number}`, { idempotencyKey: number });
  }
}
