import { Context, type DeliveryContext, Leveret, Listener, Payload } from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queue = name('retry');

class RetryListener {
  @Listener({ queue: { name: queue, expires }, retry: { maxAttempts: 3, initialInterval: '100ms', multiplier: 2 } })
  onMessage(@Payload() text: string, @Context() { attempt, redelivered }: DeliveryContext): void {
    say(`handler gets '${text}': attempt ${attempt}, redelivered: ${redelivered}`);
    if (text === 'flaky' && attempt === 3) return;
    throw new Error('deliberately');
  }
}

/** A failing handler is called again in this process; the broker sees nothing of it until the end. */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({ ...broker, listeners: [RetryListener], onEvent: outcomes.watch });

  say('a handler that succeeds at the third attempt');
  await app.publisher.sendToQueue(queue, 'flaky');
  await outcomes.until('handled');

  say('a handler that never succeeds: after three attempts the message is rejected, and lost without a recoverer');
  await app.publisher.sendToQueue(queue, 'broken');
  await outcomes.until('dropped');
}
