import { OrderQuery, OrderStatus } from '@leveret-examples/contracts';
import { Leveret, Listener, RemoteFailureError, RequestTimeoutError } from 'leveret';
import { broker, expires, name, say } from '../example.js';

const queues = { status: name('order.status'), silent: name('order.silent') };

class OrderListener {
  /** What a handler returns is the reply; with `returnExceptions` what it throws is, too. */
  @Listener({ queue: { name: queues.status, expires }, returnExceptions: true })
  onQuery({ orderId }: OrderQuery): OrderStatus {
    if (orderId > 100) throw new RangeError(`there is no order ${orderId}`);
    return new OrderStatus(orderId, 'paid');
  }

  @Listener({ queue: { name: queues.silent, expires } })
  onSilent(_query: OrderQuery): void {}
}

/** A request and its reply: an answer, an error from the other side, and silence. */
export async function run(): Promise<void> {
  await using app = await Leveret.start({ ...broker, listeners: [OrderListener] });
  const { publisher } = app;

  const status = await publisher.request('', queues.status, new OrderQuery(1), { replyType: OrderStatus });
  say(`order ${status.orderId} is ${status.status}`);

  await publisher.request('', queues.status, new OrderQuery(101)).catch((error: unknown) => {
    if (!(error instanceof RemoteFailureError)) throw error;
    say(`the listener failed: ${error.remote.name}: ${error.remote.message}`);
  });

  await publisher.request('', queues.silent, new OrderQuery(1), { timeout: '300ms' }).catch((error: unknown) => {
    if (!(error instanceof RequestTimeoutError)) throw error;
    say(`no reply within ${error.timeoutMs} ms`);
  });
}
