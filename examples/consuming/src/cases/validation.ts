import { PaySucceeded } from '@leveret-examples/contracts';
import { Header, Leveret, Listener, Message, Payload } from 'leveret';
import { broker, expires, name, Outcomes, say } from '../example.js';

const [queue, deadExchange, deadQueue] = [name('valid'), name('dead.direct'), name('dead.queue')];

class ValidListener {
  /** The body must be JSON that keeps the rules of PaySucceeded, and the header must be there. */
  @Listener({
    queue: { name: queue, expires },
    deadLetter: { exchange: { name: deadExchange, autoDelete: true }, queue: { name: deadQueue, expires } },
    retry: true,
  })
  onPaySucceeded(@Payload() event: PaySucceeded, @Header('x-tenant') tenant: string): void {
    say(`handler gets order ${event.orderId} of ${tenant}, an instance of ${event.constructor.name}`);
  }

  @Listener(deadQueue)
  onDead(@Message() message: Message): void {
    say(`dead letter queue: ${message.body.toString()}`);
  }
}

/** A message that cannot be read or is invalid is rejected at once: it is never retried, and never goes round. */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({ ...broker, listeners: [ValidListener], onEvent: outcomes.watch });
  const send = async (text: string, headers: Record<string, string>) => {
    say(`sent: ${text}`);
    const before = outcomes.count('handled');
    await app.publisher.sendToQueue(queue, Buffer.from(text), { contentType: 'application/json', headers });
    await outcomes.until('handled', before + 1);
  };
  await send('{"orderId":1,"paidAt":"2025-11-01T10:00:00Z"}', { 'x-tenant': 'hmall' });
  await send('{"orderId":"one"}', { 'x-tenant': 'hmall' });
  await send('{"orderId":', { 'x-tenant': 'hmall' });
  await send('{"orderId":1,"paidAt":"2025-11-01T10:00:00Z"}', {});
}
