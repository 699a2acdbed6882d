import { Leveret, PublishError } from 'leveret';
import { broker, say } from '../example.js';

/** The broker is stopped: three attempts with a second between them, then an error that says what is known. */
export async function run(): Promise<void> {
  // Not started: `Leveret.start` would fail at once without a broker. A publisher connects when it must.
  await using app = new Leveret({
    ...broker,
    connection: { urls: 'amqp://127.0.0.1:1' }, // nothing listens there
    publisher: {
      connectionTimeout: '1s',
      retry: { maxAttempts: 3, initialInterval: '1000ms', multiplier: 1 },
    },
  });
  const began = Date.now();
  say('publishing without a broker');
  try {
    await app.publisher.publish('pay.direct', 'pay.success', { orderId: 1 });
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    say(`${error.code} after ${error.attempts} attempts and ~${Math.round((Date.now() - began) / 1000)} s`);
    say(`what is known of the message: ${error.fate}`);
    for (const cause of error.causes) say(`  ${cause.message}`);
  }
}
