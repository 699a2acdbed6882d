import { ConfigurationError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type ConnectionOptions, resolveConnectionOptions } from './connection-options.js';

function problemsOf(options: unknown): readonly string[] {
  try {
    resolveConnectionOptions(options as ConnectionOptions);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('resolveConnectionOptions', () => {
  it('fills in the defaults', () => {
    expect(resolveConnectionOptions()).to.deep.equal({
      hosts: [
        {
          hostname: 'localhost',
          port: 5672,
          tls: false,
          username: 'guest',
          password: 'guest',
          vhost: '/',
          label: 'localhost:5672',
        },
      ],
      mechanism: 'PLAIN',
      name: `leveret:${process.pid}`,
      heartbeatSeconds: 10,
      connectionTimeoutMs: 10_000,
      startTimeoutMs: 30_000,
      frameMax: 131_072,
      channelMax: 0,
      reconnect: { initialIntervalMs: 100, multiplier: 2, maxIntervalMs: 1500, jitter: 0.3, knockIntervalMs: 40 },
      credentials: undefined,
      authenticationFailureFatal: true,
      tls: {},
      warnings: [],
      noDelay: true,
      keepAlive: true,
      keepAliveDelayMs: 30_000,
      clientProperties: {},
    });
  });

  it('reads URLs with everything in them', () => {
    const { hosts } = resolveConnectionOptions({
      urls: ['amqps://us%40er:p%2Fw@broker.example/my%2Fhost', 'amqps://[::1]:5673', 'amqps://h/'],
      shuffle: false,
    });
    expect(hosts[0]).to.deep.equal({
      hostname: 'broker.example',
      port: 5671,
      tls: true,
      username: 'us@er',
      password: 'p/w',
      vhost: 'my/host',
      label: 'broker.example:5671',
    });
    expect(hosts[1]).to.include({ hostname: '::1', port: 5673, label: '[::1]:5673' });
    expect(hosts[2]).to.include({ vhost: '/', username: 'guest' });
  });

  it('lets options win over the URL', () => {
    const { hosts } = resolveConnectionOptions({
      urls: 'amqp://a:b@h/v',
      username: 'c',
      password: 'd',
      vhost: 'w',
    });
    expect(hosts[0]).to.include({ username: 'c', password: 'd', vhost: 'w' });
  });

  it('draws the order of the hosts at random, unless it is to be kept', () => {
    const urls = ['amqp://a', 'amqp://b', 'amqp://c'];
    const order = (random: number[], options: object = {}) =>
      resolveConnectionOptions({ urls, ...options }, () => random.shift() ?? 0).hosts.map(({ hostname }) => hostname);
    expect(order([0.5, 0.1, 0.9])).to.deep.equal(['b', 'a', 'c']);
    expect(order([0.9, 0.5, 0.1])).to.deep.equal(['c', 'b', 'a']);
    expect(order([0.9, 0.5, 0.1], { shuffle: false })).to.deep.equal(['a', 'b', 'c']);
  });

  it('reads durations as text', () => {
    const resolved = resolveConnectionOptions({
      heartbeat: '1m',
      connectionTimeout: '2s',
      reconnect: { maxInterval: '3s' },
    });
    expect(resolved).to.include({ heartbeatSeconds: 60, connectionTimeoutMs: 2000 });
    expect(resolved.reconnect.maxIntervalMs).to.equal(3000);
  });

  it('takes the largest frame that AMQP can say, texts for a user, and client properties that are an object', () => {
    expect(resolveConnectionOptions({ frameMax: 2 ** 31 - 1, clientProperties: { team: 'pay' } })).to.deep.include({
      frameMax: 2 ** 31 - 1,
      clientProperties: { team: 'pay' },
    });
    for (const [options, fault] of [
      [{ frameMax: 2 ** 31 }, /frameMax/],
      [{ frameMax: 8191 }, /frameMax/],
      [{ clientProperties: null }, /clientProperties must be an object; got null/],
      [{ clientProperties: ['pay'] }, /clientProperties must be an object/],
      [{ username: 5 }, /username must be a text; got a value of type number/],
      [{ password: { hunter2: 1 } }, /password must be a text; got a value of type object/],
      [{ vhost: false }, /vhost must be a text; got a value of type boolean/],
      [{ clientProperties: 'pay' }, /clientProperties must be an object/],
    ] as const) {
      expect(() => resolveConnectionOptions(options as object), String(fault)).to.throw(fault);
    }
  });

  it('collects every fault', () => {
    const problems = problemsOf({
      urls: ['http://x', 'nonsense', 'amqp://h?heartbeat=5', 42, 'amqp://%zz@h'],
      heartbeat: 1500,
      connectionTimeout: 'soon',
      startTimeout: 0,
      frameMax: 4096,
      channelMax: 1.5,
      mechanism: 'PLAINTEXT',
      name: '',
      shuffle: 'yes',
      reconnect: { multiplier: 0.5, jitter: 2, factor: 3, knockInterval: 'often' },
      socket: { nodelay: true },
      url: 'amqp://h',
    });
    for (const expected of [
      'urls[0] must begin with amqp:// or amqps://',
      'urls[1] must be a URL',
      'urls[2] has query parameters (?heartbeat...)',
      'urls[3] must be a URL such as amqp://user:password@host:5672/vhost; got 42',
      'urls[4] has a user name with a malformed %',
      'heartbeat must be whole seconds',
      'connectionTimeout must be milliseconds',
      'startTimeout must be more than 0 ms; got 0',
      'frameMax must be a whole number from 8192',
      'channelMax must be a whole number from 0 to 65535; got 1.5',
      "mechanism must be one of 'PLAIN'",
      'name must be a text that is not empty',
      'shuffle must be true or false; got "yes"',
      'reconnect.multiplier must be a number from 1',
      'reconnect.jitter must be a number from 0 to 1; got 2',
      'reconnect.knockInterval must be milliseconds',
      'unknown option "factor" of reconnect',
      'unknown option "nodelay" of socket. Did you mean "noDelay"?',
      'unknown option "url". Did you mean "urls"?',
    ]) {
      expect(
        problems.some((problem) => problem.includes(expected)),
        expected,
      ).to.equal(true);
    }
    expect(problems).to.have.lengthOf(19);
  });

  it('refuses credentials in two places, and where they are of no use', () => {
    const problemsOf = (options: object): string => {
      try {
        resolveConnectionOptions({ credentials: () => ({ password: 'p' }), ...options });
        return '';
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(problemsOf({})).to.equal('');
    expect(problemsOf({ urls: ['amqp://a', 'amqp://b'] })).to.equal('');
    expect(problemsOf({ username: 'u' })).to.include('credentials and username or password are given');
    expect(problemsOf({ urls: ['amqp://a', 'amqp://u:p@b'] })).to.include('leave the user out of the URLs');
    expect(problemsOf({ urls: 'amqps://h', mechanism: 'EXTERNAL' })).to.include(
      'of no use with the mechanism EXTERNAL',
    );
    expect(problemsOf({ credentials: { username: 'u', password: 'hunter2' } }))
      .to.include('credentials must be a function')
      .and.not.include('hunter2');
  });

  it('never shows a URL that may hold a password', () => {
    expect(problemsOf({ urls: 'amqp//user:secret@host' }).join()).not.to.include('secret');
  });

  it('refuses an empty list', () => {
    expect(problemsOf({ urls: [] }).join()).to.include('empty list');
  });
});
