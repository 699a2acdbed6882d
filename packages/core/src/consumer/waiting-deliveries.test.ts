import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Delivery } from '../transport/transport.js';
import { WaitingDeliveries, type WaitingDelivery } from './waiting-deliveries.js';

const delivery = (deliveryTag: number) => ({ deliveryTag }) as Delivery;
const tags = (waiting: Iterable<WaitingDelivery>) => Array.from(waiting, (item) => item.delivery.deliveryTag);

describe('WaitingDeliveries', () => {
  it('agrees with lists that are kept by hand', () => {
    const steps = fc.array(
      fc.record({
        step: fc.constantFrom('push', 'push', 'push', 'behind', 'shift', 'putBack', 'aside', 'back', 'allBack', 'keep'),
        since: fc.nat(20),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const waiting = new WaitingDeliveries();
        let items: WaitingDelivery[] = [];
        let behind: WaitingDelivery[] = [];
        let aside: WaitingDelivery[] = [];
        let tag = 0;
        let taken: WaitingDelivery | undefined;
        for (const { step, since } of all) {
          const item = { delivery: delivery(++tag), since };
          const first = items[0] ?? behind[0];
          if (step === 'push') {
            waiting.push(item.delivery, since);
            items = [...items, item];
          } else if (step === 'behind') {
            waiting.pushBehind(item.delivery, since);
            behind = [...behind, item];
          } else if (step === 'shift') {
            taken = first;
            expect(waiting.shift()).to.equal(first?.delivery);
            if (items.length > 0) items = items.slice(1);
            else behind = behind.slice(1);
          } else if (step === 'putBack' && taken !== undefined) {
            waiting.unshift(taken);
            items = [taken, ...items];
            taken = undefined;
          } else if (step === 'aside') {
            const real = waiting.first;
            waiting.setFirstAside();
            if (real !== undefined) aside = [...aside, real];
            if (items.length > 0) items = items.slice(1);
            else behind = behind.slice(1);
          } else if (step === 'back' && aside[0] !== undefined) {
            const [one, ...rest] = aside as [WaitingDelivery, ...WaitingDelivery[]];
            for (const _ of ['once', 'and nothing the second time']) waiting.bringBack(one);
            items = [one, ...items];
            aside = rest;
          } else if (step === 'allBack') {
            waiting.bringAllBack();
            items = [...aside.toReversed(), ...items];
            aside = [];
          } else if (step === 'keep') {
            const isKept = (each: Delivery) => each.deliveryTag % 3 !== since % 3;
            waiting.keep(isKept);
            const kept = (list: readonly WaitingDelivery[]) => list.filter((each) => isKept(each.delivery));
            [items, behind, aside] = [kept(items), kept(behind), kept(aside)];
          }
          const every = [...items, ...behind, ...aside];
          expect(tags(waiting)).to.deep.equal(tags(every));
          expect([waiting.size, waiting.sizeAhead]).to.deep.equal([every.length, items.length]);
          expect(waiting.first?.delivery).to.equal((items[0] ?? behind[0])?.delivery);
          const oldest = every.length === 0 ? undefined : Math.min(...every.map((each) => each.since));
          expect(waiting.oldestSince).to.equal(oldest);
        }
        expect(waiting.takeAll().map(({ deliveryTag }) => deliveryTag)).to.deep.equal(
          tags([...items, ...behind, ...aside]),
        );
        expect([waiting.size, waiting.first]).to.deep.equal([0, undefined]);
      }),
      { numRuns: 300 },
    );
  });

  it('lets go of what has left, however many wait', () => {
    const waiting = new WaitingDeliveries();
    for (let tag = 1; tag <= 5000; tag++) waiting.push(delivery(tag), tag);
    for (let tag = 1; tag <= 4000; tag++) expect(waiting.shift()?.deliveryTag).to.equal(tag);
    expect([waiting.size, waiting.oldestSince]).to.deep.equal([1000, 4001]);
    waiting.unshift({ delivery: delivery(4000), since: 4000 });
    expect(tags(waiting).slice(0, 2)).to.deep.equal([4000, 4001]);
  });
});
