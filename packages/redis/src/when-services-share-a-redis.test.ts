import { randomUUID } from 'node:crypto';
import { claimGuard, claimKey } from '@leveret/core';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { after, before, describe, it } from 'mocha';
import { needs } from '../../../tools/scripts/needs.mjs';
import type { RedisScripting } from './redis-client.js';
import { RedisIdempotencyStore } from './redis-idempotency-store.js';

const LEASE = { leaseMs: 60_000 };

describe('when services share a Redis,', () => {
  const prefix = `leveret-test:${randomUUID()}:`;
  let redis: Redis;
  before(needs('redis'));
  before(() => {
    redis = new Redis(process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379', { maxRetriesPerRequest: 1 });
  });
  after(async () => {
    if (redis === undefined) return;
    const keys = await redis.keys(`${prefix}*`);
    if (keys.length > 0) await redis.del(keys);
    redis.disconnect();
  });
  const storeOf = (service: string, client: RedisScripting = redis) =>
    new RedisIdempotencyStore(client, { service, prefix });

  it('each handles every message once, under the same listener id', async () => {
    const handled = { billing: 0, shipping: 0 };
    const guards = [
      ['billing', claimGuard(storeOf('billing'))],
      ['shipping', claimGuard(storeOf('shipping'))],
    ] as const;
    for (let message = 0; message < 20; message++) {
      for (const [name, guard] of [...guards, ...guards]) {
        await guard.run('OrderListener.onOrder', `m-${message}`, () => void handled[name]++);
      }
    }
    expect(handled).to.deep.equal({ billing: 20, shipping: 20 });
  });

  /** As a cluster answers, where the keys of a message are on two nodes. */
  const cluster: RedisScripting = {
    eval: (script, keys, ...rest) =>
      keys > 1
        ? Promise.reject(new Error("CROSSSLOT Keys in request don't hash to the same slot"))
        : redis.eval(script, keys, ...rest),
  };
  for (const [where, client] of [
    ['', undefined],
    [' on a cluster', cluster],
  ] as const) {
    it(`claims from before services had names count as long as they would have${where}`, async () => {
      const old = (key: string, value: string) => redis.set(`${prefix}${claimKey('l', key)}`, value, 'PX', 60_000);
      const [done, running, fresh] = ['done', 'running', 'fresh'].map((key) => `${key}${where}`) as [
        string,
        string,
        string,
      ];
      await old(done, 'c:token');
      await old(running, 'p:token');
      const store = storeOf('billing', client ?? redis);
      expect(await store.claim(claimKey('l', done), LEASE)).to.deep.equal({ kind: 'completed' });
      const answer = await store.claim(claimKey('l', running), LEASE);
      expect(answer.kind).to.equal('in-progress');
      expect((answer as { retryAfterMs: number }).retryAfterMs).to.be.within(1, 60_000);
      expect((await store.claim(claimKey('l', fresh), LEASE)).kind).to.equal('claimed');
      expect((await store.claim(claimKey('l', fresh), LEASE)).kind).to.equal('in-progress');
    });
  }

  it('asks a cluster for two keys at a time once, and one by one from then on', async () => {
    const asked: number[] = [];
    const watched: RedisScripting = {
      eval: (script, keys, ...rest) => {
        asked.push(keys);
        return cluster.eval(script, keys, ...rest);
      },
    };
    const store = storeOf('billing', watched);
    for (const key of ['first', 'second']) await store.claim(claimKey('l', `apart ${key}`), LEASE);
    expect(asked).to.deep.equal([2, 1, 1, 1, 1]);
  });

  it('takes what has no expiry left for a claim of a whole lease', async () => {
    for (const [left, retryAfterMs] of [
      [-1, LEASE.leaseMs],
      [0, LEASE.leaseMs],
      [1, 1],
    ] as const) {
      const store = storeOf('billing', { eval: async () => left });
      expect(await store.claim('k', LEASE)).to.deep.equal({ kind: 'in-progress', retryAfterMs });
    }
  });

  it('says when another application uses the name', async () => {
    const uses = (queue: string) => new Map([['Orders.onPaid', queue]]);
    const check = (queue: string) => storeOf('orders').check({ service: 'orders', uses: uses(queue) });
    const conflicts = async (queue: string) => (await check(queue)).filter(({ kind }) => kind === 'service-conflict');
    expect(await conflicts('billing')).to.deep.equal([]);
    expect(await conflicts('billing')).to.deep.equal([]);
    expect((await conflicts('shipping'))[0]?.text).to.contain('Orders.onPaid is billing there, and shipping here');
    expect(await conflicts('billing')).to.have.length(1);
  });

  it('takes what it did not write for no answer', async () => {
    await redis.set(`${prefix}billing::foreign`, 'x');
    for (const question of [
      () => storeOf('billing').claim('foreign', LEASE),
      () => storeOf('billing').complete({ key: 'foreign', token: 't' }, { ttlMs: 1_000 }),
    ]) {
      const error = await question().then(
        () => expect.fail('answered'),
        (thrown: Error) => thrown,
      );
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      expect(error.message).to.contain('something that leveret did not write');
    }
  });
});

describe('an answer that no script gives', () => {
  for (const answer of [null, undefined, 'QUEUED', [], {}, Number.NaN, 0.5, true]) {
    it(`such as ${JSON.stringify(answer)} is none`, async () => {
      const store = new RedisIdempotencyStore({ eval: async () => answer }, { service: 'test' });
      const claim = { key: 'k', token: 't' };
      for (const question of [
        () => store.claim('k', LEASE),
        () => store.complete(claim, { ttlMs: 1 }),
        () => store.renew(claim, LEASE),
      ]) {
        const error = await question().then(
          (value) => expect.fail(`answered ${JSON.stringify(value)}`),
          (thrown: Error) => thrown,
        );
        expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      }
    });
  }
});
