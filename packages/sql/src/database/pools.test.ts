import { EventEmitter } from 'node:events';
import { ConfigurationError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { rejection } from '../test-support/rejection.js';
import { type MysqlPool, type MysqlPoolConnection, mysqlDatabase } from './mysql-database.js';
import { type PostgresPool, type PostgresPoolClient, postgresDatabase } from './postgres-database.js';
import { ClosingFailed, transactionTogether } from './together.js';

const coded = (code: string, text = code) => Object.assign(new Error(text), { code });
const ISOLATED = 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED';
const COMMIT = 'COMMIT AND NO CHAIN NO RELEASE';
const ROLLBACK = 'ROLLBACK AND NO CHAIN NO RELEASE';

/** A client of `pg` that remembers what it was told, and what became of it. */
class PostgresDouble extends EventEmitter {
  readonly log: string[] = [];
  answer: (text: string) => unknown = (text) => ({ rows: [], rowCount: null, command: text.split(' ')[0] });

  async query(text: string) {
    this.log.push(text);
    return this.answer(text) as { rows: Record<string, unknown>[]; rowCount: number };
  }

  release(destroy: boolean): void {
    this.log.push(destroy ? 'destroyed' : 'released');
  }

  get database() {
    const pool = { connect: async () => this } as unknown as PostgresPool<PostgresPoolClient>;
    return postgresDatabase(pool, { service: 'test' });
  }
}

describe('a pool of pg', () => {
  it('has no connection end the process while it is taken out, and no listener left behind', async () => {
    const client = new PostgresDouble();
    client.answer = () => {
      client.emit('error', new Error('terminating connection'));
      return { rows: [], rowCount: 0 };
    };
    for (const use of [
      () => client.database.query('SELECT 1'),
      () => client.database.transaction(async () => 1),
      () => rejection(client.database.transaction(() => Promise.reject(new Error('no')))),
    ]) {
      await use();
      expect(client.listenerCount('error')).to.equal(0);
    }
  });

  it('gets the connection of a single statement back, or destroys it when the statement failed', async () => {
    const client = new PostgresDouble();
    client.answer = () => ({ rows: [{ id: 1 }], rowCount: 1 });
    expect(await client.database.query('SELECT 1')).to.deep.equal({ rows: [{ id: 1 }], rowCount: 1 });
    expect(client.log).to.deep.equal(['SELECT 1', 'released']);
    client.answer = () => {
      throw new Error('reset');
    };
    await rejection(client.database.query('SELECT 2'));
    expect(client.log.slice(2)).to.deep.equal(['SELECT 2', 'destroyed']);
  });

  it('is sent the first statement with BEGIN, and the last with COMMIT', async () => {
    const client = new PostgresDouble();
    const answers = (first: unknown) => [{ rows: [], command: 'SELECT' }, first, { rows: [], command: 'COMMIT' }];
    client.answer = (text) =>
      text.startsWith('BEGIN')
        ? [
            { rows: [], command: 'BEGIN' },
            { rows: [{ a: 1 }], rowCount: 1 },
          ]
        : answers({ rows: [{ z: 9 }], rowCount: 1 });
    const seen: unknown[] = [];
    const value = await transactionTogether(client.database, { text: 'FIRST' }, async (_tx, opened) => {
      seen.push(opened);
      return { value: 'worked', closing: 'LAST', closed: ({ rows }) => JSON.stringify(rows) };
    });
    expect(seen).to.deep.equal([{ result: { rows: [{ a: 1 }], rowCount: 1 } }]);
    expect(value).to.equal('[{"z":9}]');
    expect(client.log).to.deep.equal(['BEGIN ISOLATION LEVEL READ COMMITTED; FIRST', 'LAST; COMMIT', 'released']);
    expect(
      await transactionTogether(client.database, { text: 'FIRST' }, async () => ({ value: 2, closing: 'LAST' })),
    ).to.equal(2);
  });

  it('is sent no last statement where there is none', async () => {
    const client = new PostgresDouble();
    const work = async () => ({ value: 3, closed: () => expect.fail('there was no closing statement') });
    expect(await transactionTogether(client.database, { text: 'FIRST' }, work)).to.equal(3);
    expect(client.log.slice(1)).to.deep.equal(['COMMIT', 'released']);
  });

  it('has its work decide what a first statement means that failed', async () => {
    const client = new PostgresDouble();
    const fault = coded('55P03');
    client.answer = (text) => {
      if (text.startsWith('BEGIN')) throw fault;
      return { rows: [], command: text };
    };
    const thrown = await rejection(
      transactionTogether(client.database, { text: 'FIRST' }, async (_tx, opened) => {
        expect(opened).to.deep.equal({ fault });
        throw fault;
      }),
    );
    expect(thrown).to.equal(fault);
    expect(client.log.slice(1)).to.deep.equal(['ROLLBACK', 'released']);
  });

  for (const [code, closing, isClosing] of [
    ['22P02', 'LAST', true],
    ['25P02', 'LAST', true],
    ['40001', 'LAST', false],
    ['22P02', undefined, false],
  ] as const) {
    it(`${isClosing ? 'says' : 'does not say'} of ${code} ${closing === undefined ? 'without' : 'with'} a last statement that it failed`, async () => {
      const client = new PostgresDouble();
      const fault = coded(code);
      client.answer = (text) => {
        if (text.includes('COMMIT') && !text.includes('BEGIN')) throw fault;
        return { rows: [] };
      };
      const thrown = await rejection(
        transactionTogether(client.database, { text: 'FIRST' }, async () => ({ value: 1, closing })),
      );
      if (isClosing) expect(thrown).to.be.instanceOf(ClosingFailed).with.property('cause', fault);
      else expect(thrown).to.equal(fault);
      expect(client.log.at(-1)).to.equal('destroyed');
    });
  }

  it('finds out that a COMMIT behind a last statement was a rollback', async () => {
    const client = new PostgresDouble();
    client.answer = (text) =>
      text === 'LAST; COMMIT' ? [{ rows: [] }, { rows: [], command: 'ROLLBACK' }] : { rows: [] };
    const thrown = await rejection(
      transactionTogether(client.database, { text: 'FIRST' }, async () => ({ value: 1, closing: 'LAST' })),
    );
    expect(thrown).to.include({ code: 'LEV_INBOX_TRANSACTION' });
  });
});

/** A connection of `mysql2/promise`, which puts another wrapper around it each time it is taken out. */
class MysqlDouble {
  readonly log: string[] = [];
  readonly asked: string[] = [];
  session: Record<string, unknown> = { autocommit: 1, version: '10.11.6-MariaDB', mode: '' };
  answer: (text: string) => unknown = () => ({ affectedRows: 0 });
  readonly #connection = {};

  get database() {
    const told = async (text: string, way: string): Promise<[unknown, unknown]> => {
      if (text.includes('HEX(?)')) {
        this.asked.push(text);
        return [[{ probe: Buffer.from('é日😀').toString('hex').toUpperCase(), ...this.session }], []];
      }
      this.log.push(`${way}${text}`);
      return [this.answer(text), []];
    };
    const wrapped = () => ({
      connection: this.#connection,
      query: (text: string) => told(text, ''),
      execute: (text: string, values: readonly unknown[]) => told(text, `${values.join()} to `),
      release: () => void this.log.push('released'),
      destroy: () => void this.log.push('destroyed'),
    });
    const pool = { getConnection: async () => wrapped() } as unknown as MysqlPool<MysqlPoolConnection>;
    return mysqlDatabase(pool, { service: 'test' });
  }

  failing(which: string, error: Error): this {
    this.answer = (text) => {
      if (text.startsWith(which)) throw error;
      return { affectedRows: 0 };
    };
    return this;
  }
}

describe('a pool of mysql2', () => {
  it('is asked once of each connection how its sessions are set up', async () => {
    const double = new MysqlDouble();
    const { database } = double;
    for (let n = 0; n < 3; n++) await database.query('SELECT 1');
    await database.transaction(async () => 1);
    expect(double.asked).to.have.lengthOf(1);
  });

  it('is not used when it holds text otherwise than it is', async () => {
    const double = new MysqlDouble();
    double.session = { autocommit: 1, probe: '3F3F3F', version: '8.0.36', mode: '' };
    const error = await rejection(double.database.query('INSERT'));
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(error.message).to.contain('3F3F3F').and.contain('utf8mb4');
    expect(double.log).to.deep.equal([ROLLBACK, 'released']);
  });

  it('gets parameters apart from the text, and answers what was found or changed', async () => {
    const double = new MysqlDouble();
    double.answer = (text) => (text.startsWith('SELECT') ? [{ id: 1 }, { id: 2 }] : { affectedRows: 3 });
    expect(await double.database.query('SELECT id')).to.deep.equal({ rows: [{ id: 1 }, { id: 2 }], rowCount: 2 });
    expect(await double.database.query('INSERT INTO t VALUES (?)', [7])).to.deep.equal({ rows: [], rowCount: 3 });
    double.answer = () => ({});
    expect(await double.database.query('SET x = 1')).to.deep.equal({ rows: [], rowCount: 0 });
    expect(double.log.filter((each) => each !== 'released')).to.deep.equal([
      'SELECT id',
      '7 to INSERT INTO t VALUES (?)',
      'SET x = 1',
    ]);
  });

  it('is told to change rows even in safe mode, and nothing else', async () => {
    const double = new MysqlDouble();
    for (const text of ['UPDATE t SET a = 1', 'DELETE FROM t', 'INSERT INTO t', 'SELECT 1 FOR UPDATE', 'UPDATED']) {
      await double.database.query(text);
    }
    const safe = (verb: string) =>
      `/*M! SET STATEMENT sql_safe_updates = 0 FOR */ ${verb} /*+ SET_VAR(sql_safe_updates = 0) */`;
    expect(double.log.filter((each) => each !== 'released')).to.deep.equal([
      `${safe('UPDATE')} t SET a = 1`,
      `${safe('DELETE')} FROM t`,
      'INSERT INTO t',
      'SELECT 1 FOR UPDATE',
      'UPDATED',
    ]);
  });

  for (const [what, autocommit, serverStatus, commits] of [
    ['commits by itself', 1, 2, false],
    ['does not commit by itself', 0, 2, true],
    ['says that a transaction is open', 1, 3, true],
    ['says nothing', 1, undefined, false],
  ] as const) {
    it(`is sent ${commits ? 'a' : 'no'} COMMIT behind a single statement where the session ${what}`, async () => {
      const double = new MysqlDouble();
      double.session = { ...double.session, autocommit };
      double.answer = () => ({ affectedRows: 1, serverStatus });
      await double.database.query('INSERT');
      expect(double.log).to.deep.equal(['INSERT', ...(commits ? [COMMIT] : []), 'released']);
    });
  }

  it('gets a connection back behind a statement that failed, once it is rolled back', async () => {
    const fault = new Error('syntax');
    const double = new MysqlDouble().failing('INSERT', fault);
    expect(await rejection(double.database.query('INSERT'))).to.equal(fault);
    expect(double.log).to.deep.equal(['INSERT', ROLLBACK, 'released']);
  });

  it('loses a connection that cannot be rolled back, or whose server writes no more', async () => {
    const mute = new MysqlDouble();
    mute.answer = () => {
      throw new Error('gone');
    };
    await rejection(mute.database.query('INSERT'));
    expect(mute.log).to.deep.equal(['INSERT', ROLLBACK, 'destroyed']);
    const second = new MysqlDouble().failing('INSERT', coded('ER_OPTION_PREVENTS_STATEMENT'));
    await rejection(second.database.query('INSERT'));
    expect(second.log).to.deep.equal(['INSERT', 'destroyed']);
  });

  it('has transactions that are isolated, and go back committed or rolled back', async () => {
    const double = new MysqlDouble();
    const { database } = double;
    expect(await database.transaction(async () => 1)).to.equal(1);
    await rejection(database.transaction(() => Promise.reject(new Error('no stock'))));
    const began = [ISOLATED, 'START TRANSACTION'];
    expect(double.log).to.deep.equal([...began, COMMIT, 'released', ...began, ROLLBACK, 'released']);
    double.failing('ROLLBACK', new Error('gone'));
    await rejection(database.transaction(() => Promise.reject(new Error('no stock'))));
    expect(double.log.at(-1)).to.equal('destroyed');
  });

  it('has nothing done in a transaction that did not begin, and loses its connection', async () => {
    for (const failing of ['SET TRANSACTION', 'START TRANSACTION']) {
      const fault = new Error(failing);
      const double = new MysqlDouble().failing(failing, fault);
      expect(await rejection(double.database.transaction(() => expect.fail('it was begun')))).to.equal(fault);
      expect(double.log.at(-1)).to.equal('destroyed');
    }
  });

  it('is sent a block of the first statement, and one of the last, on MariaDB', async () => {
    const double = new MysqlDouble();
    double.answer = (text) => [[{ of: text.includes('FIRST') ? 'first' : 'last' }], { affectedRows: 0 }];
    const seen: unknown[] = [];
    const value = await transactionTogether(double.database, { text: 'FIRST' }, async (_tx, opened) => {
      seen.push(opened);
      return { value: 'worked', closing: 'LAST', closed: ({ rows }) => JSON.stringify(rows) };
    });
    expect(seen).to.deep.equal([{ result: { rows: [{ of: 'first' }], rowCount: 1 } }]);
    expect(value).to.equal('[{"of":"last"}]');
    expect(double.log).to.deep.equal([
      `BEGIN NOT ATOMIC ${ISOLATED}; START TRANSACTION; FIRST; END`,
      `BEGIN NOT ATOMIC LAST; ${COMMIT}; END`,
      'released',
    ]);
    expect(
      await transactionTogether(double.database, { text: 'FIRST' }, async () => ({ value: 2, closing: 'LAST' })),
    ).to.equal(2);
  });

  for (const session of [
    { version: '8.0.36', mode: '' },
    { version: '10.11.6-MariaDB', mode: 'PIPES_AS_CONCAT,ORACLE' },
  ]) {
    it(`is sent one statement at a time as ${session.version} ${session.mode}`, async () => {
      const double = new MysqlDouble();
      double.session = { autocommit: 1, ...session };
      const work = async (_tx: unknown, opened: unknown) => ({
        value: opened,
        closed: () => expect.fail('no closing'),
      });
      expect(await transactionTogether(double.database, { text: 'FIRST' }, work)).to.equal(undefined);
      expect(double.log).to.deep.equal([ISOLATED, 'START TRANSACTION', COMMIT, 'released']);
    });
  }

  it('has its work decide what a first statement means that failed', async () => {
    const fault = coded('ER_LOCK_WAIT_TIMEOUT');
    const double = new MysqlDouble().failing('BEGIN NOT ATOMIC', fault);
    const work = async (_tx: unknown, opened: unknown) => ({ value: opened });
    expect(await transactionTogether(double.database, { text: 'FIRST' }, work)).to.deep.equal({ fault });
  });

  for (const [code, closing, isClosing] of [
    ['ER_SIGNAL_EXCEPTION', 'LAST', true],
    ['ER_LOCK_DEADLOCK', 'LAST', false],
    ['ER_SIGNAL_EXCEPTION', undefined, false],
  ] as const) {
    it(`${isClosing ? 'says' : 'does not say'} of ${code} ${closing === undefined ? 'without' : 'with'} a last statement that it failed`, async () => {
      const fault = coded(code);
      const double = new MysqlDouble();
      double.answer = (text) => {
        if (text.includes('COMMIT')) throw fault;
        return [[], {}];
      };
      const thrown = await rejection(
        transactionTogether(double.database, { text: 'FIRST' }, async () => ({ value: 1, closing })),
      );
      if (isClosing) expect(thrown).to.be.instanceOf(ClosingFailed).with.property('cause', fault);
      else expect(thrown).to.equal(fault);
      expect(double.log.at(-1)).to.equal('destroyed');
    });
  }

  it('gets a connection back that comes later than it was waited for', async () => {
    const connection = { log: [] as string[], release: () => void connection.log.push('released') };
    let arrive: (given: unknown) => void = () => {};
    const pool = {
      getConnection: () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    } as unknown as MysqlPool<MysqlPoolConnection>;
    const database = mysqlDatabase(pool, { service: 'test', acquireTimeout: 5 });
    expect(await rejection(database.query('SELECT 1'))).to.include({ code: 'LEV_DATABASE_BUSY' });
    arrive(connection);
    await new Promise((resolve) => setImmediate(resolve));
    expect(connection.log).to.deep.equal(['released']);
  });
});
