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
