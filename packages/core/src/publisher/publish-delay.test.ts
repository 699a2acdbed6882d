import { expect } from 'chai';
import { describe, it } from 'mocha';
import { MAX_DELAY_MS } from '../delay/levels.js';
import { ConfigurationError } from '../errors/configuration-error.js';
import { publishDelayMs, refuseDelay } from './publish-delay.js';

const NOW = Date.UTC(2026, 10, 27);
const YEAR = 365 * 86_400_000;

describe('publishDelayMs', () => {
  const refused = (options: object) => {
    expect(() => publishDelayMs(options, NOW)).to.throw(ConfigurationError);
  };

  it('is the delay, or what is left until the date', () => {
    expect(publishDelayMs({}, NOW)).to.equal(0);
    expect(publishDelayMs({ delay: '15m' }, NOW)).to.equal(900_000);
    expect(publishDelayMs({ delay: 0 }, NOW)).to.equal(0);
    expect(publishDelayMs({ deliverAt: new Date(NOW + 90_000) }, NOW)).to.equal(90_000);
  });

  it('takes a date that is past for now', () => {
    expect(publishDelayMs({ deliverAt: new Date(NOW - 1) }, NOW)).to.equal(0);
    expect(publishDelayMs({ deliverAt: new Date(0) }, NOW)).to.equal(0);
  });

  it('takes eight years, and no more than eight and a half', () => {
    expect(publishDelayMs({ deliverAt: new Date(NOW + 8 * YEAR) }, NOW)).to.equal(8 * YEAR);
    expect(publishDelayMs({ delay: MAX_DELAY_MS }, NOW)).to.equal(MAX_DELAY_MS);
    refused({ delay: MAX_DELAY_MS + 1 });
    refused({ delay: 9 * YEAR });
    refused({ deliverAt: new Date(NOW + 9 * YEAR) });
  });

  it('refuses what is neither a duration nor a date, and both together', () => {
    for (const delay of ['soon', -1, Number.NaN, Number.POSITIVE_INFINITY, null, {}, new Date(NOW)]) refused({ delay });
    for (const deliverAt of [new Date(Number.NaN), NOW, '2026-11-28', null, {}]) refused({ deliverAt });
    refused({ delay: '1s', deliverAt: new Date(NOW) });
  });
});

describe('refuseDelay', () => {
  it('refuses a request that is to be sent later', () => {
    expect(() => refuseDelay({ delay: '1s' })).to.throw(ConfigurationError);
    expect(() => refuseDelay({ deliverAt: new Date(NOW) })).to.throw(ConfigurationError);
    refuseDelay({});
  });
});
