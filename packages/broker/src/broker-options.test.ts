import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type BrokerOptions, resolveBrokerOptions } from './broker-options.js';
import { VirtualClock } from './clock/virtual-clock.js';
import { defaultMemoryLimit } from './memory-alarm.js';

describe('resolveBrokerOptions', () => {
  it('fills in what RabbitMQ has by default', () => {
    const { profile, clock, users, onClientRefused, ...rest } = resolveBrokerOptions({});
    expect(rest).to.deep.equal({
      port: 0,
      host: '127.0.0.1',
      managementPort: undefined,
      managementHosts: [],
      tls: undefined,
      vhosts: ['/'],
      consumerTimeoutMs: 1_800_000,
      maxMessageBytes: profile.maxMessageBytes,
      memoryLimitBytes: defaultMemoryLimit(),
      channelMax: 2047,
      frameMax: 131_072,
      heartbeatSeconds: 60,
      clusterName: 'leveret@localhost',
    });
    expect([profile.version, clock]).to.satisfy(([version, made]: unknown[]) => {
      return version === '4.3' && made instanceof VirtualClock;
    });
    expect([...users.values()].map(({ name, password, tags }) => [name, password, tags])).to.deep.equal([
      ['guest', 'guest', ['administrator']],
    ]);
    expect(onClientRefused({ address: 'a', reason: 'r' })).to.equal(undefined);
  });

  it('lets a delivery wait as long as it is told, or for ever', () => {
    expect(resolveBrokerOptions({ consumerTimeout: '90s' }).consumerTimeoutMs).to.equal(90_000);
    expect(resolveBrokerOptions({ consumerTimeout: false }).consumerTimeoutMs).to.equal(undefined);
  });

  const ranges: readonly [keyof BrokerOptions, number, number][] = [
    ['port', 0, 65_535],
    ['managementPort', 0, 65_535],
    ['maxMessageBytes', 1, 2 ** 31 - 1],
    ['memoryLimitBytes', 1, Number.MAX_SAFE_INTEGER],
    ['channelMax', 1, 65_535],
    ['frameMax', 4096, 2 ** 31 - 1],
    ['heartbeatSeconds', 0, 65_535],
  ];
  for (const [name, lowest, highest] of ranges) {
    it(`takes ${name} from ${lowest} to ${highest}`, () => {
      for (const value of [lowest, highest]) {
        expect(resolveBrokerOptions({ [name]: value })).to.include({ [name]: value });
      }
      for (const value of [lowest - 1, highest + 1, 5_000.5, Number.NaN]) {
        const text = `${name}: expected a whole number from ${lowest} to ${highest}; received ${value}`;
        expect(() => resolveBrokerOptions({ [name]: value })).to.throw(TypeError, text);
      }
    });
  }

  it('allows a user everything in every virtual host, or what its patterns find', () => {
    const { users, vhosts } = resolveBrokerOptions({
      vhosts: ['shop'],
      users: [
        { name: 'all', password: 'p' },
        { name: 'some', password: 'p', tags: ['monitoring'], permissions: { shop: { write: '', read: '^q' } } },
      ],
    });
    expect(vhosts).to.deep.equal(['/', 'shop']);
    expect([...(users.get('all')?.permissions.keys() ?? [])]).to.deep.equal(['/', 'shop']);
    expect(users.get('all')).to.include({ password: 'p' }).and.to.have.deep.property('tags', []);
    const some = users.get('some')?.permissions;
    expect(users.get('some')?.tags).to.deep.equal(['monitoring']);
    expect([...(some?.keys() ?? [])]).to.deep.equal(['shop']);
    const may = (what: 'configure' | 'write' | 'read', name: string) => some?.get('shop')?.[what].test(name);
    expect([may('configure', 'x'), may('read', 'q1'), may('read', 'x')]).to.deep.equal([true, true, false]);
    expect([may('write', 'x'), may('write', '')], 'an empty pattern').to.deep.equal([false, true]);
  });
});
