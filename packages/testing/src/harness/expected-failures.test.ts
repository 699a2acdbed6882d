import { ConfigurationError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { checkedMatcherOf } from './expected-failures.js';

const wrapped = new Error('outer', { cause: new RangeError('inner') });

describe('checkedMatcherOf', () => {
  it('takes everything when nothing is said', () => {
    expect(checkedMatcherOf(undefined)('anything')).to.equal(true);
  });

  it('looks for a text in the error and in its causes, also when it is no Error', () => {
    expect([/outer/, /inner/, /other/].map((text) => checkedMatcherOf(text)(wrapped))).to.deep.equal([
      true,
      true,
      false,
    ]);
    expect(checkedMatcherOf(/thrown/)('thrown text')).to.equal(true);
  });

  it('looks for a class in the error and in its causes', () => {
    const matches = [Error, RangeError, TypeError].map((type) => checkedMatcherOf(type)(wrapped));
    expect(matches).to.deep.equal([true, true, false]);
  });

  it('asks a function about the error itself', () => {
    expect(checkedMatcherOf((error) => error === wrapped)(wrapped)).to.equal(true);
    expect(checkedMatcherOf((error) => error === wrapped)(wrapped.cause)).to.equal(false);
  });

  it('comes to an end with an error that is its own cause', () => {
    const ring = new Error('ring');
    ring.cause = ring;
    expect(checkedMatcherOf(/other/)(ring)).to.equal(false);
  });

  it('refuses anything else', () => {
    expect(() => checkedMatcherOf('text' as never)).to.throw(ConfigurationError, /expectFailures must be/);
  });
});
