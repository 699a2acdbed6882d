import { expect } from 'chai';
import { Redis } from 'ioredis';
import { after, before, describe, it } from 'mocha';
import { RedisIdempotencyStore } from './redis-idempotency-store.js';
import { Address } from './test-support/address.js';
import { needsRedisServer, PrivateRedis } from './test-support/private-redis.js';
import { rejection } from './test-support/rejection.js';

const LEASE = { leaseMs: 60_000 };
const BOUND_MS = 10_000;

/** Claims until it is answered, as a guard does whose deliveries wait. */
async function claimedInTheEnd(store: RedisIdempotencyStore, key: string): Promise<string> {
  const deadline = performance.now() + BOUND_MS;
  for (;;) {
    try {
      return (await store.claim(key, LEASE)).kind;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe('when Redis fails over,', () => {
  let first: PrivateRedis;
  let second: PrivateRedis;
  before(needsRedisServer);
  before(async () => {
    [first, second] = await Promise.all([PrivateRedis.start(), PrivateRedis.start()]);
  });
  after(async () => {
    for (const each of [first, second]) await each?.[Symbol.asyncDispose]();
  });

  const ways: readonly [string, (url: string) => Promise<RedisIdempotencyStore>][] = [
    ['a store of its own client', (url) => RedisIdempotencyStore.connect(url, { service: 'test' })],
    [
      'a store on a client of yours',
      async (url) => {
        const client = new Redis(url, { maxRetriesPerRequest: 1 });
        client.on('error', () => {});
        const store = new RedisIdempotencyStore(client, { service: 'test' });
        store.close = async () => client.disconnect();
        return store;
      },
    ],
  ];
  for (const [what, open] of ways) {
    it(`${what} leaves the server that writes no more, and goes on at the one that does`, async () => {
      await first.admin.replicaof('NO', 'ONE');
      await second.follow(first);
      using address = await Address.of(first.port);
      await using store = await open(address.url);
      expect((await store.claim(`before, ${what}`, LEASE)).kind).to.equal('claimed');
      while ((await second.admin.exists(`leveret:idempotency:test::before, ${what}`)) === 0);
      await second.admin.replicaof('NO', 'ONE');
      await first.follow(second);
      address.target = second.port;
      // The old one answers as before: no connection is lost for the failover.
      const error = await rejection(store.claim(`after, ${what}`, LEASE));
      expect(error.message).to.contain('READONLY');
      expect(await claimedInTheEnd(store, `after, ${what}`)).to.equal('claimed');
      expect(await claimedInTheEnd(store, `before, ${what}`)).to.equal('in-progress');
    });
  }

  it('a primary that is cut off from its replicas is left, too', async () => {
    await first.admin.replicaof('NO', 'ONE');
    await second.follow(first);
    using address = await Address.of(first.port);
    await using store = await RedisIdempotencyStore.connect(address.url, { service: 'test' });
    await second.admin.replicaof('NO', 'ONE');
    await first.admin.config('SET', 'min-replicas-to-write', '1');
    address.target = second.port;
    expect((await rejection(store.claim('cut off', LEASE))).message).to.contain('NOREPLICAS');
    expect(await claimedInTheEnd(store, 'cut off')).to.equal('claimed');
    await first.admin.config('SET', 'min-replicas-to-write', '0');
  });
});
