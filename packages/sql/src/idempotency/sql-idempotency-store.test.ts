import { idempotencyStoreCases } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { postgres } from '../database/sql-dialect.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { rejection } from '../test-support/rejection.js';
import { SqlIdempotencyStore } from './sql-idempotency-store.js';

describeOnEachDatabase('SqlIdempotencyStore', (at) => {
  for (const { name, run } of idempotencyStoreCases) {
    it(name, () => run(() => new SqlIdempotencyStore(at.open())));
  }
});

describe('SqlIdempotencyStore', () => {
  const failing = (errors: unknown[]): SqlDatabase<unknown> =>
    ({
      dialect: postgres,
      service: 'test',
      query: async () => {
        const error = errors.shift();
        if (error !== undefined) throw error;
        return { rows: [{ token: 'x' }], rowCount: 1 };
      },
    }) as unknown as SqlDatabase<unknown>;

  it('asks again after a deadlock', async () => {
    const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });
    const store = new SqlIdempotencyStore(failing([deadlock, deadlock]));
    expect((await store.claim('a', { leaseMs: 100 })).kind).to.equal('claimed');
  });

  it('rejects when the database is away', async () => {
    const refused = new Error('connection refused');
    const store = new SqlIdempotencyStore(failing([refused]));
    const error = await rejection(store.claim('a', { leaseMs: 100 }));
    expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE', cause: refused });
    expect(error.message).to.equal('Could not claim a in the database: connection refused');
  });
});
