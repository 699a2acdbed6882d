import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { isTransactionConflict, type SqlFault, sqlFault } from './sql-fault.js';

const coded = (code: unknown, more: object = {}) => Object.assign(new Error('x'), { code, ...more });

describe('sqlFault', () => {
  const cases: readonly [string, unknown, SqlFault][] = [
    ['a lock timeout of PostgreSQL', coded('55P03'), 'busy'],
    ['a serialization failure', coded('40001'), 'conflict'],
    ['a deadlock of PostgreSQL', coded('40P01'), 'conflict'],
    ['a lock timeout of MySQL', coded('ER_LOCK_WAIT_TIMEOUT'), 'busy'],
    ['a deadlock of MySQL', coded('ER_LOCK_DEADLOCK'), 'conflict'],
    ['a changed record of MariaDB', coded('ER_CHECKREAD'), 'conflict'],
    ['a busy SQLite', coded('SQLITE_BUSY'), 'busy'],
    ['an old snapshot of SQLite', coded('SQLITE_BUSY_SNAPSHOT'), 'conflict'],
    ['a busy SQLite of node:sqlite', coded('ERR_SQLITE_ERROR', { errcode: 5 }), 'busy'],
    ['an old snapshot of node:sqlite', coded('ERR_SQLITE_ERROR', { errcode: 517 }), 'conflict'],
    ['another error of node:sqlite', coded('ERR_SQLITE_ERROR', { errcode: 1 }), 'other'],
    ['a conflict of Prisma', coded('P2034'), 'conflict'],
    ['a raw query of Prisma', coded('P2010', { meta: { code: '40001' } }), 'conflict'],
    ['an error that wraps a deadlock', new Error('query failed', { cause: coded('40P01') }), 'conflict'],
    ['a transaction of PostgreSQL that may not write', coded('25006'), 'read-only'],
    ['a server with --read-only', coded('ER_OPTION_PREVENTS_STATEMENT'), 'read-only'],
    ['a transaction of MySQL that may not write', coded('ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION'), 'read-only'],
    ['a server in read-only mode', coded('ER_READ_ONLY_MODE'), 'read-only'],
    ['a node that has lost its cluster', coded('ER_UNKNOWN_COM_ERROR'), 'read-only'],
    ['a file that cannot be written', coded('SQLITE_READONLY'), 'read-only'],
    ['a file of node:sqlite that was moved', coded('ERR_SQLITE_ERROR', { errcode: 1032 }), 'read-only'],
    ['a driver that gives numbers only', Object.assign(new Error('x'), { errno: 1213 }), 'conflict'],
    ['a busy SQLite that recovers', coded('SQLITE_BUSY_RECOVERY'), 'busy'],
    ['a busy SQLite whose time is over', coded('SQLITE_BUSY_TIMEOUT'), 'busy'],
    ['a locked table of a shared cache', coded('SQLITE_LOCKED_SHAREDCACHE'), 'busy'],
    ['an old snapshot of sqlite3', coded('SQLITE_BUSY', { errno: 517 }), 'conflict'],
    ['a file that was moved', coded('SQLITE_READONLY_DBMOVED'), 'read-only'],
    ['an error of SQLite that wraps nothing', coded('SQLITE_CONSTRAINT', { errno: 19 }), 'other'],
    ['a nativeError of Objection', Object.assign(new Error('x'), { nativeError: coded('40P01') }), 'conflict'],
    ['what MikroORM has wrapped', Object.assign(new Error('x'), { previous: coded('40001') }), 'conflict'],
    ['one of several errors', new AggregateError([new Error('a'), coded('40001')]), 'conflict'],
    ['an error whose properties throw', Object.defineProperty({}, 'code', { get: () => new URL('') }), 'other'],
    ['a number of the system', Object.assign(new Error('x'), { errno: -104, code: 'ECONNRESET' }), 'other'],
    ['a unique violation', coded('23505'), 'other'],
    ['a name of Object', coded('constructor'), 'other'],
    ['a text', 'deadlock', 'other'],
    ['nothing', undefined, 'other'],
  ];
  for (const [what, error, fault] of cases) {
    it(`says ${fault} of ${what}`, () => {
      expect(sqlFault(error)).to.equal(fault);
      expect(isTransactionConflict(error)).to.equal(fault === 'conflict');
    });
  }

  const numbers: readonly (readonly [number, SqlFault])[] = [
    [1205, 'busy'],
    [3572, 'busy'],
    [1213, 'conflict'],
    [1020, 'conflict'],
    [1290, 'read-only'],
    [1792, 'read-only'],
    [1836, 'read-only'],
    [1047, 'read-only'],
    [1062, 'other'],
  ];
  for (const [errno, fault] of numbers) {
    it(`says ${fault} of MySQL's ${errno}, where a driver gives the number alone`, () => {
      expect(sqlFault({ errno })).to.equal(fault);
      expect(sqlFault({ errno: errno + 10_000 })).to.equal('other');
    });
  }

  for (const [errcode, fault] of [
    [5, 'busy'],
    [261, 'busy'],
    [6, 'busy'],
    [262, 'busy'],
    [517, 'conflict'],
    [8, 'read-only'],
    [264, 'read-only'],
    [7, 'other'],
    [1, 'other'],
  ] as const) {
    it(`says ${fault} of SQLite's ${errcode}, whatever the driver calls it`, () => {
      for (const name of ['errcode', 'errno', 'rawCode']) {
        expect(sqlFault(coded('ERR_SQLITE_ERROR', { [name]: errcode })), name).to.equal(fault);
      }
    });
  }

  it('looks at a hundred errors of one failure', () => {
    const wrapped = (times: number) => {
      let error: object = coded('40001');
      for (let n = 0; n < times; n++) error = { cause: error };
      return sqlFault(error);
    };
    expect([wrapped(99), wrapped(100)]).to.deep.equal(['conflict', 'other']);
  });

  it('ends where causes go in a ring', () => {
    const error = new Error('ring');
    error.cause = error;
    expect(sqlFault(error)).to.equal('other');
  });

  it('ends where errors wrap each other, whatever they wrap', () => {
    const [a, b]: Record<string, unknown>[] = [{}, {}];
    Object.assign(a ?? {}, { original: b, errors: [a, b] });
    Object.assign(b ?? {}, {
      parent: a,
      cause: {
        get cause() {
          return { cause: a };
        },
      },
    });
    expect(sqlFault(a)).to.equal('other');
    let deep: object = coded('40001');
    for (let i = 0; i < 10_000; i++) deep = { cause: deep };
    expect(sqlFault(deep)).to.equal('other');
  });
});

/** Provoked on real databases, through each driver and mapper, by `tools/recipes/fault-shapes/fault-shapes.mjs`. */
describe('the errors of drivers and mappers', () => {
  interface Shape {
    readonly database: string;
    readonly library: string;
    readonly scenario: string;
    readonly fault: SqlFault;
    readonly error: object;
  }
  const file = new URL('../../src/test-support/fault-shapes.json', import.meta.url);
  const shapes = JSON.parse(readFileSync(file, 'utf8')) as readonly Shape[];

  it('are many', () => {
    expect(new Set(shapes.map(({ database, library }) => `${database} ${library}`)).size).to.be.above(20);
  });

  for (const { database, library, scenario, fault, error } of shapes) {
    it(`${database}, ${library}: a ${scenario} is ${fault}`, () => {
      expect(sqlFault(error)).to.equal(fault);
      expect(sqlFault(new Error('of the application', { cause: error }))).to.equal(fault);
    });
  }
});
