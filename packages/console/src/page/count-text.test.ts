import { expect } from 'chai';
import { describe, it } from 'mocha';
import { bytesText, countText, numberText, rateText } from './count-text.js';

describe('texts of numbers', () => {
  it('groups digits', () => {
    expect([0, 999, 1000, 1_234_567].map(numberText)).to.deep.equal(['0', '999', '1,000', '1,234,567']);
  });

  it('counts one and many', () => {
    expect([0, 1, 1000].map((count) => countText(count, 'message'))).to.deep.equal([
      '0 messages',
      '1 message',
      '1,000 messages',
    ]);
    expect(countText(2, 'other', 'others')).to.equal('2 others');
  });

  it('says rates and sizes', () => {
    expect([0, 0.42, 49.83, 99.96, 1200].map(rateText)).to.deep.equal(['0', '0.4', '49.8', '100', '1,200']);
    expect([1, 999, 3100, 4_200_000].map(bytesText)).to.deep.equal(['1 byte', '999 bytes', '3.1 kB', '4.2 MB']);
  });
});
