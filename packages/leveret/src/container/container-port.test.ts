import { expect } from 'chai';
import { describe, it } from 'mocha';
import { describeToken, hasMethods } from './container-port.js';

describe('describeToken', () => {
  it('writes classes by their names, and other tokens as they are', () => {
    class Orders {}
    expect([Orders, class {}, 'orders', Symbol('orders')].map(describeToken)).to.deep.equal([
      'Orders',
      'a class without a name',
      'orders',
      'Symbol(orders)',
    ]);
  });
});

describe('hasMethods', () => {
  it('wants all of them, of an object or a class', () => {
    const both = { get() {}, bind() {} };
    expect(
      [both, { get() {} }, { get: 1, bind: 2 }, null, undefined, 'text'].map((each) =>
        hasMethods(each, ['get', 'bind']),
      ),
    ).to.deep.equal([true, false, false, false, false, false]);
    expect(hasMethods(Object.assign(class {}, both), ['get', 'bind'])).to.equal(true);
  });
});
