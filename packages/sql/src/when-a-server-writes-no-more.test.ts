import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import mysql2 from 'mysql2/promise';
import pg from 'pg';
import { needs } from '../../../tools/scripts/needs.mjs';
import { mysqlDatabase } from './database/mysql-database.js';
import { postgresDatabase } from './database/postgres-database.js';
import type { SqlDatabase } from './database/sql-database.js';
import { sqlFault } from './database/sql-fault.js';
import { SqlIdempotencyStore } from './idempotency/sql-idempotency-store.js';
import { TransactionalInbox } from './inbox/transactional-inbox.js';
import { rejection } from './test-support/rejection.js';
import { DATABASE_KINDS, TestDatabase } from './test-support/test-database.js';

/** A pool whose connections lead to a server that writes no more until it is told otherwise; those that exist stay. */
interface FailingOver {
  readonly database: SqlDatabase<unknown>;
  readonly servers: { primary: boolean };
  close(): Promise<unknown>;
}

const ON_POSTGRES = (url: string): FailingOver => {
  const servers = { primary: false };
  const pool = new pg.Pool({ connectionString: url, max: 3 });
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    if (!servers.primary) void client.query('SET default_transaction_read_only = on');
  });
  return {
    database: postgresDatabase(pool, { service: 'test' }) as SqlDatabase<unknown>,
    servers,
    close: () => pool.end(),
  };
};

const ON_MARIADB = (url: string): FailingOver => {
  const servers = { primary: false };
  const pool = mysql2.createPool({ uri: url, connectionLimit: 3 });
  pool.pool.on('connection', (connection) => {
    if (!servers.primary) connection.query('SET SESSION TRANSACTION READ ONLY');
  });
  return {
    database: mysqlDatabase(pool, { service: 'test' }) as SqlDatabase<unknown>,
    servers,
    close: () => pool.end(),
  };
};

for (const [name, open, statement] of [
  ['PostgreSQL', ON_POSTGRES, `INSERT INTO leveret_services VALUES ('x', '', 0, 0)`],
  ['MariaDB', ON_MARIADB, `INSERT INTO leveret_services VALUES ('x', '', 0, 0)`],
] as const) {
  describe(`when a server writes no more, on ${name},`, () => {
    const kind = DATABASE_KINDS.find((each) => each.name === name);
    let made: TestDatabase;
    if (kind?.service !== undefined) before(needs(kind.service));
    before(async () => {
      made = await TestDatabase.create(kind ?? expect.fail());
    });
    after(() => made?.dispose());

    /** Every connection of the pool is made, and in it, while the server is what it is. */
    const filled = async (database: SqlDatabase<unknown>) => {
      const three = [1, 2, 3].map(() => database.transaction((tx) => database.within(tx).query('SELECT 1')));
      await Promise.all(three);
    };

    it('statements fail with what says so', async () => {
      const { database, close } = open(made.url);
      expect(sqlFault(await rejection(database.query(statement)))).to.equal('read-only');
      const within = database.transaction((tx) => database.within(tx).query(statement));
      expect(sqlFault(await rejection(within))).to.equal('read-only');
      await close();
    });

    it('its connections are closed, and a handler is called once there is a server that does', async () => {
      const { database, servers, close } = open(made.url);
      await filled(database);
      servers.primary = true;
      let calls = 0;
      const result = await new TransactionalInbox(database).run('listener', 'failed over', () => ++calls);
      expect(result).to.include({ kind: 'handled', value: 1 });
      await close();
    });

    it('nothing is taken for handled while there is none', async () => {
      const { database, close } = open(made.url);
      const inbox = new TransactionalInbox(database, { conflictRetries: 1 });
      const error = await rejection(inbox.run('listener', 'nowhere', () => expect.fail('handled')));
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      expect(error.message).to.match(/read.only/i);
      await close();
    });

    it('claims go on as soon as each of its connections was asked once', async () => {
      const { database, servers, close } = open(made.url);
      await filled(database);
      servers.primary = true;
      const store = new SqlIdempotencyStore(database);
      const answers: string[] = [];
      for (let tries = 0; tries < 4 && !answers.includes('claimed'); tries++) {
        answers.push(
          await store.claim('k', { leaseMs: 1_000 }).then(
            ({ kind }) => kind,
            ({ code }) => code,
          ),
        );
      }
      expect(answers.at(-1)).to.equal('claimed');
      expect(new Set(answers.slice(0, -1))).to.deep.equal(new Set(['LEV_IDEMPOTENCY_STORE']));
      await close();
    });
  });
}
