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

  it('ends where causes go in a ring', () => {
    const error = new Error('ring');
    error.cause = error;
    expect(sqlFault(error)).to.equal('other');
  });
});
