import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namesOf, PaySucceeded } from '@leveret-examples/contracts';
import { expect } from 'chai';
import { Leveret, Listener, Message, silentLogger } from 'leveret';
import { before, describe, it } from 'mocha';
import { expectedLines, runExample } from '../../../tools/scripts/check-examples.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';

/** This process and the service use the same names. */
const run = randomBytes(3).toString('hex');
const names = namesOf(run);

const found: string[] = [];

class FailedMessagesListener {
  @Listener(names.errorQueue)
  @Listener(names.deadQueue)
  onFailed(@Message() { body, headers }: Message): void {
    found.push(`${body.toString()} ${String(headers['x-exception-message'] ?? headers['x-first-death-reason'])}`);
  }
}

describe('the trade service', () => {
  before(needs('rabbitmq'));

  it('marks orders as paid once, parks what fails, rejects what is invalid, and ends at SIGTERM', async function () {
    this.timeout(60_000);
    let handled = 0;
    const folder = mkdtempSync(join(tmpdir(), 'leveret-trade-'));
    const { code, lines } = await runExample('examples/trade-service/dist/main.js', {
      args: ['1', '2', '3'],
      env: { SQLITE_FILE: join(folder, 'trade.db'), PORT: '0', DATABASE_URL: '', LEVERET_EXAMPLES_RUN: run },
      onLine: (line, child) => {
        if (!line.startsWith('trade-service is ready')) return;
        tellItEverything(() => ++handled).finally(() => child.kill('SIGTERM'));
      },
    });
    rmSync(folder, { recursive: true });
    // The rest is leveret's log.
    const own = lines
      .filter((line) => /^(order|trade-service) /.test(line))
      .map((line) => line.replace(/(?<=is ready) .*/, ''));
    expect(own).to.deep.equal(expectedLines('trade-service', 'trade-service'));
    expect(found).to.deep.equal([
      '{"orderId":"two"} rejected',
      '{"orderId":404,"paidAt":"2025-11-01T10:00:00Z"} order 404 is not there',
    ]);
    expect({ code, handled }).to.deep.equal({ code: 0, handled: 2 });
  });
});

/** Publishes as the pay service would, and waits until the two bad messages have been found. */
async function tellItEverything(onFound: () => void): Promise<void> {
  const url = process.env['AMQP_URL'] ?? 'amqp://127.0.0.1:5672';
  let allFound: () => void = () => undefined;
  const end = new Promise<void>((resolve, reject) => {
    allFound = resolve;
    setTimeout(() => reject(new Error('the failed messages were not found within 20 s')), 20_000).unref();
  });
  await using app = await Leveret.start({
    connection: { urls: url },
    listeners: [FailedMessagesListener],
    logger: silentLogger,
    onEvent: (event) => {
      if (event.type !== 'handled') return;
      onFound();
      if (found.length === 2) allFound();
    },
  });
  const paid = (orderId: number) =>
    app.publisher.publish(names.payExchange, 'pay.success', new PaySucceeded(orderId, '2025-11-01T10:00:00Z'));
  await paid(1);
  await paid(1);
  await paid(2);
  await app.publisher.publish(names.payExchange, 'pay.success', { orderId: 'two' });
  await paid(404);
  await end;
}
