import { ConfigurationError, idempotencyStoreCases } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { memoryConcerns, recordService } from './redis-check.js';
import { connectClient, makeClient, type OwnedClient, type RedisScripting } from './redis-client.js';
import { RedisIdempotencyStore } from './redis-idempotency-store.js';
import { LOOK } from './scripts.js';
import { MemoryRedis } from './test-support/memory-redis.js';
import { rejection } from './test-support/rejection.js';

const LEASE = { leaseMs: 60_000 };
const CLAIM = { key: 'k', token: 't' };
const SERVICE = { service: 'pay' };
const NOTHING = { service: 'pay', uses: new Map<string, string>() };

/** What the store does of itself, beside a server that does what it is told: so it is asked on every machine. */
describe('a store in front of what the scripts come to', () => {
  for (const { name, run } of idempotencyStoreCases) {
    const redis = new MemoryRedis();
    it(name, () => run(() => new RedisIdempotencyStore(redis, SERVICE)));
  }

  it('asks one question each, by keys of its own, of its service and of its message', async () => {
    const redis = new MemoryRedis();
    const store = new RedisIdempotencyStore(redis, { ...SERVICE, prefix: 'own:' });
    const answer = await store.claim('k', LEASE);
    if (answer.kind !== 'claimed') throw new Error(`expected a claim, got ${answer.kind}`);
    const claim = { key: 'k', token: answer.token };
    expect(await store.renew(claim, LEASE)).to.equal(true);
    expect(await store.complete(claim, { ttlMs: 1_000 })).to.equal(true);
    await store.release(claim);
    expect(redis.questions).to.deep.equal([['own:pay::k', 'own:k'], ['own:pay::k'], ['own:pay::k'], ['own:pay::k']]);
    expect(redis.entries.get('own:pay::k')?.value).to.equal(`c:${claim.token}`);
    expect(await store.claim('k', LEASE)).to.deep.equal({ kind: 'completed' });
  });

  it('gives times in whole milliseconds, from one on', async () => {
    const given: unknown[][] = [];
    const redis = { eval: async (_script: string, ...all: unknown[]) => given.push(all) && 1 };
    const store = new RedisIdempotencyStore(redis as RedisScripting, SERVICE);
    await store.renew(CLAIM, { leaseMs: 0.2 });
    await store.renew(CLAIM, { leaseMs: 1_000.2 });
    await store.complete(CLAIM, { ttlMs: 0 });
    expect(given.map((all) => all.at(-1))).to.deep.equal(['1', '1001', '1']);
  });

  it('asks for two keys at once, and for one at a time where they cannot be on one node', async () => {
    const redis = new MemoryRedis();
    let isSplit = true;
    const client: RedisScripting = {
      eval: async (script, count, ...all) => {
        if (count === 2 && isSplit) {
          redis.questions.push(all.slice(0, 2));
          throw new Error("CROSSSLOT Keys in request don't hash to the same slot");
        }
        return redis.eval(script, count, ...all);
      },
    };
    const store = new RedisIdempotencyStore(client, { ...SERVICE, prefix: '' });
    expect(await store.claim('k', LEASE)).to.include({ kind: 'claimed' });
    isSplit = false;
    expect(await store.claim('l', LEASE)).to.include({ kind: 'claimed' });
    expect(redis.questions).to.deep.equal([['pay::k', 'k'], ['k'], ['pay::k'], ['l'], ['pay::l']]);
    redis.entries.set('m', { value: 'c:t', until: Number.POSITIVE_INFINITY });
    expect(await store.claim('m', LEASE)).to.deep.equal({ kind: 'completed' });
    expect(redis.questions.at(-1)).to.deep.equal(['m']);
    const nodes = Object.assign(new MemoryRedis(), { isCluster: true });
    const cluster = new RedisIdempotencyStore(nodes, { ...SERVICE, prefix: '' });
    expect(await cluster.claim('k', LEASE)).to.include({ kind: 'claimed' });
    expect(nodes.questions).to.deep.equal([['k'], ['pay::k']]);
  });

  it('reads numbers and yes or no as clients give them, and waits a whole lease for a claim that never ends', async () => {
    const answering = (answer: unknown) => new RedisIdempotencyStore({ eval: async () => answer }, SERVICE);
    for (const [answer, retryAfterMs] of [
      ...([
        [1, 1],
        ['1', 1],
        [1n, 1],
        [250, 250],
        [0, 60_000],
        [-1, 60_000],
      ] as const),
    ]) {
      expect(await answering(answer).claim('k', LEASE)).to.deep.equal({ kind: 'in-progress', retryAfterMs });
    }
    for (const [answer, isYes] of [
      ...([
        [1, true],
        ['1', true],
        [1n, true],
        [0, false],
        ['0', false],
        [0n, false],
      ] as const),
    ]) {
      expect(await answering(answer).renew(CLAIM, LEASE)).to.equal(isYes);
      expect(await answering(answer).complete(CLAIM, { ttlMs: 1 })).to.equal(isYes);
    }
    for (const answer of ['claim', null, 0.5]) {
      expect((await rejection(answering(answer).claim('k', LEASE))).message).to.match(
        /^Could not claim k in Redis: it answered .*, which no script does$/,
      );
    }
  });

  it('says what it could not ask, with the cause, and takes nothing for handled', async () => {
    const cause = new Error('OOM command not allowed');
    const store = new RedisIdempotencyStore({ eval: () => Promise.reject(cause) }, SERVICE);
    for (const [what, question] of Object.entries({
      'claim k in': () => store.claim('k', LEASE),
      'complete k in': () => store.complete(CLAIM, { ttlMs: 1 }),
      'renew k in': () => store.renew(CLAIM, LEASE),
      'release k in': () => store.release(CLAIM),
      check: () => store.check({ service: 'pay', uses: new Map([['Orders.on', 'q']]) }),
    })) {
      const error = await rejection(question());
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE', cause });
      expect(error.message).to.equal(`Could not ${what} Redis: OOM command not allowed`);
    }
  });

  it('leaves a server that writes no more, whatever it was asked', async () => {
    const calls: unknown[][] = [];
    const client = {
      ...{ status: 'ready', options: {}, disconnect: (...given: unknown[]) => calls.push(given) },
      eval: () => Promise.reject(new Error("READONLY You can't write against a read only replica.")),
    };
    const store = new RedisIdempotencyStore(client as RedisScripting, SERVICE);
    await rejection(store.release(CLAIM));
    await rejection(store.check({ service: 'pay', uses: new Map([['Orders.on', 'q']]) }));
    expect(calls).to.deep.equal([[true], [true]]);
  });

  it('lists every fault of what it is given', () => {
    for (const [given, faults] of [
      [[undefined, { service: 'pay' }], ['RedisIdempotencyStore needs a client of ioredis; got undefined']],
      [[new MemoryRedis(), { service: 'pay', prefix: 5 }], ['prefix must be text; got 5']],
    ] as const) {
      const make = () => new RedisIdempotencyStore(...(given as unknown as [RedisScripting, typeof SERVICE]));
      expect(make).to.throw(ConfigurationError);
      expect((rejectionOf(make) as ConfigurationError).problems).to.deep.equal(faults);
    }
    expect(() => new RedisIdempotencyStore({} as RedisScripting, undefined as never)).to.throw(
      /needs a client of ioredis[\s\S]*service/,
    );
  });

  describe('that is checked', () => {
    it('writes down who uses it, and says who else does', async () => {
      const redis = new MemoryRedis();
      const store = new RedisIdempotencyStore(redis, { ...SERVICE, prefix: 'own:' });
      const check = (queue: string) => store.check({ service: 'pay', uses: new Map([['Orders.on', queue]]) });
      expect(await check('billing')).to.deep.equal([]);
      expect([...redis.records]).to.deep.equal([['own:service:pay', new Map([['Orders.on', 'billing']])]]);
      expect((await check('shipping')).map(({ kind }) => kind)).to.deep.equal(['service-conflict']);
    });

    it('asks nothing where there is nothing to write down, and takes no list for no answer', async () => {
      const redis = new MemoryRedis();
      expect(await recordService(redis, 'key', NOTHING)).to.deep.equal([]);
      expect(redis.questions).to.deep.equal([]);
      const odd = { eval: async () => 'OK' };
      const error = await rejection(recordService(odd, 'key', { service: 'pay', uses: new Map([['a', 'b']]) }));
      expect(error.message).to.equal('expected a list, received string');
    });

    it('warns of servers that forget, each warning once, and of those that do not say', async () => {
      const node = (memory: string) => Object.assign(new MemoryRedis(), { memory });
      const forgets = 'maxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n';
      const cluster = {
        ...node(''),
        nodes: (role: string) => (role === 'master' ? [node(forgets), node(forgets), node('')] : []),
      };
      const concerns = await memoryConcerns(cluster as unknown as RedisScripting);
      expect(concerns.map(({ kind }) => kind)).to.deep.equal(['forgets-early', 'unknown']);
      expect(concerns[0]?.text).to.contain('memory of 100 bytes').and.to.contain('allkeys-lru');
      for (const text of ['NOPERM this user', "ERR can't run this command", 'not allowed', 'unknown command']) {
        const silent = { eval: () => Promise.reject(new Error(text)) };
        expect((await memoryConcerns(silent)).map(({ kind }) => kind)).to.deep.equal(['unknown']);
      }
      const gone = { eval: () => Promise.reject(new Error('Connection is closed.')) };
      expect((await rejection(memoryConcerns(gone))).message).to.equal('Connection is closed.');
    });
  });

  describe('with a connection of its own', () => {
    const owned = (quit: () => Promise<unknown>) => {
      const steps: string[] = [];
      const client = Object.assign(new MemoryRedis(), {
        quit: () => {
          steps.push('quit');
          return quit();
        },
        disconnect: () => steps.push('disconnect'),
      });
      const trouble = new Error('connect ECONNREFUSED');
      const own = { client, trouble: () => trouble } as unknown as OwnedClient;
      return { store: new RedisIdempotencyStore(client, SERVICE, own), client, steps, trouble };
    };

    it('ends it when it is closed, and waits for that', async () => {
      let end = (_value: unknown) => {};
      const { store, steps } = owned(
        () =>
          new Promise((resolve) => {
            end = resolve;
          }),
      );
      let over = false;
      const closing = store[Symbol.asyncDispose]().then(() => {
        over = true;
      });
      await new Promise((resolve) => setImmediate(resolve));
      expect([over, steps]).to.deep.equal([false, ['quit']]);
      end('OK');
      await closing;
      expect(steps).to.deep.equal(['quit']);
    });

    it('cuts it where the server does not answer, and never rejects', async () => {
      const { store, steps } = owned(() => Promise.reject(new Error('Connection is closed.')));
      await store.close();
      expect(steps).to.deep.equal(['quit', 'disconnect']);
    });

    it('says why there is none', async () => {
      const { store, client } = owned(async () => 'OK');
      client.eval = () => Promise.reject(new Error("Stream isn't writeable"));
      expect((await rejection(store.claim('k', LEASE))).message).to.equal(
        "Could not claim k in Redis: Stream isn't writeable (connect ECONNREFUSED)",
      );
    });

    it('is made of an address and of options that ioredis would not misread', () => {
      const faultsOf = (url: unknown, own?: unknown) => {
        try {
          makeClient(url, own).client.disconnect();
          return [];
        } catch (error) {
          return (error as ConfigurationError).problems.map((text) => text.replace(/^redis: /, ''));
        }
      };
      for (const url of ['redis://localhost', 'rediss://u:p@localhost:6380/1', '//localhost', '/run/redis.sock']) {
        expect(faultsOf(url)).to.deep.equal([]);
      }
      const address = 'the address of Redis must be text such as redis://localhost:6379; got ';
      expect(faultsOf('http://u:secret@localhost')).to.deep.equal([`${address}text that is no such address`]);
      expect(faultsOf(6379)).to.deep.equal([`${address}6379`]);
      const good = {
        port: '6379',
        db: 1,
        tls: {},
        enableOfflineQueue: false,
        host: null,
        password: 'p',
        path: undefined,
      };
      expect(faultsOf('redis://localhost', good)).to.deep.equal([]);
      for (const own of [null, 'text', 5]) {
        expect(faultsOf('redis://localhost', own)[0]).to.match(/^redis must be options of ioredis; got /);
      }
      expect(
        faultsOf('redis://localhost', { port: '', db: 'one', password: 5, tls: true, host: () => 'h' }),
      ).to.have.members([
        'redis.port must be a number; got ""',
        'redis.db must be a number; got "one"',
        'redis.password must be a string; got number',
        'redis.tls must be a object; got true',
        'redis.host must be a string; got function host',
      ]);
    });

    it('fails fast while there is none, unless it is told otherwise', () => {
      const { options } = makeClient('redis://localhost', undefined).client;
      expect(options).to.include({
        ...{ enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 5_000 },
        ...{ connectTimeout: 10_000, lazyConnect: true },
      });
      const own = makeClient('redis://localhost', { commandTimeout: 7, lazyConnect: false }).client.options;
      expect(own).to.include({ commandTimeout: 7, connectTimeout: 10_000, lazyConnect: true });
    });

    it('is not used in the first database where the one that was asked for does not exist', async () => {
      const steps: string[] = [];
      const wrong = new Error('ERR DB index is out of range');
      const client = {
        connect: async () => steps.push('connect'),
        disconnect: () => steps.push('disconnect'),
        options: {},
      };
      const error = await rejection(connectClient({ client, trouble: () => wrong } as unknown as OwnedClient));
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE', cause: wrong });
      expect(steps).to.deep.equal(['connect', 'disconnect']);
      await connectClient({ client, trouble: () => new Error('connect ECONNREFUSED') } as unknown as OwnedClient);
      expect(steps.slice(2)).to.deep.equal(['connect']);
    });

    it('says that a server may speak no TLS', async () => {
      const client = (tls?: object) => ({
        ...{ connect: () => Promise.reject(new Error('connect ETIMEDOUT')), disconnect: () => {}, options: { tls } },
      });
      const of = async (tls?: object) =>
        (await rejection(connectClient({ client: client(tls), trouble: () => undefined } as unknown as OwnedClient)))
          .message;
      expect(await of({})).to.equal(
        'Could not connect with TLS (does the server speak it at this port?) to Redis: connect ETIMEDOUT',
      );
      expect(await of()).to.equal('Could not connect to Redis: connect ETIMEDOUT');
    });

    it('leaves none behind when its options are wrong, and none when it cannot be connected', async () => {
      expect(await rejection(RedisIdempotencyStore.connect('redis://127.0.0.1:1', { service: '' }))).to.be.instanceOf(
        ConfigurationError,
      );
      expect(
        await rejection(RedisIdempotencyStore.connect('redis://127.0.0.1:1', undefined as never)),
      ).to.be.instanceOf(ConfigurationError);
      expect(await rejection(RedisIdempotencyStore.connect('redis://127.0.0.1:1', SERVICE))).to.include({
        code: 'LEV_IDEMPOTENCY_STORE',
      });
    });

    it('is not connected where nobody listens, and leaves nothing that tries again', async () => {
      const own = makeClient('redis://127.0.0.1:1', { retryStrategy: () => 50 });
      const error = await rejection(connectClient(own));
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      expect(error.message).to.match(/^Could not connect to Redis: .*ECONNREFUSED/);
      // Of ioredis' own: when it would try again.
      expect(own.client).to.include({ reconnectTimeout: null });
    });
  });

  it('leaves a client of yours open', async () => {
    const client = Object.assign(new MemoryRedis(), { quit: () => expect.fail('ended') });
    await new RedisIdempotencyStore(client, SERVICE).close();
    expect(await client.eval(LOOK, 1, 'k')).to.equal('free');
  });
});

function rejectionOf(make: () => unknown): unknown {
  try {
    make();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}
