import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import type { Duration } from '../time/duration.js';
import { mergeOptions, type Option, type OptionsOf, readOptions } from './option.js';
import {
  customOption,
  DURATION_SCHEMA,
  durationOption,
  flagOption,
  functionOption,
  groupOption,
  listOption,
  numberOption,
  objectSchema,
  orValue,
  requiredOption,
  textOption,
  wholeNumberOption,
  wordOption,
} from './option-kinds.js';

const text = 'what it means';

function read<Given, Read>(option: Option<Given, Read, string>, value?: unknown) {
  const problems = new Problems();
  const answer = option.read(value, 'it', problems);
  return problems.list.length > 0 ? problems.list : answer;
}

describe('kinds of options', () => {
  const flag = flagOption({ or: true, text });
  const word = wordOption(['on', 'off'], { or: 'on', text });
  const whole = wholeNumberOption({ from: 1, to: 9, or: 3, text });
  const some = numberOption({ from: 0, to: 1, or: 0.5, text });
  const wait = durationOption({ or: '2s', text });
  const name = textOption({ text });
  const call = functionOption({ takes: 'of the error', text });
  const waits = listOption(wait, { atLeast: 1, text });
  const fail = () => expect.fail('an option is not called when it is read');
  const forever = orValue(false, Number.POSITIVE_INFINITY, durationOption({ text }));

  const right: readonly [string, Option<never, unknown, string>, unknown, unknown][] = [
    ['a flag', flag, false, false],
    ['a flag left out', flag, undefined, true],
    ['a word', word, 'off', 'off'],
    ['a word left out', word, undefined, 'on'],
    ['a whole number', whole, 9, 9],
    ['a whole number left out', whole, undefined, 3],
    ['a whole number without a default', wholeNumberOption({ from: 1, text }), undefined, undefined],
    ['a number', some, 0.25, 0.25],
    ['the least number', some, 0, 0],
    ['the greatest number', some, 1, 1],
    ['the greatest number where there is no end', numberOption({ from: 1, text }), Number.MAX_VALUE, Number.MAX_VALUE],
    ['a function', functionOption({ text }), fail, fail],
    ['a duration as text', wait, '1.5s', 1500],
    ['a duration as a number', wait, 7, 7],
    ['a duration left out', wait, undefined, 2000],
    ['a duration of nothing, where it means something', durationOption({ zero: true, text }), 0, 0],
    ['a duration that is longer than a timer', durationOption({ unbounded: true, text }), '30d', 2_592_000_000],
    ['text', name, 'a', 'a'],
    ['what is required', requiredOption(wait), '1s', 1000],
    ['a list', waits, ['1s', 5], [1000, 5]],
    ['a value that stands for something', forever, false, Number.POSITIVE_INFINITY],
    ['not that value', forever, '1s', 1000],
    ['what is read elsewhere', customOption({ text }), 7, 7],
  ];
  for (const [title, option, given, expected] of right) {
    it(`reads ${title}`, () => expect(read(option, given)).to.deep.equal(expected));
  }

  const wrong: readonly [string, Option<never, unknown, string>, unknown, string][] = [
    ['a flag', flag, 'yes', 'it must be true or false; got "yes"'],
    ['a word', word, 'no', "it must be one of 'on', 'off'; got \"no\""],
    ['a whole number', whole, 10, 'it must be a whole number from 1 to 9; got 10'],
    [
      'a whole number that counts something',
      wholeNumberOption({ from: 1, counts: 'calls', text }),
      0,
      'it (calls) must be a whole number from 1; got 0',
    ],
    ['a number without end', numberOption({ from: 1, text }), Infinity, 'it must be a number from 1; got Infinity'],
    ['a number', some, Number.NaN, 'it must be a number from 0 to 1; got NaN'],
    ['a number without end', numberOption({ from: 1, text }), '2', 'it must be a number from 1; got "2"'],
    ['a wait of nothing', wait, 0, 'it must be more than 0 ms; got 0'],
    ['a limit of nothing', durationOption({ text }), 0, 'it must be longer than 0; leave it out for no limit'],
    [
      'a timer that is too long',
      durationOption({ text }),
      '25d',
      "it must be milliseconds as a number from 0 to 2147483647, or text such as '500ms', '1s', '2m'; got \"25d\"",
    ],
    ['empty text', name, '', 'it must be a text that is not empty; got ""'],
    ['a function', call, 1, 'it must be a function of the error; got 1'],
    ['an empty list', waits, [], 'it must be an array of at least 1; got an array of 0'],
    ['an item', listOption(whole, { text }), [1, 0], 'it[1] must be a whole number from 1 to 9; got 0'],
    ['what is missing', requiredOption(name), undefined, 'it is missing'],
  ];
  for (const [title, option, given, expected] of wrong) {
    it(`refuses ${title}`, () => expect(read(option, given)).to.deep.equal([expected]));
  }

  it('goes on with the default behind a fault, so that every other fault is told, too', () => {
    const behind = (option: Option<never, unknown, string>, value: unknown) => {
      const problems = new Problems();
      const answer = option.read(value, 'it', problems);
      expect(problems.list).to.have.lengthOf(1);
      return answer;
    };
    expect(behind(word, 'no')).to.equal('on');
    expect(behind(wordOption(['on', 'off'], { text }), 'no')).to.equal('on');
    expect(behind(wordOption(['on', 'off'], { or: 'off', text }), 'no')).to.equal('off');
    expect(behind(whole, 10)).to.equal(3);
    expect([behind(some, 2), behind(numberOption({ from: 5, text }), 2)]).to.deep.equal([0.5, 5]);
    expect([behind(wait, 0), behind(wait, 'soon')]).to.deep.equal([2000, 2000]);
    expect([behind(name, ''), behind(textOption({ or: 'a', text }), '')]).to.deep.equal([undefined, 'a']);
    const or = () => 1;
    expect([behind(call, 1), behind(functionOption({ or, text }), 1)]).to.deep.equal([undefined, or]);
    expect(behind(waits, 'a')).to.equal(undefined);
    const always = groupOption({ size: whole }, { always: true, text });
    expect([behind(always, 7), behind(always, { size: 0 })]).to.deep.equal([{ size: 3 }, { size: 3 }]);
    const own = groupOption({ size: whole, wait }, { text });
    expect([behind(own, 7), behind(own, { size: 0, wait: 5 })]).to.deep.equal([undefined, { size: 3, waitMs: 5 }]);
  });

  it('takes lists that are just long enough, or empty where nothing else was asked', () => {
    const two = listOption(whole, { atLeast: 2, text });
    expect(read(two, [1, 2])).to.deep.equal([1, 2]);
    expect(read(two, [1])).to.deep.equal(['it must be an array of at least 2; got an array of 1']);
    const any = listOption(whole, { text });
    expect(read(any, [])).to.deep.equal([]);
    expect(read(any, 7)).to.deep.equal(['it must be an array; got 7']);
    expect([two, waits, any].map(({ schema }) => schema?.['minItems'])).to.deep.equal([2, 1, undefined]);
    expect(orValue(false, 0, functionOption({ text })).schema).to.equal(undefined);
    expect(orValue(false, 0, whole).schema).to.deep.equal({ anyOf: [{ const: false }, whole.schema] });
  });

  it('tells a configuration file how long a timer can be, and that other spans have no end', () => {
    const numbers = [wait.schema, durationOption({ unbounded: true, text }).schema, DURATION_SCHEMA].map(
      (schema) => (schema as { anyOf: unknown[] }).anyOf[0],
    );
    const endless = { type: 'number', minimum: 0 };
    expect(numbers).to.deep.equal([{ ...endless, maximum: 2_147_483_647 }, endless, endless]);
  });

  describe('a group', () => {
    const table = { size: whole, wait };
    const group = groupOption(table, {
      flag: true,
      text,
      make: ({ size, waitMs }, place, problems) => {
        if (size > waitMs) problems.add(`${place}.size is more than ${place}.wait`);
        return size * waitMs;
      },
    });

    it('makes something of its options, with their defaults', () => {
      expect([{}, true, { wait: '1s' }].map((given) => read(group, given))).to.deep.equal([6000, 6000, 3000]);
    });

    it('is nothing when it is left out or false, unless its defaults always hold', () => {
      expect([undefined, false].map((given) => read(group, given))).to.deep.equal([undefined, undefined]);
      expect(read(groupOption(table, { always: true, text }))).to.deep.equal({ size: 3, waitMs: 2000 });
    });

    it('tells every fault of its options at once, and none between them as long as one is wrong', () => {
      expect(read(group, { size: 0, wait: 'soon', sise: 1 })).to.deep.equal([
        'unknown option "sise" of it. Did you mean "size"? Known are: size, wait',
        'it.size must be a whole number from 1 to 9; got 0',
        "it.wait must be milliseconds as a number from 0 to 2147483647, or text such as '500ms', '1s', '2m'; got \"soon\"",
      ]);
      expect(read(group, { size: 9, wait: 8 })).to.deep.equal(['it.size is more than it.wait']);
      expect(read(group, 'yes')).to.deep.equal(['it must be true, false or an object; got "yes"']);
    });

    it('goes on with its defaults where they always hold', () => {
      const problems = new Problems();
      expect(groupOption(table, { always: true, text }).read({ size: 0 }, 'it', problems)).to.deep.equal({
        size: 3,
        waitMs: 2000,
      });
      expect(problems.list).to.have.lengthOf(1);
    });
  });

  it('name what was read of a span of time for its unit', () => {
    expect(readOptions({ wait, flag }, {}, new Problems())).to.deep.equal({ waitMs: 2000, flag: true });
  });

  it('say their default', () => {
    const told = (option: Option<never, unknown, string>) => option.byDefault;
    expect([flag, word, whole, wait, name, requiredOption(name)].map(told)).to.deep.equal([
      '`true`',
      '`on`',
      '3',
      '2 s',
      'none',
      'required',
    ]);
    expect(told(wholeNumberOption({ from: 0, or: 5000, text }))).to.equal('5,000');
    expect(told(durationOption({ or: '5m', text }))).to.equal('5 min');
    expect(told(flagOption({ byDefault: "the broker's", text }))).to.equal("the broker's");
  });

  it('have a schema for configuration files, without what only code can give', () => {
    const group = groupOption({ size: whole }, { flag: true, text });
    const description = `${text}. Default: `;
    expect(objectSchema({ word, group, call, name: requiredOption(name) })).to.deep.equal({
      type: 'object',
      properties: {
        word: { description: `${description}\`on\``, enum: ['on', 'off'] },
        group: {
          description: `${description}none`,
          anyOf: [
            { type: 'boolean' },
            {
              type: 'object',
              properties: { size: { description: `${description}3`, type: 'integer', minimum: 1, maximum: 9 } },
              additionalProperties: false,
            },
          ],
        },
        name: { description: `${description}required`, type: 'string', minLength: 1 },
      },
      required: ['name'],
      additionalProperties: false,
    });
  });

  it('have schemas for spans of time, and for lists of at least so many', () => {
    const span = durationOption({ or: '1s', text });
    expect(span.schema).to.have.nested.property('anyOf[0].type', 'number');
    expect(
      new RegExp(String((span.schema as { anyOf: { pattern?: string }[] }).anyOf[1]?.pattern)).test('1.5h'),
    ).to.equal(true);
    expect(listOption(name, { text }).schema).to.not.have.property('minItems');
    expect(listOption(name, { text, atLeast: 2 }).schema).to.include({ type: 'array', minItems: 2 });
  });

  it('go on with their default where a flag is none', () => {
    for (const or of [true, false]) {
      const problems = new Problems();
      expect(flagOption({ or, text }).read('yes' as never, 'it', problems)).to.equal(or);
      expect(problems.list).to.have.length(1);
    }
  });

  it('let an own value win as a whole, and one that is undefined say nothing', () => {
    const defaults: { a?: number | undefined; retry?: object } = { a: 1, retry: { b: 2 } };
    expect(mergeOptions(defaults, { a: undefined, retry: { c: 3 } })).to.deep.equal({ a: 1, retry: { c: 3 } });
  });

  it('are held against the interface by the compiler: a table that differs does not compile', () => {
    interface Sample {
      readonly mode?: 'on' | 'off';
      readonly wait?: Duration;
    }
    const whole = { mode: word, wait } satisfies OptionsOf<Sample>;
    // @ts-expect-error an option of the interface is not described
    const less = { mode: word } satisfies OptionsOf<Sample>;
    // @ts-expect-error an option that the interface does not have
    const more = { mode: word, wait, size: flag } satisfies OptionsOf<Sample>;
    // @ts-expect-error a word that the interface has is not taken
    const fewer = { mode: wordOption(['on'], { text }), wait } satisfies OptionsOf<Sample>;
    // @ts-expect-error of another kind
    const other = { mode: word, wait: flag } satisfies OptionsOf<Sample>;
    expect([whole, less, more, fewer, other]).to.have.lengthOf(5);
  });
});
