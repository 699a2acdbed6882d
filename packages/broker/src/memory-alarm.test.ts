import { getHeapStatistics } from 'node:v8';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { defaultMemoryLimit, MemoryAlarm } from './memory-alarm.js';
import { eventually } from './testing/situation.support.test.js';

describe('MemoryAlarm', () => {
  const LIMIT = 25_600;
  let held: number;
  let looks: number;
  let ended: number;
  let alarm: MemoryAlarm;

  beforeEach(() => {
    [held, looks, ended] = [0, 0, 0];
    alarm = new MemoryAlarm(
      LIMIT,
      () => {
        looks++;
        return held;
      },
      () => ended++,
    );
  });
  afterEach(() => alarm.stop());

  it('is raised above its limit, and not at it', () => {
    held = LIMIT;
    alarm.added(1);
    expect([alarm.raised, looks]).to.deep.equal([false, 1]);
    held = LIMIT + 1;
    alarm.added(LIMIT);
    expect([alarm.raised, looks]).to.deep.equal([true, 2]);
  });

  it('adds up again when a quarter of the room has come, and no sooner', () => {
    held = LIMIT - 8_000;
    alarm.added(1);
    expect(looks).to.equal(1);
    alarm.added(2_000);
    expect(looks).to.equal(1);
    alarm.added(1);
    expect(looks).to.equal(2);
  });

  it('adds up again when a 256th of the limit has come, where there is less room', () => {
    held = LIMIT;
    alarm.added(1);
    alarm.added(100);
    expect(looks).to.equal(1);
    alarm.added(1);
    expect(looks).to.equal(2);
  });

  it('tells once when it is over, by itself, and can be raised again', async () => {
    held = LIMIT + 1;
    alarm.added(1);
    alarm.added(LIMIT);
    expect(looks, 'nothing to add up while it is raised').to.equal(1);
    await eventually(() => expect(looks).to.equal(2));
    expect([alarm.raised, ended]).to.deep.equal([true, 0]);
    held = 0;
    await eventually(() => expect(ended).to.equal(1));
    expect(alarm.raised).to.equal(false);
    held = LIMIT + 1;
    alarm.added(LIMIT);
    expect(alarm.raised).to.equal(true);
  });

  it('keeps no process alive, and looks no more once it is stopped', () => {
    const timers = () => process.getActiveResourcesInfo().filter((each) => each === 'Timeout').length;
    const before = timers();
    held = LIMIT + 1;
    alarm.added(1);
    expect(timers()).to.equal(before);
    alarm.stop();
    expect([alarm.raised, ended]).to.deep.equal([false, 0]);
  });
});

describe('defaultMemoryLimit', () => {
  it('is 40 % of the largest heap, and 1 GiB at most', () => {
    const share = Math.floor(getHeapStatistics().heap_size_limit * 0.4);
    expect(defaultMemoryLimit()).to.equal(Math.min(share, 2 ** 30));
  });
});
