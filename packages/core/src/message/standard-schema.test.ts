import { expect } from 'chai';
import { describe, it } from 'mocha';
import { isStandardSchema } from './standard-schema.js';

const standard = { version: 1, vendor: 'test', validate: () => ({ value: 1 }) };

describe('isStandardSchema', () => {
  it('knows schemas of version 1, those that are functions, too', () => {
    expect(isStandardSchema({ '~standard': standard })).to.equal(true);
    expect(isStandardSchema(Object.assign(() => 1, { '~standard': standard }))).to.equal(true);
  });

  it('takes nothing else for one, whatever it is', () => {
    const hostile = {
      get '~standard'() {
        throw new Error('do not ask');
      },
    };
    const others = [undefined, null, 7, 'text', {}, () => 1, class {}, hostile];
    const odd = [null, undefined, 7, {}, { version: 1 }, { ...standard, version: 2 }, { ...standard, validate: 1 }];
    for (const value of [...others, ...odd.map((each) => ({ '~standard': each }))]) {
      expect(isStandardSchema(value)).to.equal(false);
    }
  });
});
