import { Context, type DeliveryContext, Leveret, Listener, Payload, RetryAfter } from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queue = name('redelivery');

class RedeliveryListener {
  @Listener({
    queue: { name: queue, expires },
    retry: { maxAttempts: 2, initialInterval: '50ms' },
    redeliver: { delays: ['200ms', '500ms'] },
  })
  onMessage(@Payload() text: string, @Context() { attempt, redeliveries, message }: DeliveryContext): void {
    say(`handler gets '${text}': attempt ${attempt}, redeliveries ${redeliveries}, exchange '${message.exchange}'`);
    if (text === 'down' && attempt === 4) return;
    if (text === 'busy' && attempt === 1) throw new RetryAfter('1s');
    if (text === 'busy') return;
    throw new Error('deliberately');
  }
}

/** After its attempts a message waits at the broker, its delivery settled, and comes back as it first was. */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({ ...broker, listeners: [RedeliveryListener], onEvent: outcomes.watch });

  say('a handler that succeeds at its fourth attempt, after one wait');
  await app.publisher.sendToQueue(queue, 'down');
  await outcomes.until('handled');

  say('a handler that says how long: no further attempt before');
  await app.publisher.sendToQueue(queue, 'busy');
  await outcomes.until('handled', 2);

  say('a handler that never succeeds: three deliveries of two attempts, then the recoverer');
  await app.publisher.sendToQueue(queue, 'broken');
  await outcomes.until('dropped');

  say('a message that is published for later');
  const at = performance.now();
  await app.publisher.sendToQueue(queue, 'busy', { delay: '1s', messageId: 'later' });
  await outcomes.until('handled', 3);
  say(performance.now() - at > 1900 ? 'came when its time was over' : 'came too early');
}
