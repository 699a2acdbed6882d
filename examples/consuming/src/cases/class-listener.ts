import { PayRefunded, PaySucceeded } from '@leveret-examples/contracts';
import { Handler, Leveret, Listener } from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queue = name('pay.events');

/** One queue, several types: the message's `type` (or `__TypeId__` header, which Spring sends) chooses the method. */
@Listener({ queue: { name: queue, expires } })
class PayListener {
  @Handler(PaySucceeded, { type: 'pay.succeeded' })
  onPaid(event: PaySucceeded): void {
    say(`order ${event.orderId} is paid`);
  }

  @Handler(PayRefunded, { type: ['pay.refunded', 'com.example.PayRefunded'] })
  onRefunded(event: PayRefunded): void {
    say(`${event.amount} of order ${event.orderId} are paid back: ${event.reason}`);
  }
}

/** A class listener with two types, and a message of a third one. */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({ ...broker, listeners: [PayListener], onEvent: outcomes.watch });
  const { publisher } = app;
  await publisher.sendToQueue(queue, new PaySucceeded(1, '2025-11-01T10:00:00Z'), { type: 'pay.succeeded' });
  await outcomes.until('handled', 1);
  await publisher.sendToQueue(queue, new PayRefunded(1, 20, 'damaged'), { type: 'pay.refunded' });
  await outcomes.until('handled', 2);
  await publisher.sendToQueue(queue, new PayRefunded(2, 5, 'late'), {
    headers: { __TypeId__: 'com.example.PayRefunded' },
  });
  await outcomes.until('handled', 3);
  await publisher.sendToQueue(queue, { orderId: 3 }, { type: 'pay.disputed' });
  await outcomes.until('dropped');
}
