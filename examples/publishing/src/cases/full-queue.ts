import { Leveret } from 'leveret';
import { broker, expires, name, say, sayResult } from '../example.js';

const queue = name('full');

/** A nack: the queue is full and set to refuse. It is retried, for a consumer may make room. */
export async function run(): Promise<void> {
  await using app = await Leveret.start({
    ...broker,
    publisher: { retry: { maxAttempts: 2, initialInterval: '100ms' } },
    topology: { queues: [{ name: queue, expires, maxLength: 1, overflow: 'reject-publish' }] },
  });
  app.publisher.onConfirm(({ ack }) => say(`  confirm callback: ${ack ? 'ack' : 'nack'}`));
  say('the first message fits');
  await sayResult(app.publisher.sendToQueue(queue, 'first'));
  say('the second does not');
  await sayResult(app.publisher.sendToQueue(queue, 'second'));
}
