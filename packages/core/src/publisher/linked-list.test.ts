import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type Linked, LinkedList } from './linked-list.js';

class Item implements Linked<Item> {
  list: LinkedList<Item> | undefined = undefined;
  previous: Item | undefined = undefined;
  next: Item | undefined = undefined;
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

describe('LinkedList', () => {
  it('agrees with an array', () => {
    const steps = fc.array(
      fc.record({ step: fc.constantFrom('push', 'unshift', 'remove', 'take', 'takeWhile', 'drain'), n: fc.nat(9) }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const list = new LinkedList<Item>();
        let array: Item[] = [];
        let id = 0;
        for (const { step, n } of all) {
          const isTaken = (item: Item) => item.id % 10 <= n;
          const before = array;
          let out: Item[] = [];
          if (step === 'push' || step === 'unshift') {
            const item = new Item(id++);
            list[step](item);
            array = step === 'push' ? [...array, item] : [item, ...array];
          } else if (step === 'remove') {
            const item = array[n];
            if (item === undefined) continue;
            list.remove(item);
            array = array.filter((each) => each !== item);
            out = [item];
          } else if (step === 'take') {
            out = list.take(isTaken);
            array = array.filter((item) => !isTaken(item));
          } else {
            out = step === 'drain' ? list.drain() : list.takeWhile(isTaken);
            const kept = step === 'drain' ? -1 : array.findIndex((item) => !isTaken(item));
            array = kept === -1 ? [] : array.slice(kept);
          }
          for (const item of out) expect([item.list, item.previous, item.next]).to.deep.equal(Array(3).fill(undefined));
          if (step !== 'remove')
            expect(out.map((item) => item.id)).to.deep.equal(
              before.filter((item) => out.includes(item)).map((item) => item.id),
            );
          expect([...list].map((item) => item.id)).to.deep.equal(array.map((item) => item.id));
          expect([list.size, list.head?.id, list.tail?.id]).to.deep.equal([
            array.length,
            array[0]?.id,
            array.at(-1)?.id,
          ]);
          for (const [at, item] of array.entries()) {
            expect(item.list).to.equal(list);
            expect([item.previous?.id, item.next?.id]).to.deep.equal([array[at - 1]?.id, array[at + 1]?.id]);
          }
        }
      }),
    );
  });
});
