import { runInNewContext } from 'node:vm';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { asError, errorText } from './error-text.js';

describe('errorText', () => {
  it('is the message of an error', () => {
    expect(errorText(new Error('card declined'))).to.equal('card declined');
  });

  it('is the message of an error of another realm, and of an object that is an error by its class', () => {
    expect(errorText(runInNewContext("new Error('declined there')"))).to.equal('declined there');
    expect(errorText(Object.create(Error.prototype, { message: { value: 'made by hand' } }))).to.equal('made by hand');
  });

  it('is the value itself of anything else', () => {
    expect(errorText('card declined')).to.equal('card declined');
    expect(errorText(undefined)).to.equal('undefined');
  });

  it('describes what has no text of its own', () => {
    expect(errorText(Object.create(null))).to.equal('an object');
  });

  it('is text for whatever is thrown', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), (thrown) => typeof errorText(thrown) === 'string'));
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (message) => {
        const error = Object.assign(new Error(), { message });
        return typeof errorText(error) === 'string';
      }),
    );
  });
});

describe('errorText of what cannot be read', () => {
  it('is text all the same', () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(errorText(proxy)).to.equal('an object');
    expect(asError(proxy)).to.be.an('error').with.property('message', 'an object');
    class Named {
      static readonly name: string = Symbol('no text') as never;
      toString = undefined;
    }
    expect(errorText(new Named())).to.equal('an object');
  });
});

describe('asError', () => {
  it('leaves an error as it is, and makes one of whatever else was thrown', () => {
    const error = new TypeError('card declined');
    expect(asError(error)).to.equal(error);
    expect(asError('card declined')).to.be.an('error').with.property('message', 'card declined');
    expect(asError(Object.create(null)))
      .to.be.an('error')
      .with.property('message', 'an object');
  });
});
