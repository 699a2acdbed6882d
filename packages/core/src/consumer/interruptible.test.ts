import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { LeveretError } from '../errors/leveret-error.js';
import type { AttemptContext } from './attempt-context.js';
import { Interruptible, isInterruption } from './interruptible.js';

function anAttempt() {
  const told: string[] = [];
  let end: () => void = () => undefined;
  const running = new Promise<void>((resolve) => {
    end = resolve;
  });
  const state = { runsOn: false };
  const context = {
    abort: (reason: Error) => told.push(reason.message),
    failed: (error: unknown) => told.push(`failed: ${String(error)}`),
    stillRunning: () => (state.runsOn ? running : undefined),
  } as unknown as AttemptContext;
  return { told, context, state, end: () => end() };
}

describe('Interruptible', () => {
  it('waits as long as it is told to, and no longer than until it is interrupted', async () => {
    const clock = new FakeClock();
    for (const why of ['stopping', 'channel-gone', 'deadline', 'paused'] as const) {
      const it = new Interruptible(clock);
      let waited = 0;
      void it.wait(1000).then(() => waited++);
      expect(clock.waitsForUs).to.deep.equal([1000]);
      it.interrupt(why);
      await turn();
      expect([waited, clock.waits], why).to.deep.equal([1, []]);
      void it.wait(1000).then(() => waited++);
      await turn();
      expect([waited, clock.waits.length], why).to.deep.equal(why === 'paused' ? [1, 1] : [2, 0]);
      await clock.advance(1000);
      expect([waited, clock.waits]).to.deep.equal([2, []]);
      it.interrupt('paused');
    }
  });

  it('knows why, and a stop never hides what is worse', () => {
    const it = new Interruptible(new FakeClock());
    expect([it.why, it.isHopeless]).to.deep.equal([undefined, false]);
    it.interrupt('paused');
    expect([it.why, it.isHopeless]).to.deep.equal([undefined, false]);
    it.interrupt('stopping');
    expect([it.why, it.isHopeless]).to.deep.equal(['stopping', false]);
    it.interrupt('channel-gone');
    it.interrupt('stopping');
    expect([it.why, it.isHopeless]).to.deep.equal(['channel-gone', true]);
    it.interrupt('deadline');
    expect([it.why, it.isHopeless]).to.deep.equal(['deadline', true]);
  });

  it('fires the signal of the attempt where nothing that it still does can settle the delivery', () => {
    const it = new Interruptible(new FakeClock());
    const { told, context } = anAttempt();
    it.handles(context);
    it.interrupt('paused');
    it.interrupt('stopping');
    expect(told).to.deep.equal([]);
    it.interrupt('channel-gone');
    expect(told).to.have.length(1);
    expect(told[0]).to.match(/^The channel of this delivery is gone/);
    it.interrupt('deadline');
    expect(told[1]).to.match(/^The listener is shutting down/);
    const next = anAttempt();
    it.handles(next.context);
    expect(next.told).to.have.length(1);
    it.attemptEnded();
    it.interrupt('deadline');
    expect(next.told).to.have.length(1);
  });

  it('knows what runs on behind the results of its attempts', async () => {
    const it = new Interruptible(new FakeClock());
    it.attemptEnded({ error: 'nobody' });
    const [one, two, three] = [anAttempt(), anAttempt(), anAttempt()];
    two.state.runsOn = true;
    three.state.runsOn = true;
    it.handles(one.context);
    it.attemptEnded({ error: 'broken' });
    expect([one.told, it.stillRunning]).to.deep.equal([['failed: broken'], undefined]);
    for (const each of [two, three]) {
      it.handles(each.context);
      it.attemptEnded();
    }
    expect(two.told).to.deep.equal([]);
    let ended = false;
    void it.stillRunning?.then(() => (ended = true));
    three.end();
    await turn();
    expect(ended).to.equal(false);
    two.end();
    await turn();
    expect(ended).to.equal(true);
  });
});

describe('isInterruption', () => {
  const wrapped = (error: unknown, times: number) => {
    let outer = error;
    for (let n = 0; n < times; n++) outer = new Error('outer', { cause: outer });
    return outer;
  };

  it('knows the reason of the signal, and what Node and the web throw then, within 32 causes', () => {
    const closed = new LeveretError('LEV_CHANNEL_CLOSED', 'x');
    const named = Object.assign(new Error('x'), { name: 'AbortError' });
    const coded = Object.assign(new Error('x'), { code: 'ABORT_ERR' });
    for (const error of [closed, named, coded]) {
      expect([0, 1, 31, 32].map((times) => isInterruption(wrapped(error, times)))).to.deep.equal([
        ...[true, true, true, false],
      ]);
    }
  });

  it('takes nothing else for one, and never throws', () => {
    const hostile = {
      get name() {
        throw new Error('do not ask');
      },
    };
    const other = new LeveretError('LEV_REJECT_MESSAGE', 'x');
    for (const error of [undefined, null, 'AbortError', 7, new Error('x'), other, hostile, {}]) {
      expect(isInterruption(error)).to.equal(false);
    }
  });
});
