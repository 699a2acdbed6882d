import { claimGuard, idempotencyStoreCases } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { postgres } from '../database/sql-dialect.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { rejection } from '../test-support/rejection.js';
import { SqlIdempotencyStore } from './sql-idempotency-store.js';

describeOnEachDatabase('SqlIdempotencyStore', (at) => {
  // A server has so many connections: some instances are enough for all cases together.
  const databases: SqlDatabase<unknown>[] = [];
  let opened = 0;
  for (const { name, run } of idempotencyStoreCases) {
    it(name, () =>
      run(() => {
        const index = opened++ % 3;
        databases[index] ??= at.open();
        return new SqlIdempotencyStore(databases[index]);
      }),
    );
  }

  it('lets no second handler of a key begin while the first runs on behind its result', async () => {
    // Two instances. The handler of one has timed out and runs on, for longer than a lease by the clock of the store.
    const [one, other] = [new SqlIdempotencyStore(at.open()), new SqlIdempotencyStore(at.open())].map((store) =>
      claimGuard(store, { lease: 1500, renew: 50 }),
    );
    let end = () => {};
    const running = new Promise<void>((resolve) => {
      end = resolve;
    });
    const timedOut = () => Promise.reject(new Error('time-out'));
    await rejection(one?.run('orders', 'runs on', timedOut, () => running) as Promise<unknown>);
    const until = performance.now() + 2000;
    while (performance.now() < until) {
      await new Promise((next) => setImmediate(next));
      for (const guard of [one, other]) {
        expect(await guard?.run('orders', 'runs on', () => expect.fail('two at a time'))).to.have.property(
          'kind',
          'in-progress',
        );
      }
    }
    end();
    let result: { readonly kind: string } | undefined;
    await eventually('it is free', async () => {
      result = await other?.run('orders', 'runs on', () => 'second');
      return result?.kind === 'handled';
    });
    expect(result).to.include({ value: 'second', remembered: true });
  });
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
