import type { Message, Publication } from '../message/message.js';
import { aMessage } from '../message/message.support.test.js';
import type { FailedDelivery, ReplySender } from './recoverer.js';

/** A sender that keeps what it is given; confirms at once unless `answer` says otherwise. */
export class FakeSender implements ReplySender {
  readonly sent: Publication[] = [];
  frameMax = 131_072;
  answer: (publication: Publication) => unknown = () => undefined;

  async send(publication: Publication): Promise<unknown> {
    this.sent.push(publication);
    return this.answer(publication);
  }

  reply(publication: Publication): Promise<unknown> {
    return this.send(publication);
  }
}

/** A delivery of the queue `orders` that failed three times. */
export function aFailure(
  parts: Partial<FailedDelivery> & { readonly of?: Partial<Message> & { readonly text?: string } } = {},
): FailedDelivery {
  const { of, ...rest } = parts;
  return {
    message: aMessage(of),
    error: new Error('card declined'),
    reason: 'exhausted',
    listenerId: 'Orders.onPaid',
    queue: 'orders',
    attempts: 3,
    firstFailedAt: 1_700_000_000_000,
    lastFailedAt: 1_700_000_003_000,
    publisher: new FakeSender(),
    ...rest,
  };
}
