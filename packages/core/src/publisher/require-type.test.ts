import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { PayloadClass } from '../message/message-converter.js';
import { requireType } from './require-type.js';

class Price {}

describe('requireType', () => {
  const read = (value: unknown, type: unknown) => requireType(value, type as PayloadClass | undefined);

  it('takes whatever was made where nothing is said about it', () => {
    for (const value of [undefined, 'text', { a: 1 }]) {
      expect([read(value, undefined), read(value, Object)]).to.deep.equal([value, value]);
    }
  });

  it('takes an instance of the class, and a text, number or boolean of that type', () => {
    const price = new Price();
    expect(read(price, Price)).to.equal(price);
    expect([read('3', String), read(3, Number), read(false, Boolean)]).to.deep.equal(['3', 3, false]);
  });

  it('refuses what is of another type, and says what is there', () => {
    for (const [value, type, text] of [
      [{}, Price, 'was to be read as Price, but the converter made an object of it'],
      [undefined, Price, 'made undefined of it'],
      ['3', Number, 'was to be read as Number, but the converter made a string of it'],
      [3, String, 'made a number of it'],
      [new String('3'), String, 'made an instance of String of it'],
      ['true', Boolean, 'made a string of it'],
    ] as const) {
      expect(() => read(value, type))
        .to.throw(text)
        .with.property('code', 'LEV_MESSAGE_UNREADABLE');
    }
  });
});
