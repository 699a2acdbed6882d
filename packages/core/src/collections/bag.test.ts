import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Bag, type Placed } from './bag.js';

describe('Bag', () => {
  const thing = (name: string): Placed & { readonly name: string } => ({ name, place: 0 });
  const names = (bag: Bag<ReturnType<typeof thing>>) => bag.items.map(({ name }) => name).sort();

  it('holds what was added and not deleted, whichever goes first', () => {
    for (const order of ['abc', 'acb', 'bac', 'bca', 'cab', 'cba']) {
      const bag = new Bag<ReturnType<typeof thing>>();
      const all = new Map([...'abc'].map((name) => [name, thing(name)]));
      for (const each of all.values()) bag.add(each);
      const left = new Set(all.keys());
      for (const name of order) {
        bag.delete(all.get(name) as ReturnType<typeof thing>);
        left.delete(name);
        expect(names(bag)).to.deep.equal([...left]);
        expect(bag.size).to.equal(left.size);
      }
    }
  });

  it('deletes nothing for what is not in it', () => {
    const bag = new Bag<ReturnType<typeof thing>>();
    const [inside, outside] = [thing('inside'), thing('outside')];
    bag.add(inside);
    expect(bag.delete(outside)).to.equal(false);
    expect(names(bag)).to.deep.equal(['inside']);
    expect(bag.delete(inside)).to.equal(true);
    expect(bag.delete(inside)).to.equal(false);
    expect(bag.size).to.equal(0);
  });
});
