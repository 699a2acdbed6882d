import { randomBytes } from 'node:crypto';
import { PublishError, type PublishReceipt } from 'leveret';

/** Where the broker is. Examples print for themselves, so leveret's own log is off. */
export const broker = {
  connection: { urls: process.env['AMQP_URL'] ?? 'amqp://127.0.0.1:5672', startTimeout: '5s' },
  logger: 'silent',
} as const;

const run = randomBytes(3).toString('hex');

/** A name on the broker that no other run of an example has. */
export function name(text: string): string {
  return `leveret.examples.${text}.${run}`;
}

/** For every queue of an example: the broker deletes it when it was unused for a minute. */
export const expires = '1m';

export function say(text: string): void {
  console.log(text);
}

/** Waits for a publish, and says how it ended. */
export async function sayResult(publish: Promise<PublishReceipt>): Promise<void> {
  try {
    const { confirmed, confirmMs, attempts } = await publish;
    say(`  resolved: confirmed ${confirmed}, after ~${Math.round(confirmMs)} ms, at attempt ${attempts}`);
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    say(`  rejected: ${error.code}, fate ${error.fate}, attempts ${error.attempts}`);
  }
}
