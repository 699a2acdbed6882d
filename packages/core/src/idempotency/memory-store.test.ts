import { expect } from 'chai';
import { describe, it } from 'mocha';
import { MemoryIdempotencyStore } from './memory-store.js';
import { rejection } from './rejection.support.test.js';
import { idempotencyStoreCases } from './store-conformance.js';

const LEASE = { leaseMs: 100 };
const TTL = { ttlMs: 1_000 };

describe('MemoryIdempotencyStore', () => {
  for (const { name, run } of idempotencyStoreCases) {
    it(name, () => {
      const store = new MemoryIdempotencyStore();
      return run(() => store);
    });
  }

  it('forgets what is past its time, without being asked for it', async () => {
    let now = 0;
    const store = new MemoryIdempotencyStore({ now: () => now });
    for (const key of ['a', 'b', 'c']) await complete(store, key);
    now = 1_000;
    await store.claim('d', LEASE);
    expect(store.size).to.equal(1);
    expect(store.evicted).to.equal(0);
  });

  it('forgets the message handled first when it is full, and counts that', async () => {
    const store = new MemoryIdempotencyStore({ maxKeys: 3 });
    for (const key of ['a', 'b', 'c', 'd']) await complete(store, key);
    expect(store.size).to.equal(3);
    expect(store.evicted).to.equal(1);
    expect((await store.claim('b', LEASE)).kind).to.equal('completed');
    expect((await store.claim('a', LEASE)).kind).to.equal('claimed');
  });

  it('remembers the last ones, whatever number it has forgotten before', async () => {
    const store = new MemoryIdempotencyStore({ maxKeys: 3, now: () => 0 });
    for (let number = 0; number < 5000; number++) await complete(store, `k${number}`);
    expect([store.size, store.evicted]).to.deep.equal([3, 4997]);
    for (const number of [4997, 4998, 4999]) {
      expect((await store.claim(`k${number}`, LEASE)).kind).to.equal('completed');
    }
  });

  it('holds a key once that is claimed again behind its time', async () => {
    let now = 0;
    const store = new MemoryIdempotencyStore({ now: () => now });
    await complete(store, 'kept', { ttlMs: 5_000 });
    await complete(store, 'a');
    now = 1_000;
    const again = (await store.claim('a', LEASE)) as { token: string };
    expect(store.size, 'in progress').to.equal(2);
    expect(await store.complete({ key: 'a', token: again.token }, TTL)).to.equal(true);
    expect(store.size, 'completed').to.equal(2);
    const { token } = (await store.claim('b', LEASE)) as { token: string };
    await store.release({ key: 'b', token });
    expect([store.size, store.evicted]).to.deep.equal([2, 0]);
  });

  it('makes room for what comes to its end behind its lease, when others had its place', async () => {
    let now = 0;
    const store = new MemoryIdempotencyStore({ maxKeys: 1, now: () => now });
    const { token } = (await store.claim('late', LEASE)) as { token: string };
    now = 100;
    await complete(store, 'next');
    expect(await store.complete({ key: 'late', token }, TTL)).to.equal(true);
    expect([store.size, store.evicted]).to.deep.equal([1, 1]);
    expect((await store.claim('late', LEASE)).kind).to.equal('completed');
  });

  it('holds 100,000 keys where nothing else is said', async () => {
    const store = new MemoryIdempotencyStore({ now: () => 0 });
    for (let number = 0; number < 100_000; number++) void store.claim(`k${number}`, LEASE);
    expect(store.size).to.equal(100_000);
    expect(String(await rejection(store.claim('one more', LEASE)))).to.contain('holds 100000 messages in progress');
  });

  it('holds one key when it may hold one, and no fewer can be asked for', async () => {
    const store = new MemoryIdempotencyStore({ maxKeys: 1 });
    for (const key of ['a', 'b']) await complete(store, key);
    expect([store.size, store.evicted]).to.deep.equal([1, 1]);
    for (const maxKeys of [0, -1, 1.5, Number.NaN]) {
      expect(() => new MemoryIdempotencyStore({ maxKeys })).to.throw(
        `maxKeys must be a whole number from 1; got ${maxKeys}`,
      );
    }
  });

  it('keeps claims when it is full, and refuses more of them', async () => {
    let now = 0;
    const store = new MemoryIdempotencyStore({ maxKeys: 2, now: () => now });
    await store.claim('a', LEASE);
    await store.claim('b', LEASE);
    expect(await rejection(store.claim('c', LEASE))).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
    expect((await store.claim('a', LEASE)).kind).to.equal('in-progress');
    now = 100;
    expect((await store.claim('c', LEASE)).kind).to.equal('claimed');
    expect(store.size).to.equal(1);
  });

  it('forgets as fast with many keys as with few', async () => {
    const costOf = async (maxKeys: number) => {
      const store = new MemoryIdempotencyStore({ maxKeys, now: () => 0 });
      const handle = async (from: number, to: number) => {
        for (let number = from; number < to; number++) await complete(store, `k${number}`);
      };
      await handle(0, maxKeys);
      const before = process.cpuUsage();
      await handle(maxKeys, maxKeys + 20_000);
      const { user, system } = process.cpuUsage(before);
      return user + system;
    };
    const few = Math.min(await costOf(200), await costOf(200));
    const many = Math.min(await costOf(20_000), await costOf(20_000));
    expect(many / few).to.be.below(3);
  });

  for (const maxKeys of [0, -1, 1.5, Number.NaN, '9' as unknown as number]) {
    it(`refuses ${String(maxKeys)} as a number of keys`, () => {
      expect(() => new MemoryIdempotencyStore({ maxKeys })).to.throw(/maxKeys must be a whole number from 1; got/);
    });
  }
});

async function complete(store: MemoryIdempotencyStore, key: string, ttl = TTL): Promise<void> {
  const answer = await store.claim(key, LEASE);
  if (answer.kind !== 'claimed') throw new Error(`expected ${key} to be free, received ${answer.kind}`);
  await store.complete({ key, token: answer.token }, ttl);
}
