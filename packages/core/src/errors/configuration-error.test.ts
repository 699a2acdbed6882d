import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { ConfigurationError, describeKind, describeValue, Problems } from './configuration-error.js';
import { LeveretError } from './leveret-error.js';

describe('Problems', () => {
  it('throws one error that lists every fault with its place', () => {
    const problems = new Problems();
    const listener = problems.at('listener Orders.onPaid');
    listener.add('prefetch must be a whole number');
    listener.at('retry').add('maxAttempts must be at least 1');
    problems.add('two listeners have the id "a"');
    const faults = [
      'listener Orders.onPaid: prefetch must be a whole number',
      'listener Orders.onPaid, retry: maxAttempts must be at least 1',
      'two listeners have the id "a"',
    ];
    expect(problems.list).to.deep.equal(faults);
    const error = caught(() => problems.throwIfAny());
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(error).to.include({ code: 'LEV_CONFIGURATION', name: 'ConfigurationError' });
    expect((error as ConfigurationError).problems).to.deep.equal(faults);
    expect((error as Error).message).to.equal(
      ['3 faults in the configuration:', ...faults.map((fault) => `  - ${fault}`)].join('\n'),
    );
  });

  it('throws nothing when there is no fault', () => {
    new Problems().throwIfAny();
  });

  it('hands out an error that later faults do not change', () => {
    const problems = new Problems();
    problems.add('first');
    const error = caught(() => problems.throwIfAny()) as ConfigurationError;
    problems.add('second');
    expect(error.problems).to.deep.equal(['first']);
    expect(error.message).to.match(/^1 fault in/);
  });
});

describe('describeValue', () => {
  class Money {}
  const cases: readonly [unknown, string][] = [
    [null, 'null'],
    [undefined, 'undefined'],
    ['text', '"text"'],
    ['x'.repeat(60), `"${'x'.repeat(60)}"`],
    ['x'.repeat(61), `"${'x'.repeat(57)}..."`],
    [1.5, '1.5'],
    [false, 'false'],
    [7n, '7n'],
    [[1, 2], 'an array of 2'],
    [{}, 'an object'],
    [Object.create(null), 'an object'],
    [new Money(), 'an instance of Money'],
    [Money, 'function Money'],
    [
      (
        () => () =>
          1
      )(),
      'a function',
    ],
    [Symbol('s'), 'an instance of Symbol'],
  ];
  for (const [value, text] of cases) {
    it(`says ${text.slice(0, 30)}`, () => {
      expect(describeValue(value)).to.equal(text);
    });
  }

  it('is short for whatever comes', () => {
    fc.assert(fc.property(fc.anything({ withNullPrototype: true }), (value) => describeValue(value).length < 400));
  });
});

describe('LeveretError', () => {
  it('keeps its code, its name and its cause', () => {
    const cause = new Error('below');
    const error = new LeveretError('LEV_INVALID_STATE', 'closed', { cause });
    expect(error).to.include({ code: 'LEV_INVALID_STATE', name: 'LeveretError', message: 'closed', cause });
  });

  it('knows errors of another copy of the package, and nothing else', () => {
    const fromAnotherCopy = Object.assign(new Error('far'), { [Symbol.for('leveret.error')]: true });
    expect(LeveretError.is(fromAnotherCopy)).to.equal(true);
    expect(LeveretError.is(new LeveretError('LEV_INVALID_STATE', ''))).to.equal(true);
    expect([new Error('plain'), null, undefined, 'text', {}].map((value) => LeveretError.is(value))).to.deep.equal(
      Array(5).fill(false),
    );
  });
});

function caught(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('describeKind', () => {
  it('names the kind alone, and nothing that a sender wrote', () => {
    const kinds = [undefined, null, [1, 2], {}, 'secret', 7, true, 7n, () => 1].map(describeKind);
    expect(kinds).to.deep.equal([
      ...['undefined', 'null', 'an array of 2', 'an object', 'a string', 'a number', 'a boolean', 'a bigint'],
      'a function',
    ]);
  });
});
