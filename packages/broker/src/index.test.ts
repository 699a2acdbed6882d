import { expect } from 'chai';
import { describe, it } from 'mocha';
import { resolveBrokerOptions } from './broker-options.js';
import * as publicApi from './index.js';

describe('@leveret/broker', () => {
  it('exports these names, and no others', () => {
    expect(Object.keys(publicApi)).to.have.members(['Broker', 'Faults', 'VirtualClock']);
  });

  it('says what is wrong with an option', () => {
    expect(() => resolveBrokerOptions({ port: -1 })).to.throw(
      TypeError,
      'port: expected a whole number from 0 to 65535; received -1',
    );
    expect(() => resolveBrokerOptions({ version: '3.9' as '3.10' })).to.throw(TypeError, 'received "3.9"');
  });
});
