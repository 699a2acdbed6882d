import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { ConfigurationError, claimGuard, idempotencyStoreCases } from '@leveret/core';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { after, before, describe, it } from 'mocha';
import { needs } from '../../../tools/scripts/needs.mjs';
import type { RedisScripting } from './redis-client.js';
import { RedisIdempotencyStore } from './redis-idempotency-store.js';

const URL_OF_REDIS = process.env['REDIS_URL'] ?? 'redis://127.0.0.1:6379';
const LEASE = { leaseMs: 60_000 };

function rejection(work: Promise<unknown>): Promise<Error> {
  return work.then(
    (value) => {
      throw new Error(`expected a rejection, received ${String(value)}`);
    },
    (error: Error) => error,
  );
}

describe('RedisIdempotencyStore', () => {
  const prefix = `leveret-test:${randomUUID()}:`;
  const clients: Redis[] = [];
  let redis: Redis;

  const connected = () => {
    const client = new Redis(URL_OF_REDIS, { maxRetriesPerRequest: 1 });
    clients.push(client);
    return client;
  };

  before(needs('redis'));

  before(() => {
    redis = connected();
  });

  after(async () => {
    if (redis !== undefined) {
      const keys = await redis.keys(`${prefix}*`);
      if (keys.length > 0) await redis.del(keys);
    }
    for (const client of clients) client.disconnect();
  });

  for (const { name, run } of idempotencyStoreCases) {
    it(name, () => run(() => new RedisIdempotencyStore(connected(), { service: 'test', prefix })));
  }

  it('lets no second handler of a key begin while the first runs on behind its result', async () => {
    // Two instances. The handler of one has timed out and runs on, for longer than a lease by the clock of the store.
    const [one, other] = [
      new RedisIdempotencyStore(connected(), { service: 'test', prefix }),
      new RedisIdempotencyStore(connected(), { service: 'test', prefix }),
    ].map((store) => claimGuard(store, { lease: 1500, renew: 50 }));
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
    const bound = performance.now() + 5000;
    while (result?.kind !== 'handled' && performance.now() < bound) {
      result = await other?.run('orders', 'runs on', () => 'second');
    }
    expect(result).to.include({ value: 'second', remembered: true });
  });

  it('asks one question in one round trip', async () => {
    const sent: string[] = [];
    const counting: RedisScripting = {
      eval: (script, keys, ...rest) => {
        sent.push(rest[0] as string);
        return redis.eval(script, keys, ...rest);
      },
    };
    const store = new RedisIdempotencyStore(counting, { service: 'test', prefix });
    const claim = await store.claim('trips', LEASE);
    if (claim.kind !== 'claimed') throw new Error('expected a free key');
    await store.renew({ key: 'trips', token: claim.token }, LEASE);
    await store.complete({ key: 'trips', token: claim.token }, { ttlMs: 1_000 });
    await store.release({ key: 'trips', token: claim.token });
    expect(sent).to.deep.equal(Array(4).fill(`${prefix}test::trips`));
  });

  it('lets every key expire by itself', async () => {
    const store = new RedisIdempotencyStore(redis, { service: 'test', prefix });
    const key = 'expiring';
    const claim = await store.claim(key, LEASE);
    expect(await redis.pttl(`${prefix}test::${key}`)).to.be.within(1, LEASE.leaseMs);
    if (claim.kind === 'claimed') await store.complete({ key, token: claim.token }, { ttlMs: 600_000 });
    expect(await redis.pttl(`${prefix}test::${key}`)).to.be.within(LEASE.leaseMs, 600_000);
  });

  it('takes a claim that the client sent twice for one', async () => {
    // As ioredis does when the connection is lost between sending a command and its answer.
    const twice: RedisScripting = {
      eval: async (script, keys, ...rest) => {
        await redis.eval(script, keys, ...rest);
        return redis.eval(script, keys, ...rest);
      },
    };
    const store = new RedisIdempotencyStore(twice, { service: 'test', prefix });
    const answer = await store.claim('twice', LEASE);
    expect(answer.kind).to.equal('claimed');
  });

  it('names a wait for a key that somebody made persistent', async () => {
    const store = new RedisIdempotencyStore(redis, { service: 'test', prefix });
    await store.claim('persistent', LEASE);
    await redis.persist(`${prefix}test::persistent`);
    expect(await store.claim('persistent', LEASE)).to.deep.equal({ kind: 'in-progress', retryAfterMs: LEASE.leaseMs });
  });

  it('works after the server has forgotten its scripts', async () => {
    const store = new RedisIdempotencyStore(redis, { service: 'test', prefix });
    await store.claim('before', LEASE);
    await redis.script('FLUSH');
    expect((await store.claim('after', LEASE)).kind).to.equal('claimed');
  });

  it('connects by itself and closes what it opened', async () => {
    const store = await RedisIdempotencyStore.connect(URL_OF_REDIS, { service: 'test', prefix });
    const guard = claimGuard(store);
    expect((await guard.run('listener', 'message', () => 1)).kind).to.equal('handled');
    expect((await guard.run('listener', 'message', () => 1)).kind).to.equal('duplicate');
    const close = store.close.bind(store);
    let closed = false;
    store.close = async () => {
      await close();
      await new Promise((resolve) => setImmediate(resolve));
      closed = true;
    };
    await store[Symbol.asyncDispose]();
    expect(closed, 'disposing waits').to.equal(true);
    await store.close();
    expect(await rejection(store.claim('closed', LEASE))).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
  });

  it('leaves a client of yours open', async () => {
    await using store = new RedisIdempotencyStore(redis, { service: 'test', prefix });
    await store.close();
    expect(await redis.ping()).to.equal('PONG');
  });
});

describe('when Redis is away', () => {
  let server: Server;
  let port: number;
  const sockets = new Set<Socket>();

  before((done) => {
    // Takes connections, and says nothing.
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    }).listen(0, '127.0.0.1', () => {
      port = (server.address() as { port: number }).port;
      done();
    });
  });

  after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('says so when it connects', async () => {
    const error = await rejection(RedisIdempotencyStore.connect('redis://127.0.0.1:1', { service: 'test' }));
    expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
    expect(error.message).to.contain('Could not connect to Redis');
  });

  it('rejects a claim that gets no answer, within a bound', async () => {
    const silent = new Redis(port, '127.0.0.1', {
      commandTimeout: 50,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      lazyConnect: true,
    });
    silent.on('error', () => {});
    silent.connect().catch(() => {});
    await new Promise((resolve) => silent.once('connect', resolve));
    const error = await rejection(new RedisIdempotencyStore(silent, { service: 'test' }).claim('a', LEASE));
    expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
    expect(error.message).to.match(/^Could not claim a in Redis: /);
    silent.disconnect();
  });

  it('connects nowhere when an option is wrong', async () => {
    const wrong = { service: 'test', prefix: 1 as unknown as string };
    const error = await rejection(RedisIdempotencyStore.connect('redis://127.0.0.1:1', wrong));
    expect(error).to.be.instanceOf(ConfigurationError);
  });

  it('understands a client that gives numbers as text', async () => {
    const store = new RedisIdempotencyStore({ eval: async () => '1' }, { service: 'test' });
    const claim = { key: 'a', token: 't' };
    expect(await store.complete(claim, { ttlMs: 1 })).to.equal(true);
    expect(await store.renew(claim, LEASE)).to.equal(true);
  });

  it('refuses what is no client', () => {
    expect(
      () => new RedisIdempotencyStore('redis://localhost' as unknown as RedisScripting, { service: 'test' }),
    ).to.throw(/needs a client of ioredis; got "redis:\/\/localhost"/);
    expect(
      () => new RedisIdempotencyStore({ eval: async () => 1 }, { service: 'test', prefix: 1 as unknown as string }),
    ).to.throw(/prefix must be text; got 1/);
  });
});
