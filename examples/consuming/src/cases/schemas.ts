import { channel, Leveret, Listener, validatePayload } from 'leveret';
import { z } from 'zod';
import { broker, expires, name, Outcomes, say } from '../example.js';

const queue = name('schemas');

const PaySucceeded = z.object({
  orderId: z.int().positive(),
  paidAt: z.iso.datetime().transform((text) => new Date(text)),
  note: z.string().default('none'),
});
const paySucceeded = channel('', queue, { payload: PaySucceeded });

class PayListener {
  /** The parameter has what the schema makes of the body: `paidAt` is a Date, `note` is always there. */
  @Listener({ queue: { name: queue, expires }, payload: PaySucceeded })
  onPaySucceeded(event: z.infer<typeof PaySucceeded>): { year: number } {
    say(`handler gets order ${event.orderId}, paid in ${event.paidAt.getUTCFullYear()}, note ${event.note}`);
    return { year: event.paidAt.getUTCFullYear() };
  }
}

/** A schema of zod (or valibot, arktype, ...) in place of a class: read, published, asked for. */
export async function run(): Promise<void> {
  const outcomes = new Outcomes();
  await using app = await Leveret.start({
    ...broker,
    listeners: [PayListener],
    publisher: { validate: validatePayload },
    onEvent: outcomes.watch,
  });
  const { publisher } = app;
  await publisher.publish(paySucceeded, { orderId: 1, paidAt: '2026-11-27T08:00:00Z' });
  await outcomes.until('handled');
  // The compiler cannot know that 0 is too small: the publisher does, and sends nothing.
  await publisher.publish(paySucceeded, { orderId: 0, paidAt: '2026-11-27T08:00:00Z' }).catch((error: Error) => {
    say(`not sent: ${error.message}`);
  });
  // A sender without the schema.
  await publisher.sendToQueue(queue, { orderId: 'one', paidAt: 'yesterday' });
  await outcomes.until('dropped');
  const Reply = z.object({ year: z.int() });
  const { year } = await publisher.request(
    paySucceeded,
    { orderId: 2, paidAt: '2025-01-01T00:00:00Z' },
    { replyType: Reply },
  );
  await outcomes.until('handled', 2);
  say(`the reply is from ${year}`);
}
