import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Registry } from './registry.js';

class Things extends Registry<{ readonly id: string; inspect(): string }, string> {}

describe('Registry', () => {
  const thing = (id: string) => ({ id, inspect: () => `${id}!` });
  const [first, second] = [thing('orders'), thing('mails')];
  const things = new Things('thing', [first, second]);

  it('goes through all, in the order they were declared in', () => {
    expect([...things]).to.deep.equal([first, second]);
    expect([things.all, things.ids]).to.deep.equal([
      [first, second],
      ['orders', 'mails'],
    ]);
  });

  it('finds one by its id, or says which there are', () => {
    expect([things.get('mails'), things.has('mails'), things.has('mail')]).to.deep.equal([second, true, false]);
    expect(() => things.get('mail'))
      .to.throw(LeveretError, /There is no thing "mail".*"mails".* Known are: orders, mails/)
      .with.property('code', 'LEV_INVALID_STATE');
  });
});
