import {
  Context,
  type DeliveryContext,
  immediateRequeue,
  Leveret,
  Listener,
  Message,
  Payload,
  type RetryOptions,
  rejectAndDontRequeue,
  republish,
} from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queues = { reject: name('reject'), requeue: name('requeue'), republish: name('republish'), own: name('own') };
const [errorExchange, errorQueue] = [name('error.direct'), name('error.queue')];
const retry: RetryOptions = { maxAttempts: 2, initialInterval: '50ms' };

class FailingListener {
  /** The default: to the dead letter exchange of the queue, or gone where there is none. */
  @Listener({ queue: { name: queues.reject, expires }, retry, recoverer: rejectAndDontRequeue() })
  onReject(): void {
    throw new Error('deliberately');
  }

  /** Back to the queue, where it starts over. */
  @Listener({ queue: { name: queues.requeue, expires }, retry, recoverer: immediateRequeue() })
  onRequeue(@Payload() _text: string, @Context() { redelivered }: DeliveryContext): void {
    if (!redelivered) throw new Error('deliberately');
  }

  /** Parked in an error queue, with headers that say why. `{ declare: true }` would declare exchange and queue, too. */
  @Listener({ queue: { name: queues.republish, expires }, retry, recoverer: republish(errorExchange, 'error') })
  onRepublish(): void {
    throw new Error('deliberately');
  }

  /** Your own: returning means that the message is safe elsewhere. */
  @Listener({
    queue: { name: queues.own, expires },
    retry,
    recoverer: ({ error, attempts }) => say(`own recoverer: ${String(error)} after ${attempts} attempts`),
  })
  onOwn(): void {
    throw new Error('deliberately');
  }

  @Listener({ id: 'parked', queue: errorQueue, autoStart: false })
  onParked(@Message() { headers }: Message): void {
    say(`error queue: ${String(headers['x-exception-message'])}, ${String(headers['x-leveret-attempts'])} attempts`);
  }
}

/** What becomes of a message when its attempts are exhausted: each recoverer in turn. */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({
    ...broker,
    listeners: [FailingListener],
    topology: {
      exchanges: [{ name: errorExchange, autoDelete: true }],
      queues: [{ name: errorQueue, expires }],
      bindings: [{ exchange: errorExchange, queue: errorQueue, routingKey: 'error' }],
    },
    onEvent: outcomes.watch,
  });
  say('rejectAndDontRequeue');
  await app.publisher.sendToQueue(queues.reject, 'hello');
  await outcomes.until('dropped');
  say('immediateRequeue');
  await app.publisher.sendToQueue(queues.requeue, 'hello');
  await outcomes.until('handled', 1);
  say('a recoverer of your own');
  await app.publisher.sendToQueue(queues.own, 'hello');
  await outcomes.until('recovered', 3);
  say('republish');
  await app.publisher.sendToQueue(queues.republish, 'hello');
  await outcomes.until('recovered', 4);
  await app.listeners.get('parked').start();
  await outcomes.until('handled', 2);
}
