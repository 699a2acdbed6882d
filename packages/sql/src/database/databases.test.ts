import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { openDatabase } from '../test-support/open-database.js';
import { rejection } from '../test-support/rejection.js';
import { DATABASE_KINDS, TestDatabase } from '../test-support/test-database.js';
import { type MysqlPool, type MysqlPoolConnection, mysqlDatabase } from './mysql-database.js';
import { type PostgresPool, type PostgresPoolClient, postgresDatabase } from './postgres-database.js';
import { postgres } from './sql-dialect.js';
import { type SqliteConnection, sqliteDatabase } from './sqlite-database.js';

describeOnEachDatabase('a database', (at) => {
  before(async () => {
    await at.database.query('CREATE TABLE things (id int PRIMARY KEY, body varchar(50))');
  });
  const text = (statement: string) => at.database.dialect.placeholders(statement);
  const ids = async () =>
    (await at.database.query('SELECT id FROM things ORDER BY id')).rows.map((row) => Number(row['id']));

  it('counts what a statement found and changed', async () => {
    const insert = text('INSERT INTO things VALUES (?, ?)');
    expect((await at.database.query(insert, [1, `it's ? "1" \\`])).rowCount).to.equal(1);
    expect((await at.database.query(insert, [2, null])).rowCount).to.equal(1);
    const found = await at.database.query(text('SELECT body FROM things WHERE id = ?'), [1]);
    expect(found.rowCount).to.equal(1);
    expect(found.rows).to.deep.equal([{ body: `it's ? "1" \\` }]);
    expect((await at.database.query('DELETE FROM things')).rowCount).to.equal(2);
  });

  it('commits, and rolls back', async () => {
    const insert = (tx: unknown, id: number) => at.database.within(tx).query(`INSERT INTO things VALUES (${id}, 'x')`);
    expect(await at.database.transaction(async (tx) => (await insert(tx, 3)).rowCount)).to.equal(1);
    const fault = new Error('undo');
    const thrown = await rejection(
      at.database.transaction(async (tx) => {
        await insert(tx, 4);
        throw fault;
      }),
    );
    expect(thrown).to.equal(fault);
    expect(await ids()).to.deep.equal([3]);
  });

  it('is as useful as before after a transaction that failed', async () => {
    for (let round = 0; round < 30; round++) {
      await rejection(at.database.transaction((tx) => at.database.within(tx).query('SELECT nothing FROM nowhere')));
    }
    expect(await ids()).to.deep.equal([3]);
  });

  it('does not mix statements outside with the transactions beside them', async () => {
    let outside: Promise<unknown> | undefined;
    await rejection(
      at.database.transaction(async (tx) => {
        await at.database.within(tx).query(`INSERT INTO things VALUES (5, 'x')`);
        outside = at.database.query(`INSERT INTO things VALUES (6, 'x')`);
        throw new Error('undo');
      }),
    );
    await outside;
    expect(await ids()).to.deep.equal([3, 6]);
  });

  it('counts time from the epoch, whatever the time zone of the session', async () => {
    const ask = `SELECT ${at.database.dialect.now} AS now`;
    if (at.kind.service === 'mariadb') await at.database.query(`SET SESSION time_zone = '+09:00'`);
    if (at.kind.service === 'postgres') await at.database.query(`SET TIME ZONE 'Asia/Tokyo'`);
    const { rows } = await at.database.query(ask);
    expect(Number(rows[0]?.['now'])).to.be.closeTo(Date.now(), 60_000);
  });
});

describe('placeholders', () => {
  it('are numbered for PostgreSQL', () => {
    expect(postgres.placeholders('VALUES (?, ?, now() + ?)')).to.equal('VALUES ($1, $2, now() + $3)');
  });
});

describe('a pool without free connections', () => {
  it('is waited for within a bound, and a connection that comes later goes back', async () => {
    let arrive: (client: PostgresPoolClient) => void = () => {};
    let released = 0;
    const pool = {
      connect: () =>
        new Promise<PostgresPoolClient>((resolve) => {
          arrive = resolve;
        }),
    } as PostgresPool<PostgresPoolClient>;
    const database = postgresDatabase(pool, { service: 'test', acquireTimeout: 20 });
    const error = await rejection(database.transaction(async () => 1));
    expect(error).to.include({ code: 'LEV_DATABASE_BUSY' });
    expect(error.message).to.contain('The pool had no free connection within 20 ms.');
    arrive({ release: () => released++ } as unknown as PostgresPoolClient);
    await new Promise((resolve) => setImmediate(resolve));
    expect(released).to.equal(1);
  });

  it('is bounded for MySQL too', async () => {
    const pool = { getConnection: () => new Promise(() => {}) } as unknown as MysqlPool<MysqlPoolConnection>;
    const error = await rejection(
      mysqlDatabase(pool, { service: 'test', acquireTimeout: 20 }).transaction(async () => 1),
    );
    expect(error).to.include({ code: 'LEV_DATABASE_BUSY' });
  });
});

describe('a transaction whose connection is in an unknown state', () => {
  const client = (failing: RegExp) => {
    const log: string[] = [];
    const each = {
      query: async (text: string) => {
        log.push(text.split(' ')[0] ?? '');
        if (failing.test(text)) throw new Error(`${text} failed`);
        return { rows: [], rowCount: 0, command: 'COMMIT' };
      },
      on: () => {},
      off: () => {},
      release: (destroy: boolean) => log.push(destroy ? 'destroyed' : 'released'),
    };
    const pool = { ...each, connect: async () => each } as unknown as PostgresPool<PostgresPoolClient>;
    return { log, database: postgresDatabase(pool, { service: 'test' }) };
  };

  it('gives the connection back after a commit and after a rollback', async () => {
    const good = client(/^$/);
    await good.database.transaction(async () => 1);
    await rejection(good.database.transaction(() => Promise.reject(new Error('no'))));
    expect(good.log).to.deep.equal(['BEGIN', 'COMMIT', 'released', 'BEGIN', 'ROLLBACK', 'released']);
  });

  it('destroys it when begin, commit or rollback failed, and throws the first error', async () => {
    for (const failing of ['BEGIN', 'COMMIT']) {
      const bad = client(new RegExp(`^${failing}`));
      expect((await rejection(bad.database.transaction(async () => 1))).message).to.match(/failed$/);
      expect(bad.log.at(-1)).to.equal('destroyed');
    }
    const bad = client(/^ROLLBACK/);
    const fault = new Error('no stock');
    expect(await rejection(bad.database.transaction(() => Promise.reject(fault)))).to.equal(fault);
    expect(bad.log.at(-1)).to.equal('destroyed');
  });

  it('does not take a rollback for a commit', async () => {
    const each = {
      query: async (text: string) => ({ rows: [], rowCount: 0, command: text === 'COMMIT' ? 'ROLLBACK' : text }),
      on: () => {},
      off: () => {},
      release: () => {},
    };
    const pool = { ...each, connect: async () => each } as unknown as PostgresPool<PostgresPoolClient>;
    const error = await rejection(postgresDatabase(pool, { service: 'test' }).transaction(async () => 1));
    expect(error).to.include({ code: 'LEV_INBOX_TRANSACTION' });
  });
});

describe('sqliteDatabase', () => {
  it('says so when a handler does not use its transaction, instead of waiting for ever', async () => {
    const connection = memory();
    const database = sqliteDatabase(connection, { service: 'test', turnTimeout: 20 });
    const error = await rejection(database.transaction(() => database.query('SELECT 1')));
    expect(error).to.include({ code: 'LEV_DATABASE_BUSY' });
    expect(error.message).to.contain('A handler has to use its transaction for all its statements.');
    expect((await database.query('SELECT 1 AS one')).rows).to.have.lengthOf(1);
  });

  it('is as useful as before after a commit that was refused', async () => {
    const connection = memory();
    const database = sqliteDatabase(connection, { service: 'test' });
    connection.exec('PRAGMA foreign_keys = ON');
    connection.exec('CREATE TABLE parents (id int PRIMARY KEY)');
    connection.exec('CREATE TABLE children (parent int REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED)');
    const insert = (parent: number) =>
      database.transaction((tx) => database.within(tx).query('INSERT INTO children VALUES (?)', [parent]));
    await database.query('INSERT INTO parents VALUES (1)');
    for (let round = 0; round < 2; round++) {
      expect((await rejection(insert(2))).message).to.contain('FOREIGN KEY');
      await insert(1);
    }
    expect((await database.query('SELECT parent FROM children')).rows).to.deep.equal([{ parent: 1 }, { parent: 1 }]);
  });

  it('waits for the lock of another connection without stopping the process, within a bound', async () => {
    const kind = DATABASE_KINDS.find(({ name }) => name === 'SQLite in a file');
    if (kind === undefined) throw new Error('SQLite is always there');
    const made = await TestDatabase.create(kind);
    try {
      const holder = made.open();
      const { close, connection } = rawSqlite(made.url);
      const waiting = sqliteDatabase(connection, { service: 'test', busyTimeout: 50 });
      let error: Error | undefined;
      await holder.transaction(async () => {
        error = await rejection(waiting.transaction(async () => 1));
      });
      expect(error).to.include({ code: 'SQLITE_BUSY' });
      expect(await waiting.transaction(async () => 1)).to.equal(1);
      close();
    } finally {
      await made.dispose();
    }
  });

  it('takes drivers that do not say whether a statement gives rows', async () => {
    const calls: string[] = [];
    const connection: SqliteConnection = {
      exec: () => {},
      prepare: (text) => ({
        all: () => {
          calls.push(`all ${text}`);
          return [{ a: 1 }];
        },
        run: () => {
          calls.push(`run ${text}`);
          return { changes: 3n };
        },
      }),
    };
    const database = sqliteDatabase(connection, { service: 'test' });
    for (const text of ['SELECT 1', ' with x as (select 1) select 1', 'INSERT INTO a VALUES (1) RETURNING id']) {
      expect((await database.query(text)).rowCount).to.equal(1);
    }
    expect((await database.query('UPDATE a SET b = 1')).rowCount).to.equal(3);
    expect(calls.map((call) => call.slice(0, 3))).to.deep.equal(['all', 'all', 'all', 'run']);
  });

  it('keeps a bounded number of prepared statements', async () => {
    let prepared = 0;
    const connection: SqliteConnection = {
      exec: () => {},
      prepare: () => {
        prepared++;
        return { reader: true, all: () => [], run: () => ({ changes: 0 }) };
      },
    };
    const database = sqliteDatabase(connection, { service: 'test' });
    for (let n = 0; n < 150; n++) await database.query(`SELECT ${n}`);
    await database.query('SELECT 149');
    expect(prepared).to.equal(150);
    await database.query('SELECT 0');
    expect(prepared).to.equal(151);
  });

  function memory(): SqliteConnection {
    return rawSqlite('sqlite::memory:').connection;
  }
});

function rawSqlite(url: string) {
  const opened = openDatabase(url);
  return { connection: opened.connection as SqliteConnection, close: () => void opened.close() };
}
