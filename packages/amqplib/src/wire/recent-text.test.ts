import { expect } from 'chai';
import { describe, it } from 'mocha';
import { RecentText } from './recent-text.js';

describe('RecentText', () => {
  it('reads what the bytes say, whatever it read before', () => {
    const recent = new RecentText();
    for (const text of ['abc', 'abc', 'abd', 'ab', '', 'abc', 'é\uFFFD', 'x'.repeat(255), 'abc']) {
      const bytes = Buffer.from(`--${text}--`);
      expect(recent.read(bytes, 2, bytes.length - 4)).to.equal(text);
      expect(recent.isExact).to.equal(true);
    }
  });

  it('says of what is not UTF-8 that it is not exact, each time', () => {
    const recent = new RecentText();
    const bytes = Buffer.from([0x61, 0xff]);
    for (let times = 0; times < 2; times++) {
      expect(recent.read(bytes, 0, 2)).to.equal('a\uFFFD');
      expect(recent.isExact).to.equal(false);
    }
    expect([recent.read(bytes, 0, 1), recent.isExact]).to.deep.equal(['a', true]);
  });

  it('is not misled when the bytes it read are written over', () => {
    const recent = new RecentText();
    const bytes = Buffer.from('one');
    expect(recent.read(bytes, 0, 3)).to.equal('one');
    bytes.write('two');
    expect(recent.read(bytes, 0, 3)).to.equal('two');
  });
});
