import { Leveret, Listener, QueueBuilder } from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queues = { annotated: name('lazy.annotated'), built: name('lazy.built') };

class LazyListener {
  /** By annotation. */
  @Listener({ queue: { name: queues.annotated, expires }, lazy: true })
  onAnnotated(text: string): void {
    say(`handler gets '${text}' from the annotated queue`);
  }

  /** The queue is declared by the builder below. */
  @Listener(queues.built)
  onBuilt(text: string): void {
    say(`handler gets '${text}' from the built queue`);
  }
}

/**
 * Queues that keep their messages on disk, declared by annotation and by builder. RabbitMQ before 3.12 is sent
 * `x-queue-mode=lazy`; later versions always work so, and leveret says in its log that it left the argument out.
 */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({
    ...broker,
    listeners: [LazyListener],
    topology: [QueueBuilder.durable(queues.built).lazy().expires(expires)],
    onEvent: outcomes.watch,
  });
  await app.publisher.sendToQueue(queues.annotated, 'from disk');
  await outcomes.until('handled', 1);
  await app.publisher.sendToQueue(queues.built, 'from disk');
  await outcomes.until('handled', 2);
}
