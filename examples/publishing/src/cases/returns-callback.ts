import { Leveret } from 'leveret';
import { broker, expires, name, say, sayResult } from '../example.js';

const [exchange, queue] = [name('orders.direct'), name('orders.queue')];

/** One callback sees every message that no queue is bound for, also where nobody waits for the promise. */
export async function run(): Promise<void> {
  await using app = await Leveret.start({
    ...broker,
    topology: {
      queues: [{ name: queue, expires }],
      bindings: [{ exchange: { name: exchange, autoDelete: true }, queue, routingKey: 'paid' }],
    },
  });
  const stop = app.publisher.onReturn(({ routingKey, replyCode, replyText, message }) => {
    say(`  returned: key '${routingKey}', ${replyCode} ${replyText}, body ${message.body.toString()}`);
  });

  say('a key that nothing is bound for');
  await sayResult(app.publisher.publish(exchange, 'payed', { orderId: 1 }));
  say('the same, not mandatory: the broker drops it without a word, and acks');
  await sayResult(app.publisher.publish(exchange, 'payed', { orderId: 1 }, { mandatory: false }));
  stop();
  say('the callback is taken away: the promise still rejects');
  await sayResult(app.publisher.publish(exchange, 'payed', { orderId: 1 }));
}
