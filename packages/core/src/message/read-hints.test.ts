import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { checkReadHints, type ReadHints } from './read-hints.js';

describe('checkReadHints', () => {
  it('answers what was given, and nothing for what was not: the rest is decided where a body is read', () => {
    const each: readonly ReadHints[] = [{ maxBodyBytes: 1 }, { maxElements: 2 }, { longNumbers: 'text' }, {}];
    const problems = new Problems();
    expect(each.map((given) => checkReadHints(given, problems))).to.deep.equal(each);
    expect(problems.list).to.deep.equal([]);
  });
});
