import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { rejection } from '../test-support/rejection.js';
import { Turns } from './turns.js';

const late = (): never => {
  throw new Error('late');
};

describe('Turns', () => {
  let clock: FakeClock;
  let turns: Turns;
  let order: string[];
  const ends = new Map<string, () => void>();

  beforeEach(() => {
    clock = new FakeClock();
    turns = new Turns(clock);
    order = [];
    ends.clear();
  });

  const held = (name: string, joins?: boolean) =>
    turns.take(
      100,
      () =>
        new Promise<string>((resolve) => {
          order.push(name);
          ends.set(name, () => resolve(name));
        }),
      late,
      joins,
    );
  const settle = () => new Promise((resolve) => setImmediate(resolve));

  it('lets one at a time, in the order they asked, and leaves no timer', async () => {
    const all = ['a', 'b', 'c'].map((name) => held(name));
    await settle();
    expect([order, clock.waits]).to.deep.equal([['a'], [100, 100]]);
    ends.get('a')?.();
    expect(await all[0]).to.equal('a');
    await settle();
    expect(order).to.deep.equal(['a', 'b']);
    ends.get('b')?.();
    await settle();
    ends.get('c')?.();
    expect(await Promise.all(all)).to.deep.equal(['a', 'b', 'c']);
    expect(clock.waits).to.deep.equal([]);
    const next = held('d');
    await settle();
    expect([order.at(-1), clock.waits]).to.deep.equal(['d', []]);
    ends.get('d')?.();
    await next;
  });

  it('goes on with the next when the work fails', async () => {
    const failed = turns.take(100, () => Promise.reject(new Error('broken')), late);
    const next = held('next');
    expect(await rejection(failed)).to.have.property('message', 'broken');
    await settle();
    expect(order).to.deep.equal(['next']);
    ends.get('next')?.();
    await next;
  });

  it('passes over whoever’s turn does not come in time, and nobody else', async () => {
    const first = held('first');
    const [second, third] = [held('second'), held('third')].map((promise) =>
      promise.catch((error: Error) => error.message),
    );
    await clock.advance(60);
    const fourth = held('fourth');
    await clock.advance(40);
    expect(await Promise.all([second, third])).to.deep.equal(['late', 'late']);
    ends.get('first')?.();
    await first;
    await settle();
    expect(order).to.deep.equal(['first', 'fourth']);
    await clock.advance(1000);
    ends.get('fourth')?.();
    expect(await fourth).to.equal('fourth');
    expect(clock.waits).to.deep.equal([]);
  });

  it('says whether the next one joins', async () => {
    const all = [held('a', true)];
    expect(turns.nextJoins).to.equal(false);
    all.push(held('b', true), held('c'));
    await settle();
    expect(turns.nextJoins).to.equal(true);
    ends.get('a')?.();
    await settle();
    expect(turns.nextJoins).to.equal(false);
    ends.get('b')?.();
    await settle();
    ends.get('c')?.();
    await Promise.all(all);
    expect(turns.nextJoins).to.equal(false);
  });
});
