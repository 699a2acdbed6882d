import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { LeveretError } from './leveret-error.js';
import {
  isFatalMessageError,
  isMessageRefused,
  MessageConversionError,
  MessageRefusedError,
  MessageValidationError,
} from './message-error.js';
import { AcknowledgeMessage, findOutcomeSignal, RejectMessage, RequeueMessage } from './outcome-signal.js';

const signals = [
  { make: (cause?: unknown) => new RejectMessage('no', { cause }), name: 'reject' },
  { make: (cause?: unknown) => new RequeueMessage('again', { cause }), name: 'requeue' },
  { make: (cause?: unknown) => new AcknowledgeMessage('fine', { cause }), name: 'acknowledge' },
] as const;

/** Errors around an inner value, the outermost last. */
function wrapped(inner: unknown, times: number): unknown {
  let error = inner;
  for (let i = 0; i < times; i++) error = new Error(`layer ${i}`, { cause: error });
  return error;
}

describe('findOutcomeSignal', () => {
  for (const { make, name } of signals) {
    it(`finds ${name}, alone and two causes deep [spring 2]`, () => {
      expect(findOutcomeSignal(make())).to.equal(name);
      expect(findOutcomeSignal(wrapped(make(), 2))).to.equal(name);
    });
  }

  it('takes the outermost of several', () => {
    for (const outer of signals) {
      for (const inner of signals) {
        expect(findOutcomeSignal(wrapped(outer.make(wrapped(inner.make(), 1)), 1))).to.equal(outer.name);
      }
    }
  });

  it('finds one at any depth up to 31 wrappers, and none in a chain without', () => {
    fc.assert(
      fc.property(fc.nat(31), fc.constantFrom(...signals), (depth, { make, name }) => {
        expect(findOutcomeSignal(wrapped(make(), depth))).to.equal(name);
        expect(findOutcomeSignal(wrapped(new Error('plain'), depth))).to.equal(undefined);
      }),
    );
  });

  it('looks no deeper than 31 wrappers', () => {
    expect(findOutcomeSignal(wrapped(new RejectMessage(), 32))).to.equal(undefined);
  });

  it('ends on a chain of causes that goes round', () => {
    const a = new Error('a');
    const b = new Error('b', { cause: a });
    a.cause = b;
    expect(findOutcomeSignal(a)).to.equal(undefined);
  });

  it('makes nothing of values that are no errors', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), (value) => findOutcomeSignal(value) === undefined));
  });

  it('understands signals of another copy of the package', () => {
    const far = Object.assign(new Error('far'), { [Symbol.for('leveret.error')]: true, code: 'LEV_REQUEUE_MESSAGE' });
    expect(findOutcomeSignal(far)).to.equal('requeue');
  });

  it('says in each signal, unless told otherwise, what the handler asked for', () => {
    expect([new RejectMessage(), new RequeueMessage(), new AcknowledgeMessage()].map((error) => error.message)).to.eql([
      'The handler rejected the message.',
      'The handler asked for the message to be requeued.',
      'The handler asked for the message to be acknowledged.',
    ]);
  });
});

describe('isFatalMessageError', () => {
  it('knows errors of the message itself [spring 5]', () => {
    const violations = [{ path: 'orderId', message: 'orderId must be an integer number', rule: 'isInt' }];
    const invalid = new MessageValidationError('1 rule is broken', violations);
    expect(invalid.violations).to.deep.equal(violations);
    expect(isFatalMessageError(invalid)).to.equal(true);
    expect(isFatalMessageError(new MessageConversionError('not JSON'))).to.equal(true);
  });

  it('takes any other error, and one that merely has such a cause, for the handler’s own', () => {
    expect(isFatalMessageError(new Error('plain'))).to.equal(false);
    expect(isFatalMessageError(new RejectMessage())).to.equal(false);
    expect(isFatalMessageError(new Error('outer', { cause: new MessageConversionError('not JSON') }))).to.equal(false);
    expect(isFatalMessageError(undefined)).to.equal(false);
  });
});

describe('what cannot be asked', () => {
  const hostile = (name: string | symbol) =>
    Object.defineProperty(Object.assign(new Error('x'), { [Symbol.for('leveret.error')]: true }), name, {
      get() {
        throw new Error('do not ask');
      },
    });
  const closed = new Proxy(new MessageConversionError('x'), {
    has() {
      throw new Error('do not ask');
    },
  });

  it('is no error of leveret, and at fault for nothing', () => {
    expect([LeveretError.is(closed), isFatalMessageError(closed), isMessageRefused(closed)]).to.deep.equal([
      false,
      false,
      false,
    ]);
    for (const value of [undefined, null, 7, 'text', () => 1, {}]) expect(LeveretError.is(value)).to.equal(false);
    expect(isFatalMessageError(hostile('code'))).to.equal(false);
    const [refused] = Object.getOwnPropertySymbols(new MessageRefusedError('x')).filter((each) =>
      /refused/i.test(String(each)),
    );
    expect(isMessageRefused(new MessageRefusedError('x'))).to.equal(true);
    expect(isMessageRefused(hostile(refused as symbol))).to.equal(false);
  });
});
