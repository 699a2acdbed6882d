import { createServer, type Socket } from 'node:net';
import { silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import pg from 'pg';
import type { SqlDatabase } from './database/sql-database.js';
import { Outbox } from './outbox/outbox.js';
import { OutboxRelay } from './relay/outbox-relay.js';
import { postgresWakeUp } from './relay/wake-up.js';
import { eventually } from './test-support/eventually.js';
import { FakeSender } from './test-support/fake-sender.js';
import { DATABASE_KINDS, TestDatabase } from './test-support/test-database.js';

/** What keeps the process alive, one for each. */
function keepingAlive(): string[] {
  return process.getActiveResourcesInfo();
}

/** What does that was not there before: what another suite has left may come to its end meanwhile. */
function keepingAliveSince(before: readonly string[]): string[] {
  const known = [...before];
  return keepingAlive().filter((each) => {
    const index = known.indexOf(each);
    if (index >= 0) known.splice(index, 1);
    return index < 0;
  });
}

const memory = DATABASE_KINDS.find(({ shared }) => !shared);

/** What a relay leaves behind that is stopped while it is at something. */
async function leftBehind(use: (database: SqlDatabase<unknown>) => Promise<void>): Promise<void> {
  if (memory === undefined) throw new Error('there is no kind of database in memory');
  const made = await TestDatabase.create(memory);
  try {
    const before = keepingAlive();
    await use(made.open());
    expect(keepingAliveSince(before)).to.deep.equal([]);
  } finally {
    await made.dispose();
  }
}

describe('when a relay is stopped', () => {
  it('keeps no process alive for messages that were never answered', () =>
    leftBehind(async (database) => {
      const sender = new FakeSender();
      sender.answer = () => new Promise(() => {});
      const outbox = new Outbox(database);
      await database.transaction(async (tx) => {
        for (let n = 0; n < 5; n++) await outbox.publish(tx, 'e', 'k', `${n}`);
      });
      const relay = new OutboxRelay(database, sender, { logger: silentLogger }).start();
      await eventually('all are on their way', () => sender.sent.length === 5);
      await relay.stop({ timeout: 20 });
    }));

  it('keeps no process alive for its next looks and its housekeeping', () =>
    leftBehind(async (database) => {
      const relay = new OutboxRelay(database, new FakeSender(), { pollInterval: '10m', logger: silentLogger }).start();
      await eventually('it has looked', () => relay.stats.polls === 1);
      await relay.stop();
    }));

  it('keeps no process alive while the database is away', () =>
    leftBehind(async (database) => {
      const away: SqlDatabase<unknown> = {
        ...database,
        transaction: () => Promise.reject(new Error('connection refused')),
        query: () => Promise.reject(new Error('connection refused')),
      };
      const relay = new OutboxRelay(away, new FakeSender(), { pollInterval: 10, logger: silentLogger }).start();
      await eventually('it has looked', () => relay.stats.databaseErrors > 0);
      await relay.stop();
    }));

  it('keeps no process alive for a server that takes connections and says nothing', async () => {
    const taken: Socket[] = [];
    const silent = createServer({ allowHalfOpen: true }, (socket) => taken.push(socket.resume().unref()));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    silent.unref();
    try {
      const before = keepingAlive();
      const { port } = silent.address() as { readonly port: number };
      const wakeUp = postgresWakeUp(() => new pg.Client({ host: '127.0.0.1', port, user: 'nobody' }));
      wakeUp.start(() => {}, silentLogger);
      await eventually('it is connected', () => taken.length === 1);
      await wakeUp.stop();
      expect(keepingAliveSince(before)).to.deep.equal([]);
    } finally {
      for (const socket of taken) socket.destroy();
      silent.close();
    }
  });
});
