import { expect } from 'chai';
import Libsql from 'libsql';
import { after, before, describe, it } from 'mocha';
import mysql2 from 'mysql2/promise';
import pg from 'pg';
import { needs } from '../../../../tools/scripts/needs.mjs';
import { rejection } from '../test-support/rejection.js';
import { mysqlDatabase } from './mysql-database.js';
import { postgresDatabase } from './postgres-database.js';
import { sqliteDatabase } from './sqlite-database.js';

const OVER = { code: 'LEV_ATTEMPT_OVER' };
const fault = new Error('result');
const TABLE = 'CREATE TEMPORARY TABLE lent (id int)';

describe('a transaction of pg behind its result', () => {
  before(needs('postgres'));
  const pool = new pg.Pool({
    connectionString: process.env['POSTGRES_URL'] ?? 'postgres://root@127.0.0.1:5432/test',
    max: 1,
  });
  after(() => pool.end());
  const database = postgresDatabase<pg.PoolClient>(pool as never, { service: 'test' });
  const backend = async () => (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number;

  it('takes no statement in any form, and its connection is used on', async () => {
    await pool.query(TABLE);
    const pid = await backend();
    let late: pg.PoolClient | undefined;
    await rejection(
      database.transaction(async (tx) => {
        late = tx;
        await tx.query({ text: 'INSERT INTO lent VALUES ($1)', values: [1] });
        throw fault;
      }),
    );
    expect(await rejection(late?.query('INSERT INTO lent VALUES (2)') as Promise<unknown>)).to.include(OVER);
    expect(await rejection(late?.query({ text: 'INSERT INTO lent VALUES (2)' }) as Promise<unknown>)).to.include(OVER);
    expect(await new Promise((resolve) => late?.query('INSERT INTO lent VALUES (2)', resolve))).to.include(OVER);
    late?.release();
    expect([await backend(), (await pool.query('SELECT * FROM lent')).rows]).to.deep.equal([pid, []]);
  });

  it('is not given back with a statement whose end nobody hears of', async () => {
    const pid = await backend();
    await rejection(
      database.transaction(async (tx) => {
        tx.query('SELECT 1', () => {});
        throw fault;
      }),
    );
    expect(await backend()).to.not.equal(pid);
  });
});

describe('a transaction of mysql2 behind its result', () => {
  before(needs('mariadb'));
  const pool = mysql2.createPool({
    uri: process.env['MARIADB_URL'] ?? 'mysql://root@127.0.0.1:3306/test',
    connectionLimit: 1,
  });
  after(() => pool.end());
  const database = mysqlDatabase(pool, { service: 'test' });

  it('takes no statement in any form, and its connection is used on', async () => {
    await pool.query(TABLE);
    let late: mysql2.PoolConnection | undefined;
    let prepared: mysql2.PreparedStatementInfo | undefined;
    await rejection(
      database.transaction(async (tx) => {
        late = tx;
        prepared = await tx.prepare('INSERT INTO lent VALUES (?)');
        await prepared.execute([1]);
        throw fault;
      }),
    );
    expect(await rejection(late?.query('INSERT INTO lent VALUES (2)') as Promise<unknown>)).to.include(OVER);
    expect(await rejection(late?.execute('INSERT INTO lent VALUES (2)') as Promise<unknown>)).to.include(OVER);
    expect(await rejection(late?.beginTransaction() as Promise<unknown>)).to.include(OVER);
    expect(await rejection(prepared?.execute([2]) as Promise<unknown>)).to.include(OVER);
    const raw = (late as unknown as { connection: { query(text: string): unknown } }).connection;
    expect(await rejection(raw.query('INSERT INTO lent VALUES (2)') as Promise<unknown>)).to.include(OVER);
    late?.release();
    // A temporary table is there on its own connection only.
    expect((await pool.query('SELECT * FROM lent'))[0]).to.deep.equal([]);
  });
});

describe('a transaction of SQLite behind its result', () => {
  const driver = new Libsql(':memory:');
  driver.exec('CREATE TABLE lent (id int)');
  const database = sqliteDatabase(driver, { service: 'test' });

  it('takes no statement in any form', async () => {
    let late: typeof driver | undefined;
    const statements: (() => unknown)[] = [];
    await rejection(
      database.transaction(async (tx) => {
        late = tx;
        const insert = tx.prepare('INSERT INTO lent VALUES (?)');
        insert.run(1);
        statements.push(
          () => insert.run(2),
          () => insert.raw().all(2),
          tx.transaction(() => insert.run(2)),
        );
        throw fault;
      }),
    );
    statements.push(
      () => late?.exec('INSERT INTO lent VALUES (2)'),
      () => late?.prepare('INSERT INTO lent VALUES (2)'),
    );
    for (const statement of statements) expect(statement).to.throw().include(OVER);
    expect((await database.query('SELECT * FROM lent')).rows).to.deep.equal([]);
  });

  it('leaves the connection usable for the next message, also when rows were being read', async () => {
    for (let id = 0; id < 20; id++) await database.query('INSERT INTO lent VALUES (?)', [id]);
    for (let round = 0; round < 3; round++) {
      await rejection(
        database.transaction(async (tx) => {
          tx.prepare('INSERT INTO lent VALUES (?)').run(99);
          (tx.prepare('SELECT id FROM lent').iterate() as Iterator<unknown>).next();
          throw fault;
        }),
      );
      expect((await database.query('SELECT id FROM lent WHERE id = 99')).rows).to.deep.equal([]);
      expect(driver.inTransaction).to.equal(false);
      await database.transaction((tx) => database.within(tx).query('INSERT INTO lent VALUES (?)', [100 + round]));
    }
    expect((await database.query('SELECT id FROM lent WHERE id >= 100')).rows).to.have.lengthOf(3);
  });
});
