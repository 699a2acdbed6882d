import { ConfigurationError } from '@leveret/core';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { decideMemory } from './redis-check.js';
import { RedisIdempotencyStore } from './redis-idempotency-store.js';
import { needsRedisServer, PrivateRedis } from './test-support/private-redis.js';
import { rejection } from './test-support/rejection.js';

const NOTHING = { service: 'test', uses: new Map<string, string>() };

describe('when Redis is set up wrongly,', () => {
  let server: PrivateRedis;
  before(needsRedisServer);
  before(async () => {
    server = await PrivateRedis.start();
    await server.admin.config('SET', 'requirepass', 'secret');
    await server.admin.acl('SETUSER', 'pay', 'on', '>secret', '~*', '+@all', '-info');
  });
  after(() => server?.[Symbol.asyncDispose]());
  const address = (user = '') => `redis://${user}:secret@127.0.0.1:${server.port}`;
  const concerns = async (url: string) => {
    await using store = await RedisIdempotencyStore.connect(url, { service: 'test' });
    return await store.check(NOTHING);
  };

  for (const [policy, limit, forgets] of [
    ['allkeys-lru', '100mb', true],
    ['volatile-ttl', '100mb', true],
    ['noeviction', '100mb', false],
    ['allkeys-lru', '0', false],
  ] as const) {
    it(`the policy ${policy} with a limit of ${limit} is ${forgets ? '' : 'not '}warned of`, async () => {
      await server.admin.config('SET', 'maxmemory-policy', policy);
      await server.admin.config('SET', 'maxmemory', limit);
      const found = await concerns(address());
      expect(found.map(({ kind }) => kind)).to.deep.equal(forgets ? ['forgets-early'] : []);
      if (forgets) expect(found[0]?.text).to.contain(`maxmemory-policy ${policy}`);
    });
  }

  it('a user that may not ask for the policy is told so', async () => {
    const [concern] = await concerns(address('pay'));
    expect(concern?.kind).to.equal('unknown');
    expect(concern?.text).to.contain('+info');
  });

  it('a full server that keeps what it has refuses claims', async () => {
    await server.admin.config('SET', 'maxmemory-policy', 'noeviction');
    await server.admin.config('SET', 'maxmemory', '1');
    try {
      await using store = await RedisIdempotencyStore.connect(address(), { service: 'test' });
      const error = await rejection(store.claim('full', { leaseMs: 1_000 }));
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      expect(error.message).to.contain('OOM');
    } finally {
      await server.admin.config('SET', 'maxmemory', '0');
    }
  });

  const causes: readonly [string, () => string, RegExp, object?][] = [
    ['a wrong password', () => `redis://:wrong@127.0.0.1:${server.port}`, /WRONGPASS/],
    ['no password', () => `redis://127.0.0.1:${server.port}`, /NOAUTH/],
    ['a closed port', () => 'redis://127.0.0.1:1', /ECONNREFUSED/],
    ['a name that nobody has', () => 'redis://nobody.invalid:6379', /ENOTFOUND|EAI_AGAIN/],
    ['a database that is not there', () => `${address()}/99`, /DB index is out of range/],
    [
      'TLS to a port without',
      () => `rediss://:secret@127.0.0.1:${server.port}`,
      /does the server speak it at this port/,
      { connectTimeout: 200 },
    ],
  ];
  for (const [what, url, cause, redis] of causes) {
    it(`the cause is said: ${what}`, async () => {
      const error = await rejection(RedisIdempotencyStore.connect(url(), { service: 'test', ...(redis && { redis }) }));
      expect(error).to.include({ code: 'LEV_IDEMPOTENCY_STORE' });
      expect(error.message).to.match(cause).and.not.contain('secret');
    });
  }

  it('the cause is said later, too, when the server has gone', async () => {
    const mortal = await PrivateRedis.start();
    await using store = await RedisIdempotencyStore.connect(mortal.url, { service: 'test' });
    await mortal[Symbol.asyncDispose]();
    const deadline = performance.now() + 5_000;
    let text = '';
    while (!text.includes('ECONNREFUSED') && performance.now() < deadline) {
      text = (await rejection(store.claim('k', { leaseMs: 1_000 }))).message;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(text).to.contain('ECONNREFUSED');
  });
});

describe('options of a wrong type', () => {
  const refused: readonly [string, unknown, unknown, RegExp][] = [
    [
      'a password that is an object',
      'redis://h',
      { redis: { password: {} } },
      /redis\.password must be a string; got object$/,
    ],
    ['a port that is none', 'redis://h', { redis: { port: 'many' } }, /redis\.port must be a number; got "many"/],
    ['tls that is no object', 'redis://h', { redis: { tls: true } }, /redis\.tls must be a object; got true/],
    ['options that are none', 'redis://h', { redis: 5 }, /redis must be options of ioredis; got 5/],
    ['an address that is none', 'postgres://h', {}, /the address of Redis must be text such as redis:/],
    ['an address that is an object', {}, {}, /the address of Redis must be text such as redis:.*got/],
  ];
  for (const [what, url, options, fault] of refused) {
    it(`are refused before anything is connected: ${what}`, async () => {
      const given = { service: 'test', ...(options as object) };
      const error = await rejection(RedisIdempotencyStore.connect(url as string, given));
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message).to.match(fault);
    });
  }

  it('and no service are refused', async () => {
    const none = undefined as never;
    expect(() => new RedisIdempotencyStore({ eval: async () => 1 }, none)).to.throw(/needs the name of the service/);
    expect(await rejection(RedisIdempotencyStore.connect('redis://h', none))).to.be.instanceOf(ConfigurationError);
  });
});

describe('decideMemory', () => {
  it('does not take silence for safety', () => {
    expect(decideMemory('maxmemory:5\r\n')[0]?.kind).to.equal('unknown');
    expect(decideMemory('')[0]?.kind).to.equal('unknown');
  });

  it('reads a policy without a limit as one that may get one', () => {
    expect(decideMemory('maxmemory_policy:allkeys-lru\r\n')[0]?.kind).to.equal('forgets-early');
  });
});
