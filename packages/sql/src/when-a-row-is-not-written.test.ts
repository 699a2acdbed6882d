import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { SqlIdempotencyStore } from './idempotency/sql-idempotency-store.js';
import { TransactionalInbox } from './inbox/transactional-inbox.js';
import { Outbox } from './outbox/outbox.js';
import { describeOnEachDatabase } from './test-support/each-database.js';
import { rejection } from './test-support/rejection.js';

/** What keeps rows out of a table on PostgreSQL, with no error. */
const POSTGRES_WAYS: readonly [string, (table: string) => string[], (table: string) => string[]][] = [
  [
    'a trigger that returns nothing',
    (table) => [
      'CREATE OR REPLACE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
      `CREATE TRIGGER t BEFORE INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION nothing()`,
    ],
    (table) => [`DROP TRIGGER t ON ${table}`],
  ],
];

const SQLITE_WAYS: typeof POSTGRES_WAYS = [
  [
    'a trigger that ignores',
    (table) => [`CREATE TRIGGER t BEFORE INSERT ON ${table} BEGIN SELECT RAISE(IGNORE); END`],
    () => ['DROP TRIGGER t'],
  ],
];

const MARIADB_WAYS: typeof POSTGRES_WAYS = [
  [
    'a trigger that meets a duplicate elsewhere',
    (table) => [
      'CREATE TABLE audit (id int PRIMARY KEY)',
      'INSERT INTO audit VALUES (1)',
      `CREATE TRIGGER t BEFORE INSERT ON ${table} FOR EACH ROW INSERT INTO audit VALUES (1)`,
    ],
    () => ['DROP TRIGGER t', 'DROP TABLE audit'],
  ],
  [
    'a partition that is missing',
    (table) => [
      `ALTER TABLE ${table} PARTITION BY RANGE COLUMNS (${KEY[table]}) (PARTITION p VALUES LESS THAN (${table === 'leveret_outbox' ? '0' : "'a'"}))`,
    ],
    (table) => [`ALTER TABLE ${table} REMOVE PARTITIONING`],
  ],
  [
    'a check that fails',
    (table) => [
      `ALTER TABLE ${table} ADD CONSTRAINT c CHECK (${table === 'leveret_outbox' ? 'exchange' : KEY[table]} = 'none')`,
    ],
    (table) => [`ALTER TABLE ${table} DROP CONSTRAINT c`],
  ],
];

const KEY: Readonly<Record<string, string>> = {
  leveret_inbox: 'listener',
  leveret_idempotency: 'claim_key',
  leveret_outbox: 'id',
};
const WAYS = { postgres: POSTGRES_WAYS, mysql: MARIADB_WAYS, sqlite: SQLITE_WAYS };

describeOnEachDatabase('when a row is not written,', (at) => {
  const ways = WAYS[at.kind.service === 'postgres' ? 'postgres' : at.kind.service === 'mariadb' ? 'mysql' : 'sqlite'];
  for (const [way, keepOut, letIn] of ways) {
    describe(`by ${way},`, () => {
      let table: string;
      const setTable = async (name: string) => {
        table = name;
        for (const statement of keepOut(name)) await at.database.query(statement);
      };
      afterEach(async () => {
        for (const statement of letIn(table)) await at.database.query(statement);
      });

      describe('of the inbox,', () => {
        beforeEach(() => setTable('leveret_inbox'));

        it('the message counts as unknown, not as handled', async () => {
          const inbox = new TransactionalInbox(at.database);
          const error = await rejection(inbox.run('listener', `by ${way}`, () => expect.fail('handled')));
          expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
        });
      });

      describe('of the outbox,', () => {
        beforeEach(() => setTable('leveret_outbox'));

        it('publishing fails, and with it the transaction', async () => {
          const outbox = new Outbox(at.database);
          await rejection(at.database.transaction((tx) => outbox.publish(tx, 'e', 'k', 1)));
        });
      });

      describe('of the claims,', () => {
        beforeEach(() => setTable('leveret_idempotency'));

        it('the claim counts as unknown, not as another’s', async () => {
          const error = await rejection(new SqlIdempotencyStore(at.database).claim(`by ${way}`, { leaseMs: 1_000 }));
          expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
        });
      });
    });
  }
});

describeOnEachDatabase(
  'when a claim is not changed,',
  (at) => {
    it('completing and renewing it are unknown, not lost', async () => {
      const store = new SqlIdempotencyStore(at.database);
      const claim = await store.claim('k', { leaseMs: 60_000 });
      if (claim.kind !== 'claimed') throw new Error('expected a free key');
      const mine = { key: 'k', token: claim.token };
      const [, keepOut, letIn] = POSTGRES_WAYS[0] ?? expect.fail();
      for (const statement of keepOut('leveret_idempotency')) await at.database.query(statement);
      expect(await rejection(store.complete(mine, { ttlMs: 1_000 }))).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      expect(await rejection(store.renew(mine, { leaseMs: 600_000 }))).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      for (const statement of letIn('leveret_idempotency')) await at.database.query(statement);
      expect(await store.complete(mine, { ttlMs: 1_000 })).to.equal(true);
    });
  },
  ({ service }) => service === 'postgres',
);
