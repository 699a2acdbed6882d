import { expect } from 'chai';
import { describe, it } from 'mocha';
import { serviceConflicts } from './store-check.js';

describe('serviceConflicts', () => {
  const uses = new Map([
    ['Orders.onPaid', 'billing.orders'],
    ['Orders.onRefunded', 'billing.refunds'],
  ]);
  const application = { service: 'billing', uses };

  it('finds none in what is new, the same, or no longer there', () => {
    for (const recorded of [new Map(), new Map(uses), new Map([['Orders.onCancelled', 'elsewhere']])]) {
      expect(serviceConflicts(recorded, application)).to.deep.equal([]);
    }
  });

  it('names what comes from elsewhere there', () => {
    const [concern, ...more] = serviceConflicts(new Map([['Orders.onPaid', 'shipping.orders']]), application);
    expect(more).to.deep.equal([]);
    expect(concern?.kind).to.equal('service-conflict');
    expect(concern?.text).to.match(/"billing": Orders\.onPaid is shipping\.orders there, and billing\.orders here\. /);
  });

  it('tells one, and how many more', () => {
    const recorded = new Map([...uses].map(([name]) => [name, 'x']));
    expect(serviceConflicts(recorded, application)[0]?.text).to.contain('here (and 1 more).');
  });
});
