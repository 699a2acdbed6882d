import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { pause, systemClock, within } from './clock.js';
import { MAX_TIMER_MS } from './duration.js';

describe('pause', () => {
  it('resolves when the time has passed, and not before', async () => {
    const clock = new FakeClock();
    let result: string | undefined;
    void pause(clock, 100).then((how) => {
      result = how;
    });
    await clock.advance(99);
    expect(clock.waitsForUs, 'the process does not end meanwhile').to.deep.equal([1]);
    expect(result).to.equal(undefined);
    await clock.advance(1);
    expect(result).to.equal('elapsed');
  });

  it('ends at once when the signal fires, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const controller = new AbortController();
    const paused = pause(clock, 100, controller.signal);
    controller.abort();
    expect(await paused).to.equal('aborted');
    expect(clock.waits).to.deep.equal([]);
  });

  it('does not begin to wait when the signal has fired already', async () => {
    const clock = new FakeClock();
    expect(await pause(clock, 100, AbortSignal.abort())).to.equal('aborted');
    expect(clock.waits).to.deep.equal([]);
  });

  it('leaves no listener on the signal when the time has passed', async () => {
    const clock = new FakeClock();
    const { signal } = new AbortController();
    const removed = sinon.spy(signal, 'removeEventListener');
    const paused = pause(clock, 1, signal);
    await clock.advance(1);
    expect(await paused).to.equal('elapsed');
    expect(removed.callCount).to.equal(1);
  });
});

describe('within', () => {
  it('resolves as the work does, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    expect(await within(clock, 100, Promise.resolve('done'), () => 'late')).to.equal('done');
    expect(clock.waits).to.deep.equal([]);
  });

  it('rejects as the work does', async () => {
    const clock = new FakeClock();
    const failure = new Error('broken');
    const seen = await within(clock, 100, Promise.reject(failure), () => 'late').catch((error: unknown) => error);
    expect(seen).to.equal(failure);
    expect(clock.waits).to.deep.equal([]);
  });

  it('resolves to the fallback when the time is up, and swallows what the work does later', async () => {
    const clock = new FakeClock();
    void within(clock, 7, new Promise(() => {}), () => 'late');
    expect(clock.waitsForUs).to.deep.equal([7]);
    await clock.advance(7);
    let fail: (error: Error) => void = () => {};
    const work = new Promise<string>((_resolve, reject) => {
      fail = reject;
    });
    const result = within(clock, 100, work, () => 'late');
    await clock.advance(100);
    expect(await result).to.equal('late');
    fail(new Error('too late to matter'));
    await turn();
  });

  it('rejects with what the fallback throws', async () => {
    const clock = new FakeClock();
    const result = within(clock, 5, new Promise(() => {}), () => {
      throw new Error('time is up');
    }).catch((error: Error) => error.message);
    await clock.advance(5);
    expect(await result).to.equal('time is up');
  });
});

describe('systemClock', () => {
  let timers: sinon.SinonFakeTimers;
  beforeEach(() => {
    timers = sinon.useFakeTimers({ now: 5000, toFake: ['setTimeout', 'clearTimeout', 'Date'] });
  });
  afterEach(() => timers.restore());

  it('tells the time of the process', () => {
    expect(systemClock.now()).to.equal(5000);
  });

  it('keeps the process alive only for what asks for it', () => {
    const unref = sinon.spy();
    timers.restore();
    const begun = sinon.stub(globalThis, 'setTimeout').returns({ unref } as never);
    try {
      systemClock.after(10, () => {}, true);
      expect(unref.callCount).to.equal(0);
      systemClock.after(10, () => {}, false);
      systemClock.after(10, () => {});
      expect(unref.callCount).to.equal(2);
    } finally {
      begun.restore();
    }
  });

  it('calls back once, unless it is cancelled', () => {
    const kept = sinon.spy();
    const cancelled = sinon.spy();
    systemClock.after(10, kept, true);
    systemClock.after(10, cancelled)();
    timers.tick(30);
    expect([kept.callCount, cancelled.callCount]).to.deep.equal([1, 0]);
  });

  it('holds a wait that is longer than a timer of Node can be at the longest one', () => {
    const early = sinon.spy();
    systemClock.after(MAX_TIMER_MS * 4, early);
    timers.tick(MAX_TIMER_MS - 1);
    expect(early.callCount).to.equal(0);
  });
});
