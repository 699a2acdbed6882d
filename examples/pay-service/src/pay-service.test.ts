import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { namesOf } from '@leveret-examples/contracts';
import { expect } from 'chai';
import { Leveret, Listener, Message, silentLogger } from 'leveret';
import { after, before, describe, it } from 'mocha';
import pg from 'pg';
import { runExample } from '../../../tools/scripts/check-examples.mjs';
import { needs } from '../../../tools/scripts/needs.mjs';

/** This process and the service use the same names. */
const run = randomBytes(3).toString('hex');
const names = namesOf(run);

const published: string[] = [];

class PayListener {
  @Listener({
    queue: { name: `${names.payExchange}.test`, expires: '1m' },
    bindings: ['pay.success', 'pay.refunded'].map((routingKey) => ({
      exchange: { name: names.payExchange, autoDelete: true },
      routingKey,
    })),
  })
  onPay(@Message() { routingKey, body, messageId }: Message): void {
    const { orderId } = JSON.parse(body.toString()) as { orderId: number };
    published.push(`${routingKey} ${orderId} ${messageId === undefined ? 'without' : 'with'} an id`);
  }
}

const databases = [
  { name: 'SQLite', url: () => '' },
  { name: 'PostgreSQL', url: () => process.env['POSTGRES_URL'] ?? 'postgres://root@127.0.0.1:5432/test' },
];

for (const database of databases) {
  describe(`the pay service on ${database.name}`, () => {
    before(needs('rabbitmq'));
    if (database.name === 'PostgreSQL') {
      before(needs('postgres'));
      after(() => dropSchema(database.url()));
    }

    it('commits a payment with its message, takes each order once, publishes in order, and ends at SIGTERM', async function () {
      this.timeout(60_000);
      published.length = 0;
      const folder = mkdtempSync(join(tmpdir(), 'leveret-pay-'));
      const orderId = Math.floor(Math.random() * 1e12) + 1;
      const answers: string[] = [];
      const use = async (url: string) => {
        const ask = async (path: string, body?: object) => {
          const request = body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) };
          const answer = await fetch(`${url}${path}`, request);
          const { status, error } = (await answer.json()) as { status?: string; error?: string };
          answers.push(`${answer.status} ${status ?? error}`.replaceAll(String(orderId), '<order>'));
        };
        await ask(`/payments/${orderId}`);
        await ask('/payments', { orderId, amount: 5 });
        await ask('/payments', { orderId, amount: 5 });
        await ask(`/payments/${orderId}/refund`, { reason: 'sent back' });
        await ask(`/payments/${orderId}`);
        await ask('/payments', { orderId: 'seven', amount: 5 });
        await ask('/orders');
      };
      const url = process.env['AMQP_URL'] ?? 'amqp://127.0.0.1:5672';
      await using _app = await Leveret.start({
        connection: { urls: url },
        listeners: [PayListener],
        logger: silentLogger,
      });
      const { code } = await runExample('examples/pay-service/dist/main.js', {
        env: {
          SQLITE_FILE: join(folder, 'pay.db'),
          PORT: '0',
          DATABASE_URL: database.url(),
          LEVERET_EXAMPLES_RUN: run,
        },
        onLine: (line, child) => {
          const [address] = /http:\S+/.exec(line) ?? [];
          if (!line.startsWith('pay-service is ready') || address === undefined) return;
          void use(address)
            .then(() => until(() => published.length >= 2))
            .finally(() => child.kill('SIGTERM'));
        },
      });
      rmSync(folder, { recursive: true });
      expect(answers).to.deep.equal([
        '404 order <order> has not been paid',
        '200 paid',
        '200 paid',
        '200 refunded',
        '200 refunded',
        '400 orderId must be a whole number from 1; got "seven"',
        '404 there is no GET /orders',
      ]);
      expect(published).to.deep.equal([`pay.success ${orderId} with an id`, `pay.refunded ${orderId} with an id`]);
      expect(code).to.equal(0);
    });
  });
}

async function dropSchema(url: string): Promise<void> {
  if (process.env['LEVERET_SKIP_POSTGRES']) return;
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`DROP SCHEMA IF EXISTS pay_service_${run} CASCADE`);
  await client.end();
}

async function until(holds: () => boolean): Promise<void> {
  const limit = performance.now() + 20_000;
  while (!holds() && performance.now() < limit) await new Promise((resolve) => setTimeout(resolve, 10));
}
