import { expect } from 'chai';
import { describe, it } from 'mocha';
import { uniqueTag } from './consumer-tag.js';

describe('uniqueTag', () => {
  it('is another each time', () => {
    expect(uniqueTag('orders')).to.match(/^orders-[0-9a-f]{12}$/);
    expect(uniqueTag('orders')).to.not.equal(uniqueTag('orders'));
  });

  it('fits into a consumer tag, and cuts between characters', () => {
    const tag = uniqueTag(`a${'é'.repeat(200)}`);
    expect(Buffer.byteLength(tag)).to.equal(199 + 13);
    expect(tag).to.not.include('\uFFFD');
  });
});
