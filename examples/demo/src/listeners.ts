import { OrderQuery, OrderStatus, PaySucceeded } from '@leveret-examples/contracts';
import { inject, injectable } from 'inversify';
import { Context, type DeliveryContext, Listener, Message, Payload, RejectMessage, republish } from 'leveret';
import { Journal } from './journal.js';
import { expires, names } from './names.js';

/** The service: orders 2, 3 and 5 are trouble. */
@injectable()
export class PayStatusListener {
  readonly #paid = new Set<number>();

  constructor(@inject(Journal) private readonly journal: Journal) {}

  @Listener({
    queue: { name: names.payQueue, expires },
    bindings: { exchange: { name: names.payExchange, autoDelete: true }, routingKey: 'pay.success' },
    deadLetter: { exchange: { name: names.deadExchange, autoDelete: true }, queue: { name: names.deadQueue, expires } },
    retry: { maxAttempts: 3, initialInterval: '200ms', multiplier: 2 },
    recoverer: republish(names.errorExchange, 'error'),
  })
  async onPaySucceeded(@Payload() { orderId }: PaySucceeded, @Context() context: DeliveryContext): Promise<void> {
    this.journal.called(context.message.messageId ?? '');
    if (orderId === 2 && context.attempt < 3) throw new Error('the database is busy');
    if (orderId === 3) throw new Error('order 3 is not there');
    if (orderId === 5) throw new RejectMessage('order 5 belongs to another shop');
    this.#paid.add(orderId);
  }

  @Listener({ queue: { name: names.queryQueue, expires } })
  async onQuery(@Payload() { orderId }: OrderQuery, @Context() context: DeliveryContext): Promise<OrderStatus> {
    this.journal.called(context.message.messageId ?? '');
    return new OrderStatus(orderId, this.#paid.has(orderId) ? 'paid' : 'unpaid');
  }
}

/** The person who looks after failed messages: reads the error queue and the dead letter queue. */
@injectable()
export class FailedMessagesListener {
  constructor(@inject(Journal) private readonly journal: Journal) {}

  @Listener(names.errorQueue)
  @Listener(names.deadQueue)
  onFailed(@Message() message: Message): void {
    this.journal.found.arrive(message.messageId ?? '', message);
  }
}
