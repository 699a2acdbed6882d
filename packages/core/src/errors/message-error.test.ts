import { expect } from 'chai';
import { describe, it } from 'mocha';
import { MessageValidationError } from './message-error.js';

describe('MessageValidationError', () => {
  const broken = (message: string) => ({ path: 'items', message, rule: 'isInt' });

  it('lists a hundred violations at most, and says how many there are', () => {
    const many = Array.from({ length: 101 }, (_, n) => broken(`rule ${n}`));
    const all = new MessageValidationError('broken', many);
    expect([all.violations.length, all.violations.at(-1)?.message, all.total]).to.deep.equal([100, 'rule 99', 101]);
    expect(new MessageValidationError('broken', many.slice(0, 2), { total: 7 }).total).to.equal(7);
  });

  it('cuts a text after 1,000 characters, and not before', () => {
    const texts = [999, 1000, 1001].map((length) => broken('x'.repeat(length)));
    const { violations } = new MessageValidationError('broken', texts);
    expect(violations.map(({ message }) => message.length)).to.deep.equal([999, 1000, 1003]);
    expect(violations[2]?.message.endsWith('x...')).to.equal(true);
  });

  it('shows what a sender chose on one line', () => {
    expect(new MessageValidationError('broken', [broken('a\nb')]).violations[0]?.message).to.equal('a\\nb');
  });
});
