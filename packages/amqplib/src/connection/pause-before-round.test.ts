import { systemClock } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import type { Door } from './knock.js';
import { pauseBeforeRound } from './pause-before-round.js';

const FIRST: Door = { hostname: 'first', port: 5672 };
const SECOND: Door = { hostname: 'second', port: 5672 };

describe('pauseBeforeRound', () => {
  let clock: sinon.SinonFakeTimers;
  let begun: (Door | undefined)[];
  let knocks: string[];
  let home: Set<Door>;

  beforeEach(() => {
    clock = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
    [begun, knocks, home] = [[], [], new Set()];
  });
  afterEach(() => clock.restore());

  function pause(doors: readonly Door[], knockPauseMs: () => number | undefined = () => 40): () => void {
    const knock = (door: Door) => {
      knocks.push(`${door.hostname} ${clock.now}`);
      return Promise.resolve(home.has(door));
    };
    return pauseBeforeRound({ inMs: 1000, doors, knockPauseMs }, systemClock, knock, (door) => begun.push(door));
  }

  it('begins when the time has come, and knocks no more', async () => {
    pause([FIRST], () => 400);
    await clock.tickAsync(999);
    expect(begun).to.deep.equal([]);
    await clock.tickAsync(5000);
    expect(begun).to.deep.equal([undefined]);
    expect(knocks).to.deep.equal(['first 400', 'first 800']);
  });

  it('begins early, once, with the door that is answered', async () => {
    pause([FIRST, SECOND]);
    await clock.tickAsync(100);
    home.add(SECOND);
    await clock.tickAsync(20);
    expect(begun).to.deep.equal([SECOND]);
    await clock.tickAsync(5000);
    expect(begun).to.have.lengthOf(1);
    expect(knocks).to.deep.equal(['first 40', 'second 40', 'first 80', 'second 80', 'first 120', 'second 120']);
    expect(clock.countTimers()).to.equal(0);
  });

  it('does not knock where somebody was home, nor when told not to', async () => {
    pause([]);
    pause([FIRST], () => undefined);
    home.add(FIRST);
    await clock.tickAsync(5000);
    expect(begun).to.deep.equal([undefined, undefined]);
    expect(knocks).to.deep.equal([]);
  });

  it('waits for the answer to one knock before the next', async () => {
    let answer: (answered: boolean) => void = () => {};
    const knock = () => {
      knocks.push(`${clock.now}`);
      return new Promise<boolean>((resolve) => {
        answer = resolve;
      });
    };
    pauseBeforeRound({ inMs: 1000, doors: [FIRST], knockPauseMs: () => 40 }, systemClock, knock, () => {});
    await clock.tickAsync(500);
    answer(false);
    await clock.tickAsync(50);
    expect(knocks).to.deep.equal(['40', '540']);
  });

  it('does nothing more once it is cancelled', async () => {
    const cancel = pause([FIRST]);
    home.add(FIRST);
    await clock.tickAsync(10);
    cancel();
    await clock.tickAsync(5000);
    expect(begun).to.deep.equal([]);
    expect(clock.countTimers()).to.equal(0);
  });

  it('does not begin for a knock that is answered after it was cancelled', async () => {
    let answer: (answered: boolean) => void = () => {};
    const knock = () =>
      new Promise<boolean>((resolve) => {
        answer = resolve;
      });
    const begin = (door: Door | undefined) => begun.push(door);
    const cancel = pauseBeforeRound({ inMs: 1000, doors: [FIRST], knockPauseMs: () => 40 }, systemClock, knock, begin);
    await clock.tickAsync(40);
    cancel();
    answer(true);
    await clock.tickAsync(5000);
    expect(begun).to.deep.equal([]);
  });
});
