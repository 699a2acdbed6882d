import { claimGuard, idempotencyStoreCases } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { SqlDatabase } from '../database/sql-database.js';
import { postgres } from '../database/sql-dialect.js';
import { describeOnEachDatabase } from '../test-support/each-database.js';
import { eventually } from '../test-support/eventually.js';
import { recordingDatabase } from '../test-support/recording-database.js';
import { rejection } from '../test-support/rejection.js';
import { waitsOf } from '../test-support/waits.js';
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

  it('asks six times in all, with pauses, before it gives up because of deadlocks', async () => {
    const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' });
    let asked = 0;
    const { database } = recordingDatabase(postgres, () => {
      asked++;
      throw deadlock;
    });
    const store = new SqlIdempotencyStore(database);
    const waits = await waitsOf(async () => {
      const error = await rejection(store.release({ key: 'a', token: 't' }));
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE', cause: deadlock });
    });
    expect([asked, waits]).to.deep.equal([6, [5, 15, 45, 135, 200]]);
  });

  it('rejects when the database is away', async () => {
    const refused = new Error('connection refused');
    const store = new SqlIdempotencyStore(failing([refused]));
    const error = await rejection(store.claim('a', { leaseMs: 100 }));
    expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE', cause: refused });
    expect(error.message).to.equal('Could not claim a in the database: connection refused');
  });

  /** What is kept under the key, one answer for each look; a statement that writes has no effect unless `writes` says so. */
  const keeping = (looks: (readonly Record<string, unknown>[])[], writes: (text: string) => boolean = () => false) => {
    let [asked, looked] = [0, 0];
    const { database, parameters, sent } = recordingDatabase(postgres, (text, given) => {
      if (!text.startsWith('SELECT')) {
        asked++;
        return writes(text) ? { rows: [{ token: given[1] }], rowCount: 1 } : {};
      }
      const rows = looks[Math.min(looked++, looks.length - 1)] ?? [];
      // `own`: the token of the claim that is asked for.
      return {
        rows: rows.map((row) => ({ ...row, token: row['token'] === 'own' ? parameters[0]?.[1] : row['token'] })),
      };
    });
    return { store: new SqlIdempotencyStore(database), asked: () => asked, looked: () => looked, sent };
  };
  const row = (token: string, completed: 0 | 1, left_ms: number) => ({ token, completed, left_ms });
  const claimOf = (token: string) => ({ key: 'k', token });

  describe('claims a key', () => {
    const claim = (store: SqlIdempotencyStore) => store.claim('k', { leaseMs: 100.2 });

    it('that it has already, when the answer to what it wrote was lost', async () => {
      const { store, asked } = keeping([[row('own', 0, 100)]]);
      const claimed = await claim(store);
      expect(claimed.kind).to.equal('claimed');
      expect(claimed)
        .to.have.property('token')
        .that.matches(/^[0-9a-f-]{36}$/);
      expect(asked()).to.equal(1);
    });

    it('not, while another has it, or has completed it', async () => {
      const inProgress = keeping([[row('other', 0, 70)]]);
      expect(await claim(inProgress.store)).to.deep.equal({ kind: 'in-progress', retryAfterMs: 70 });
      const completed = keeping([[row('of before', 0, 5), row('other', 1, 1)]]);
      expect(await claim(completed.store)).to.deep.equal({ kind: 'completed' });
    });

    it('again when what was there has ended between two statements, six times at most', async () => {
      let writes = 0;
      const second = keeping([[row('other', 1, 0)]], () => ++writes === 2);
      expect((await claim(second.store)).kind).to.equal('claimed');
      const never = keeping([[row('other', 0, 0)]]);
      expect(await rejection(claim(never.store))).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      expect([never.asked(), never.looked()]).to.deep.equal([6, 6]);
    });
  });

  describe('completes a claim', () => {
    const complete = (store: SqlIdempotencyStore) => store.complete(claimOf('mine'), { ttlMs: 100 });

    it('that is written, or was already, and says so of no other', async () => {
      expect(await complete(keeping([], () => true).store)).to.equal(true);
      expect(await complete(keeping([[row('mine', 1, 100)]]).store)).to.equal(true);
      expect(await complete(keeping([[row('other', 0, 1)]]).store)).to.equal(false);
      expect(await complete(keeping([[row('other', 1, 1)]]).store)).to.equal(false);
    });

    it('again when the other has ended meanwhile, six times at most', async () => {
      let writes = 0;
      expect(await complete(keeping([[row('other', 0, 0)]], () => ++writes === 2).store)).to.equal(true);
      for (const there of [row('other', 0, 0), row('mine', 0, 50)]) {
        const never = keeping([[there]]);
        expect(await rejection(complete(never.store))).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
        expect(never.asked()).to.equal(6);
      }
    });
  });

  describe('renews a lease', () => {
    const renew = (store: SqlIdempotencyStore) => store.renew(claimOf('mine'), { leaseMs: 100 });

    it('that was changed, or was so long already, and says when it is lost', async () => {
      const changed = keeping([], () => true);
      expect(await renew(changed.store)).to.equal(true);
      expect(changed.looked()).to.equal(0);
      expect(await renew(keeping([[row('mine', 0, 90)]]).store)).to.equal(true);
      for (const lost of [row('other', 0, 100), row('mine', 1, 100), row('mine', 0, 0)]) {
        expect(await renew(keeping([[lost]]).store)).to.equal(false);
      }
      expect(await renew(keeping([[]]).store)).to.equal(false);
    });

    it('does not know when the row has less left than was asked for', async () => {
      expect(await rejection(renew(keeping([[row('mine', 0, 89)]]).store))).to.include({
        code: 'LEV_IDEMPOTENCY_STORE',
      });
    });
  });

  it('says whole milliseconds, which a column of them takes', async () => {
    const { database, parameters } = recordingDatabase(postgres, () => ({ rows: [{ token: 'x' }], rowCount: 1 }));
    const store = new SqlIdempotencyStore(database);
    await store.claim('k', { leaseMs: 0.2 });
    await store.complete(claimOf('t'), { ttlMs: 0.2 });
    await store.renew(claimOf('t'), { leaseMs: 0.2 });
    expect(parameters.map((each) => each.find((value) => typeof value === 'number'))).to.deep.equal([1, 1, 1]);
  });
});
