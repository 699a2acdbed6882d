import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { ConfigurationError } from '../errors/configuration-error.js';
import { MAX_KEY_BYTES } from './claim-key.js';
import { serviceKey, serviceName } from './service-name.js';

describe('serviceName', () => {
  it('takes names as packages have them', () => {
    for (const name of ['billing', 'a', '@acme/billing', 'pay_service-2.eu', 'x'.repeat(64)]) {
      expect(serviceName(name, 'the store')).to.equal(name);
    }
  });

  it('refuses what is missing, is no name, or would not stay one key', () => {
    for (const name of [undefined, null, '', ' ', 'a:b', 'a b', 'é', '-a', 'x'.repeat(65), 7, {}, ['billing']]) {
      expect(() => serviceName(name, 'the store')).to.throw(
        ConfigurationError,
        /the store needs the name of the service/,
      );
    }
  });
});

describe('serviceKey', () => {
  it('can be read by a person who looks into the table', () => {
    expect(serviceKey('billing', 'Orders.onPaid')).to.equal('billing::Orders.onPaid');
  });

  it('differs whenever service or key differ, and fits', () => {
    const service = fc.stringMatching(/^[A-Za-z0-9@][A-Za-z0-9@._/-]{0,63}$/);
    const key = fc.string({ unit: 'binary', minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(service, key, service, key, (a, b, c, d) => {
        const [one, other] = [serviceKey(a, b), serviceKey(c, d)];
        return (one === other) === (a === c && b === d) && Buffer.byteLength(one) <= MAX_KEY_BYTES;
      }),
    );
  });

  it('is read as it is up to the last byte that fits', () => {
    const key = (length: number) => serviceKey('billing', 'k'.repeat(length - 'billing::'.length));
    expect(key(255)).to.equal(`billing::${'k'.repeat(246)}`);
    expect(key(256)).to.match(/^billing::sha256:\+[0-9a-f]{64}$/);
  });

  it('keeps long keys apart that are equal as far as they fit', () => {
    const [one, other] = ['x', 'y'].map((end) => serviceKey('s'.repeat(64), `${'k'.repeat(250)}${end}`));
    expect(one).to.match(/^s{64}::sha256:\+[0-9a-f]{64}$/);
    expect(one).to.not.equal(other);
  });
});
