import { expect } from 'chai';
import { describe, it } from 'mocha';
import sinon from 'sinon';
import { ListenerLoad, type LoadSnapshot } from './listener-load.js';

/** A listener with an event loop that a test moves. */
function load(consumers = 1) {
  let idle = 0;
  const windows: LoadSnapshot[] = [];
  const measured = new ListenerLoad(
    consumers,
    0,
    (window) => windows.push(window),
    () => idle,
  );
  return {
    measured,
    windows,
    idleFor: (ms: number) => {
      idle += ms;
    },
  };
}

describe('ListenerLoad', () => {
  it('says how busy it is, and how much of that it waits', () => {
    const { measured, idleFor } = load();
    measured.began(0);
    idleFor(600);
    measured.ended(800);
    idleFor(200);
    expect(measured.snapshot(1000)).to.deep.equal({ busy: 0.8, waiting: 0.75, overMs: 1000 });
  });

  it('counts all consumers, and what waits beside what computes as computing', () => {
    const { measured, idleFor } = load(4);
    measured.began(0);
    measured.began(0);
    idleFor(250);
    measured.ended(1000);
    expect(measured.snapshot(1000)).to.deep.equal({ busy: 0.5, waiting: 0.25, overMs: 1000 });
  });

  it('is neither busy nor waiting without a delivery', () => {
    const { measured, idleFor } = load();
    expect(measured.snapshot(0)).to.deep.equal({ busy: 0, waiting: 0, overMs: 0 });
    idleFor(5000);
    expect(measured.snapshot(5000)).to.deep.equal({ busy: 0, waiting: 0, overMs: 5000 });
  });

  it('tells of each window of 10 s as it closes, and shows the last whole one', () => {
    const { measured, windows, idleFor } = load();
    measured.began(0);
    idleFor(9000);
    measured.ended(10_000);
    expect(windows).to.deep.equal([{ busy: 1, waiting: 0.9, overMs: 10_000 }]);
    expect(measured.snapshot(15_000)).to.deep.equal({ busy: 1, waiting: 0.9, overMs: 10_000 });
    idleFor(12_000);
    expect(measured.snapshot(22_000)).to.deep.equal({ busy: 0, waiting: 0, overMs: 12_000 });
  });

  it('does not know how much it waits where the runtime does not tell', () => {
    const measured = new ListenerLoad(1, 0, undefined, () => undefined);
    measured.began(0);
    expect(measured.snapshot(100)).to.deep.equal({ busy: 1, waiting: undefined, overMs: 100 });
  });

  it('closes a window when a handler begins behind it, too', () => {
    const { measured, windows, idleFor } = load();
    idleFor(10_000);
    measured.began(10_000);
    expect(windows).to.deep.equal([{ busy: 0, waiting: 0, overMs: 10_000 }]);
    measured.ended(12_000);
    expect(measured.snapshot(12_000), 'the last whole one').to.deep.equal(windows[0]);
  });

  it('waits for no more than all of the time, whatever the runtime counts', () => {
    const { measured, idleFor } = load();
    measured.began(0);
    idleFor(2500);
    expect(measured.snapshot(1000)).to.deep.equal({ busy: 1, waiting: 1, overMs: 1000 });
  });

  it('asks the runtime how long its loop was idle, where that tells', () => {
    const told = (idle: number, active: number) => {
      const asked = sinon.stub(performance, 'eventLoopUtilization');
      const utilization = (of: number) => ({ idle: of, active, utilization: 0 });
      asked.onFirstCall().returns(utilization(idle));
      asked.returns(utilization(idle + 30));
      if (idle === 0) asked.returns(utilization(0));
      try {
        const measured = new ListenerLoad(1, 0);
        measured.began(0);
        return measured.snapshot(100).waiting;
      } finally {
        asked.restore();
      }
    };
    expect([told(500, 70), told(500, 0)]).to.deep.equal([0.3, 0.3]);
    expect(told(0, 70), 'it was never idle').to.equal(0);
    expect(told(0, 0), 'it does not count').to.equal(undefined);
    const without = sinon.stub(performance, 'eventLoopUtilization').value(undefined);
    try {
      expect(new ListenerLoad(1, 0).snapshot(100).waiting, 'it has no such thing').to.equal(undefined);
    } finally {
      without.restore();
    }
  });

  it('does not know what it waits before the runtime has begun to tell', () => {
    const idle = [undefined, 500, 600];
    const measured = new ListenerLoad(1, 0, undefined, () => idle.shift());
    measured.began(0);
    expect(measured.snapshot(100).waiting).to.equal(undefined);
  });
});
