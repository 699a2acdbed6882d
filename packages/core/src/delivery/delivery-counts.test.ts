import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { aMessage } from '../message/message.support.test.js';
import { brokerDeliveryCount, deathCount } from './delivery-counts.js';

describe('brokerDeliveryCount', () => {
  const count = (value: unknown) => brokerDeliveryCount(aMessage({ headers: { 'x-delivery-count': value } }));

  it('is what a quorum queue says, and 0 when it says nothing', () => {
    expect([count(1), count(3)]).to.deep.equal([1, 3]);
    expect(brokerDeliveryCount(aMessage())).to.equal(0);
  });

  it('takes what is no count for nothing', () => {
    expect([-1, 1.5, Number.NaN, '3', null, {}, 2 ** 60].map(count)).to.deep.equal([0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('deathCount', () => {
  const count = (deaths: unknown) => deathCount(aMessage({ headers: { 'x-death': deaths } }), 'orders');

  it('adds up what the message died of in this queue', () => {
    const deaths = [
      { queue: 'orders', reason: 'rejected', count: 2, exchange: 'dlx' },
      { queue: 'orders', reason: 'expired', count: 1, exchange: 'dlx' },
      { queue: 'orders.wait', reason: 'expired', count: 7, exchange: '' },
    ];
    expect(count(deaths)).to.equal(3);
    expect(deathCount(aMessage(), 'orders')).to.equal(0);
  });

  it('ignores a forged x-death of the wrong shape [spring 74]', () => {
    const forged = [
      'three',
      3,
      null,
      {},
      { queue: 'orders', count: 3 },
      ['orders', null, 7],
      [{ queue: 'orders' }, { queue: 'orders', count: '3' }, { queue: 'orders', count: -3 }, { count: 3 }],
      [
        { queue: 'orders', count: Number.NaN },
        { queue: 'orders', count: 2 ** 60 },
      ],
    ];
    expect(forged.map(count)).to.deep.equal(Array(forged.length).fill(0));
  });

  it('is a count for whatever stands in the header', () => {
    const entries = fc.record({ queue: fc.constantFrom('orders', 'other', 7), count: fc.anything() });
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.array(fc.oneof(entries, fc.anything()))), (deaths) => {
        const n = count(deaths);
        return Number.isFinite(n) && n >= 0;
      }),
    );
  });
});
