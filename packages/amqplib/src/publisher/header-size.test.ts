import { expect } from 'chai';
import { describe, it } from 'mocha';
import { publicationOf } from '../test-support/declarations.js';
import { headerFrameBytes } from './header-size.js';

describe('headerFrameBytes', () => {
  it('counts bytes, not characters', () => {
    const plain = headerFrameBytes(publicationOf('x', 'k', { headers: { a: 'eee' } }));
    const accented = headerFrameBytes(publicationOf('x', 'k', { headers: { a: 'ééé' } }));
    expect(accented - plain).to.equal(3);
  });

  it('never counts too little', () => {
    const headers = {
      text: 'x'.repeat(100),
      bytes: Buffer.alloc(50),
      list: ['a', 1, true, ['b']],
      table: { deep: { deeper: 'y' } },
      number: 1.5,
      nothing: null,
      absent: undefined,
    };
    const properties = { messageId: 'm'.repeat(36), timestamp: 1, deliveryMode: 2 };
    const bytes = headerFrameBytes(publicationOf('x', 'k', { headers, properties }));
    expect(bytes)
      .to.be.at.least(100 + 50 + 36 + 40)
      .and.below(450);
  });
});
