/**
 * A process that handles deliveries and relays an outbox as it is told, line by line, and kills itself at the step it is
 * told. What it says is written at once: what the conductor has read has happened, and what it has not read has not.
 */
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type Publication, silentLogger, systemClock } from '@leveret/core';
import type { SqlDatabase } from '../database/sql-database.js';
import { TransactionalInbox } from '../inbox/transactional-inbox.js';
import { Outbox } from '../outbox/outbox.js';
import { RelayHealth } from '../relay/relay-health.js';
import { zeroCounters } from '../relay/relay-stats.js';
import { RelayStream } from '../relay/relay-stream.js';
import type { OpenDatabase, Step } from './opened.js';
import type { Order, Report } from './worker-protocol.js';

const [url = '', plant = 'nothing'] = process.argv.slice(2);

let steps = 0;
let killAt = 0;
const step: Step = () => {
  if (++steps === killAt) process.kill(process.pid, 'SIGKILL');
};
const say = (report: Report): void => {
  writeSync(1, `${JSON.stringify(report)}\n`);
};

/** Only the driver that is used: there are hundreds of these processes. */
async function open(): Promise<OpenDatabase> {
  if (url.startsWith('postgres:')) return (await import('./open-postgres.js')).openPostgres(url, step);
  if (url.startsWith('mysql:')) return (await import('./open-mysql.js')).openMysql(url, step);
  return (await import('./open-sqlite.js')).openSqlite(url, step);
}

const { database: opened, close } = await open();
const database = plant === 'row outside of the transaction' ? withRowsOutside(opened) : opened;
const inbox = new TransactionalInbox(database, { lockTimeout: '1s' });
const outbox = new Outbox(database);

/** The planted bug: the inbox row is committed by itself, before the effect. */
function withRowsOutside(right: SqlDatabase<unknown>): SqlDatabase<unknown> {
  return {
    ...right,
    within: (tx) => ({
      query: (text, parameters) =>
        text.includes('leveret_inbox') ? right.query(text, parameters) : right.within(tx).query(text, parameters),
    }),
  };
}

async function handle(listener: string, id: string): Promise<string> {
  try {
    const result = await inbox.run(listener, id, async (tx) => {
      step();
      const text = database.dialect.placeholders('INSERT INTO effects (listener, message_id) VALUES (?, ?)');
      await database.within(tx).query(text, [listener, id]);
      if (listener === 'orders') await outbox.publish(tx, 'mails', 'new', id, { messageId: `${id}-mail` });
      step();
    });
    return result.kind;
  } catch (error) {
    return `failed: ${String(error)}`;
  }
}

async function relay(): Promise<number> {
  const sender = {
    send: async ({ properties }: Publication) => {
      step();
      say({ type: 'published', id: String(properties.messageId) });
      step();
    },
  };
  const stream = new RelayStream({
    database,
    sender,
    clock: systemClock,
    logger: silentLogger,
    counters: zeroCounters(),
    health: new RelayHealth('worker'),
    batchSize: 10,
    batchBytes: 1_000_000,
    leaseMs: 300,
    sendTimeoutMs: 10_000,
    refusals: { maxFailures: 3, backoff: { initialIntervalMs: 1, multiplier: 1, maxIntervalMs: 1, jitter: 0 } },
  });
  const { taken } = await stream.look();
  await stream.settled();
  return taken;
}

async function obey(order: Order): Promise<void> {
  steps = 0;
  killAt = order.killAt ?? 0;
  switch (order.type) {
    case 'deliver': {
      const copies = Array.from({ length: order.copies ?? 1 }, () => handle(order.listener, order.id));
      const kinds = await Promise.all(copies);
      step();
      say({ type: 'settled', kinds });
      step();
      return;
    }
    case 'relay': {
      const taken = await relay();
      say({ type: 'relayed', taken });
      return;
    }
    case 'end':
      await close();
      process.exit(0);
  }
}

let last: Promise<void> = Promise.resolve();
createInterface({ input: process.stdin }).on('line', (line) => {
  last = last.then(() => obey(JSON.parse(line) as Order));
});
say({ type: 'ready' });
