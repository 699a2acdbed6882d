import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { needs } from '../../../../tools/scripts/needs.mjs';
import { purge } from '../cleanup/purge.js';
import type { SqlDatabase } from '../database/sql-database.js';
import { mysql, postgres, type SqlDialect, sqlite } from '../database/sql-dialect.js';
import { SqlIdempotencyStore } from '../idempotency/sql-idempotency-store.js';
import { TransactionalInbox } from '../inbox/transactional-inbox.js';
import { Outbox } from '../outbox/outbox.js';
import { OutboxRelay } from '../relay/outbox-relay.js';
import { eventually } from '../test-support/eventually.js';
import { FakeSender } from '../test-support/fake-sender.js';
import { openDatabase } from '../test-support/open-database.js';
import type { OpenDatabase } from '../test-support/opened.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { rejection } from '../test-support/rejection.js';
import { DATABASE_KINDS, TestDatabase } from '../test-support/test-database.js';
import { migrate, migrationScript, migrations } from './migrate.js';

/** As somebody runs a file: what one statement sets, the next one knows. */
function inOneSession(database: SqlDatabase<unknown>, statements: readonly string[]): Promise<void> {
  return database.transaction(async (tx) => {
    for (const statement of statements) if (statement.trim() !== '') await database.within(tx).query(statement);
  });
}

for (const kind of DATABASE_KINDS) {
  describe(`migrate on ${kind.name}`, () => {
    let made: TestDatabase;
    if (kind.service !== undefined) before(needs(kind.service));
    before(async () => {
      made = await TestDatabase.create(kind, { migrated: false });
    });
    after(() => made?.dispose());

    it('applies every step once, also when several processes begin at once', async () => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => migrate(made.open())));
      const applied = answers.flat();
      expect(applied).to.deep.equal(migrations(made.open().dialect).map(({ name }) => name));
      expect(await migrate(made.open())).to.deep.equal([]);
    });

    it('creates the tables that are used', async () => {
      for (const table of ['leveret_inbox', 'leveret_outbox', 'leveret_idempotency']) {
        expect((await made.open().query(`SELECT * FROM ${table}`)).rows).to.deep.equal([]);
      }
    });

    it('writes nothing and locks nothing where nothing is to be done', async () => {
      const { dialect, query } = made.open();
      const asked: string[] = [];
      const reading = {
        dialect,
        service: 'test',
        query: (text: string) => {
          asked.push(text);
          return query(text);
        },
        within: () => expect.fail('a transaction'),
        transaction: () => expect.fail('a transaction'),
      };
      expect(await migrate(reading)).to.deep.equal([]);
      for (const text of asked) expect(text).to.match(/^SELECT /);
    });

    it('has nothing to do behind its script', async () => {
      const other = await TestDatabase.create(kind, { migrated: false });
      try {
        const database = other.open();
        await inOneSession(database, migrationScript(database.dialect).split(/;\s*\n/));
        expect(await migrate(database)).to.deep.equal([]);
      } finally {
        await other.dispose();
      }
    });

    it('goes on where a process died between the statements of a step', async () => {
      const other = await TestDatabase.create(kind, { migrated: false });
      try {
        const database = other.open();
        const [first, second] = migrations(database.dialect);
        await inOneSession(database, migrationScript(database.dialect, first && [first]).split(/;\s*\n/));
        // Where statements of a step are not one transaction.
        if (kind.service === 'mariadb') await database.query(second?.statements[0] ?? '');
        expect(await migrate(database)).to.deep.equal(
          migrations(database.dialect)
            .slice(1)
            .map(({ name }) => name),
        );
      } finally {
        await other.dispose();
      }
    });

    it('refuses to go on when a step that was applied differs', async () => {
      await made.open().query(`UPDATE leveret_migrations SET checksum = 'other'`);
      const error = await rejection(migrate(made.open()));
      expect(error).to.include({ code: 'LEV_MIGRATION' });
      expect(error.message).to.contain('0001-inbox-outbox-idempotency was applied in another form');
    });
  });
}

describe('migrations', () => {
  it('have the same steps for every dialect, each with its statements', () => {
    const [first, ...others] = [postgres, mysql, sqlite].map(migrations);
    for (const steps of others) expect(steps.map(({ name }) => name)).to.deep.equal(first?.map(({ name }) => name));
    for (const { statements, checksum } of first ?? []) {
      expect(statements.length).to.be.greaterThan(1);
      for (const statement of statements)
        expect(statement).to.match(/^(CREATE|ALTER|UPDATE|DROP|SET|PREPARE|EXECUTE|DEALLOCATE) [^;]+$/);
      expect(checksum).to.match(/^[0-9a-f]{64}$/);
    }
  });
});

/** A service's user, who may read and write rows and nothing else. */
const USERS = {
  PostgreSQL: {
    make: (user: string, name: string) => [
      `CREATE ROLE ${user} LOGIN`,
      // What PostgreSQL before 15 lets everybody do.
      'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
      `GRANT CONNECT ON DATABASE ${name} TO ${user}`,
    ],
    grant: (user: string) => [`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${user}`],
    drop: (user: string) => [`DROP OWNED BY ${user}`, `DROP ROLE ${user}`],
  },
  MariaDB: {
    make: (user: string, name: string) => [
      `CREATE USER ${user}@'%'`,
      `GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.* TO ${user}@'%'`,
    ],
    grant: () => [],
    drop: (user: string) => [`DROP USER ${user}@'%'`],
  },
};

for (const name of ['PostgreSQL', 'MariaDB'] as const) {
  describe(`migrate for a user who may not create tables, on ${name}`, () => {
    const kind = DATABASE_KINDS.find((each) => each.name === name);
    const user = `leveret_${randomUUID().slice(0, 8)}`;
    let made: TestDatabase;
    let service: OpenDatabase;
    const asAdministrator = (statements: readonly string[]) => inOneSession(made.open(), statements);
    if (kind?.service !== undefined) before(needs(kind.service));
    before(async () => {
      made = await TestDatabase.create(kind ?? expect.fail(), { migrated: false });
      await asAdministrator(USERS[name].make(user, new URL(made.url).pathname.slice(1)));
      const url = new URL(made.url);
      url.username = user;
      service = openDatabase(url.href);
    });
    after(async () => {
      await service?.close();
      if (made !== undefined) await asAdministrator(USERS[name].drop(user));
      await made?.dispose();
    });

    it('says what an administrator has to run, and has nothing to do behind that', async () => {
      const error = await rejection(migrate(service.database));
      expect(error).to.include({ code: 'LEV_MIGRATION' });
      expect(error.message).to.match(/could not be created or changed: .*denied/);
      const script = error.message.slice(error.message.indexOf('CREATE TABLE'));
      await asAdministrator(script.split(/;(?: |$)/));
      await asAdministrator(USERS[name].grant(user));
      expect(await migrate(service.database)).to.deep.equal([]);
    });

    it('inbox, claims and outbox work with these rights', async () => {
      const { database } = service;
      const outbox = new Outbox(database);
      const inbox = new TransactionalInbox(database);
      const handle = () => inbox.run('l', 'm', (tx) => outbox.publish(tx, 'e', 'k', 1));
      expect([(await handle()).kind, (await handle()).kind]).to.deep.equal(['handled', 'duplicate']);
      expect((await new SqlIdempotencyStore(database).claim('k', { leaseMs: 1_000 })).kind).to.equal('claimed');
      const sender = new FakeSender();
      await using relay = new OutboxRelay(database, sender).start();
      await eventually('it is published', () => relay.stats.published === 1);
      await inbox.check({ service: 'test', uses: new Map([['l', 'q']]) });
      await purge(database);
    });
  });
}

describe('migrate beside a process that holds the lock', () => {
  it('says what it waited for', async () => {
    const held = {
      dialect: mysql,
      service: 'test',
      within: () => ({ query: async () => ({ rows: [{ taken: 0 }], rowCount: 1 }) }),
      query: async () => ({ rows: [], rowCount: 0 }),
      transaction: <T>(work: (tx: unknown) => Promise<T>) => work(undefined),
    };
    const error = await rejection(migrate(held));
    expect(error).to.include({ code: 'LEV_MIGRATION' });
    expect(error.message).to.contain('Another process has been creating the tables for more than 30 s');
    const busy = {
      ...held,
      dialect: postgres,
      transaction: () => Promise.reject(Object.assign(new Error(), { code: '55P03' })),
    };
    expect(await rejection(migrate(busy))).to.include({ code: 'LEV_MIGRATION' });
  });
});

describe('migrate, step by step,', () => {
  /** A database that has taken some steps, and answers what it is told otherwise. */
  const having = (
    dialect: SqlDialect,
    taken: readonly string[] | 'no record',
    fails: (text: string) => unknown = () => undefined,
  ) => {
    const checksums = new Map(migrations(dialect).map(({ name, checksum }) => [name, checksum]));
    return recordingDatabase(dialect, (text) => {
      const fault = fails(text);
      if (fault !== undefined) throw fault;
      if (text.includes('AS found')) return { rows: [{ found: taken === 'no record' ? 0 : 1 }] };
      if (text.includes('GET_LOCK')) return { rows: [{ taken: 1 }] };
      if (!text.startsWith('SELECT name') || taken === 'no record') return {};
      return { rows: taken.map((name) => ({ name, checksum: checksums.get(name) })) };
    });
  };
  const names = migrations(mysql).map(({ name }) => name);
  const RELEASED = `SELECT RELEASE_LOCK(CONCAT('leveret:', SHA1(DATABASE())))`;

  it('takes the steps that are missing, each with its record, and looks again once it has the lock', async () => {
    const { database, sent, parameters } = having(sqlite, names.slice(0, -1));
    expect(await migrate(database)).to.deep.equal(names.slice(-1));
    expect(sent.filter((text) => text.startsWith('SELECT name'))).to.have.lengthOf(2);
    expect(sent.filter((text) => text.startsWith('CREATE TABLE IF NOT EXISTS leveret_migrations'))).to.have.lengthOf(1);
    const last = migrations(sqlite).at(-1);
    expect(parameters.at(-1)).to.deep.equal([last?.name, last?.checksum]);
  });

  it('does nothing when another process has done it meanwhile', async () => {
    let looks = 0;
    const { database, sent } = recordingDatabase(mysql, (text) => {
      if (text.includes('AS found')) return { rows: [{ found: looks++ === 0 ? 0 : 1 }] };
      if (text.includes('GET_LOCK')) return { rows: [{ taken: 1 }] };
      if (!text.startsWith('SELECT name')) return {};
      return { rows: migrations(mysql).map(({ name, checksum }) => ({ name, checksum })) };
    });
    expect(await migrate(database)).to.deep.equal([]);
    expect(sent.filter((text) => /^(CREATE|ALTER|INSERT)/.test(text))).to.deep.equal([]);
    expect(sent.at(-1)).to.equal(RELEASED);
  });

  it('lets go of the lock of MySQL, which outlives the transaction, also when a step failed', async () => {
    const { database, sent } = having(mysql, names.slice(0, -1), (text) =>
      text.startsWith('INSERT') ? new Error('denied') : undefined,
    );
    expect(await rejection(migrate(database))).to.include({ code: 'LEV_MIGRATION' });
    expect(sent.at(-1)).to.equal(RELEASED);
    expect(sent.some((text) => text === `SELECT GET_LOCK(CONCAT('leveret:', SHA1(DATABASE())), 30) AS taken`)).to.equal(
      true,
    );
  });

  it('waits for the lock of PostgreSQL within a bound', async () => {
    const { database, sent } = having(postgres, names.slice(0, -1));
    await migrate(database);
    const began = sent.indexOf('BEGIN');
    expect(sent.slice(began + 1, began + 3)).to.deep.equal([
      `SELECT set_config('lock_timeout', '30s', true)`,
      'SELECT pg_advisory_xact_lock(7264513918)::text',
    ]);
  });

  for (const code of ['ER_DUP_FIELDNAME', 'ER_DUP_KEYNAME', 'ER_TABLE_EXISTS_ERROR', 'ER_CANT_DROP_FIELD_OR_KEY']) {
    it(`goes on behind ${code} of MySQL, and of no other: a process died in the middle of the step`, async () => {
      const statement = (dialect: SqlDialect) => migrations(dialect).at(-1)?.statements[0] ?? '';
      const failing = (dialect: SqlDialect) =>
        having(dialect, names.slice(0, -1), (text) =>
          text === statement(dialect) ? Object.assign(new Error(code), { code }) : undefined,
        );
      expect(await migrate(failing(mysql).database)).to.deep.equal(names.slice(-1));
      expect(await rejection(migrate(failing(postgres).database))).to.include({ code: 'LEV_MIGRATION' });
    });
  }

  it('says what an administrator has to grant when the record cannot be read', async () => {
    const fault = new Error('denied');
    const { database } = having(sqlite, names, (text) => (text.startsWith('SELECT name') ? fault : undefined));
    const error = await rejection(migrate(database));
    expect(error).to.include({ code: 'LEV_MIGRATION', cause: fault });
    expect(error.message).to.contain('GRANT SELECT ON leveret_migrations');
  });
});
