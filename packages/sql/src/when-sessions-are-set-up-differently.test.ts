import { randomUUID } from 'node:crypto';
import { ConfigurationError, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import mysql2 from 'mysql2/promise';
import pg from 'pg';
import { needs } from '../../../tools/scripts/needs.mjs';
import { purge } from './cleanup/purge.js';
import { mysqlDatabase } from './database/mysql-database.js';
import { postgresDatabase } from './database/postgres-database.js';
import type { SqlDatabase } from './database/sql-database.js';
import { SqlIdempotencyStore } from './idempotency/sql-idempotency-store.js';
import { TransactionalInbox } from './inbox/transactional-inbox.js';
import { Outbox } from './outbox/outbox.js';
import { OutboxRelay } from './relay/outbox-relay.js';
import { eventually } from './test-support/eventually.js';
import { FakeSender } from './test-support/fake-sender.js';
import { rejection } from './test-support/rejection.js';
import { DATABASE_KINDS, TestDatabase } from './test-support/test-database.js';

const LEASE = { leaseMs: 60_000 };

interface Opened {
  readonly database: SqlDatabase<unknown>;
  close(): Promise<unknown>;
}

/** Each connection of a pool is set up by a statement, as a server or a team does it for all. */
const onMariadb =
  (setting: string) =>
  (url: string): Opened => {
    const pool = mysql2.createPool({ uri: url, connectionLimit: 5 });
    pool.pool.on('connection', (connection) => void connection.query(setting));
    return { database: mysqlDatabase(pool, { service: 'test' }) as SqlDatabase<unknown>, close: () => pool.end() };
  };

const onPostgres =
  (setting: string) =>
  (url: string): Opened => {
    const pool = new pg.Pool({ connectionString: url, max: 5 });
    pool.on('connect', (client) => void client.query(setting));
    return { database: postgresDatabase(pool, { service: 'test' }) as SqlDatabase<unknown>, close: () => pool.end() };
  };

const SETTINGS: readonly [string, string, (url: string) => Opened][] = [
  ...[
    'SET autocommit = 0',
    `SET completion_type = 'CHAIN'`,
    `SET completion_type = 'RELEASE'`,
    `SET autocommit = 0, completion_type = 'CHAIN'`,
    'SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE',
    'SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED',
    `SET time_zone = '+09:00'`,
    `SET sql_mode = ''`,
    `SET sql_mode = 'ANSI,TRADITIONAL,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES,HIGH_NOT_PRECEDENCE,ONLY_FULL_GROUP_BY'`,
    `SET sql_mode = 'NO_UNSIGNED_SUBTRACTION,NO_AUTO_VALUE_ON_ZERO,PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE'`,
    'SET sql_safe_updates = 1',
    'SET sql_auto_is_null = 1',
  ].map((setting): [string, string, (url: string) => Opened] => ['MariaDB', setting, onMariadb(setting)]),
  ...[
    'SET default_transaction_isolation = serializable',
    `SET default_transaction_isolation = 'repeatable read'`,
    `SET TIME ZONE 'Asia/Tokyo'`,
    'SET standard_conforming_strings = off',
    'SET bytea_output = escape',
    `SET datestyle = 'German'`,
    'SET extra_float_digits = -15',
    'SET enable_seqscan = off',
  ].map((setting): [string, string, (url: string) => Opened] => ['PostgreSQL', setting, onPostgres(setting)]),
];

for (const name of ['MariaDB', 'PostgreSQL']) {
  describe(`when sessions are set up differently, on ${name},`, () => {
    const kind = DATABASE_KINDS.find((each) => each.name === name);
    let made: TestDatabase;
    /** With sessions as they are. */
    let plain: SqlDatabase<unknown>;
    const opened: Opened[] = [];
    if (kind?.service !== undefined) before(needs(kind.service));
    before(async () => {
      made = await TestDatabase.create(kind ?? expect.fail());
      plain = made.open();
    });
    afterEach(async () => {
      for (const each of opened.splice(0)) await each.close();
      for (const table of ['leveret_inbox', 'leveret_outbox', 'leveret_idempotency'])
        await plain.query(`DELETE FROM ${table}`);
    });
    after(() => made?.dispose());

    for (const [on, setting, open] of SETTINGS) {
      if (on !== name) continue;
      const two = () => {
        opened.push(open(made.url), open(made.url));
        return opened.slice(-2).map(({ database }) => database) as [SqlDatabase<unknown>, SqlDatabase<unknown>];
      };

      describe(`by ${setting},`, () => {
        it('a claim is granted once, and remembered', async () => {
          const [one, other] = two().map((database) => new SqlIdempotencyStore(database)) as [
            SqlIdempotencyStore,
            SqlIdempotencyStore,
          ];
          const claim = await one.claim('k', LEASE);
          if (claim.kind !== 'claimed') throw new Error(`expected a free key, found ${claim.kind}`);
          expect((await other.claim('k', LEASE)).kind).to.equal('in-progress');
          expect(await one.renew({ key: 'k', token: claim.token }, LEASE)).to.equal(true);
          expect(await one.complete({ key: 'k', token: claim.token }, { ttlMs: 60_000 })).to.equal(true);
          for (const store of [one, other]) expect((await store.claim('k', LEASE)).kind).to.equal('completed');
        });

        it('a message is handled once', async () => {
          const [one, other] = two().map((database) => new TransactionalInbox(database)) as [
            TransactionalInbox<unknown>,
            TransactionalInbox<unknown>,
          ];
          const id = randomUUID();
          let calls = 0;
          expect((await one.run('l', id, () => calls++)).kind).to.equal('handled');
          for (const inbox of [one, other])
            expect((await inbox.run('l', id, () => calls++)).kind).to.equal('duplicate');
          expect(calls).to.equal(1);
        });

        it('what is past its time is deleted', async () => {
          const [one] = two();
          await new TransactionalInbox(one).run('l', randomUUID(), () => undefined);
          await eventually('it is purged', async () => (await purge(one, { retention: 1 })).inbox > 0);
        });

        it('a message is published once, by two relays', async () => {
          const [one, other] = two();
          const outbox = new Outbox(one);
          const sender = new FakeSender();
          const settings = { pollInterval: 20, retention: false, logger: silentLogger } as const;
          await using first = new OutboxRelay(one, sender, settings).start();
          await using second = new OutboxRelay(other, sender, settings).start();
          const ids: (string | undefined)[] = [];
          for (let n = 0; n < 5; n++) {
            ids.push(await one.transaction((tx) => outbox.publish(tx, '', 'k', { n, text: `it's "é" \\ 😀` })));
          }
          await eventually('all are published', () => first.stats.published + second.stats.published === 5);
          await eventually(
            'nothing is left',
            async () => (await plain.query('SELECT id FROM leveret_outbox')).rows.length === 0,
          );
          for (const relay of [first, second]) await relay.stop();
          expect(sender.sent.map(({ properties }) => properties.messageId)).to.have.members(ids);
          expect(sender.sent[0]?.body.toString()).to.contain(`it's \\"é\\" \\\\ 😀`);
        });
      });
    }
  });
}

describe('a pool of MariaDB that does not speak utf8mb4', () => {
  const kind = DATABASE_KINDS.find(({ name }) => name === 'MariaDB');
  let made: TestDatabase;
  before(needs('mariadb'));
  before(async () => {
    made = await TestDatabase.create(kind ?? expect.fail());
  });
  after(() => made?.dispose());

  for (const charset of ['latin1', 'utf8', 'cp1251', 'ascii', 'latin2']) {
    it(`is refused: ${charset}`, async () => {
      const pool = mysql2.createPool({ uri: made.url, charset, connectionLimit: 1 });
      const database = mysqlDatabase(pool, { service: 'test' }) as SqlDatabase<unknown>;
      const inbox = new TransactionalInbox(database);
      const application = { service: 'test', uses: new Map() };
      const checked = await rejection(inbox.check(application));
      await pool.end();
      expect(checked).to.be.instanceOf(ConfigurationError);
      expect(checked.message).to.contain('utf8mb4');
    });
  }

  it('is refused as well where a handler would be called', async () => {
    const pool = mysql2.createPool({ uri: made.url, charset: 'latin1' });
    const database = mysqlDatabase(pool, { service: 'test' }) as SqlDatabase<unknown>;
    const error = await rejection(new TransactionalInbox(database).run('l', '日', () => expect.fail('handled')));
    await pool.end();
    expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
  });
});
