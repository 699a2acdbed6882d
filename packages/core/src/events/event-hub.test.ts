import { expect } from 'chai';
import { describe, it } from 'mocha';
import { EventHub } from './event-hub.js';
import { type LogFields, type Logger, silentLogger } from './logger.js';

interface Happened {
  readonly type: 'happened';
  readonly n: number;
}

const happened = (n: number): Happened => ({ type: 'happened', n });

describe('EventHub', () => {
  it('hands each event to every subscriber, in the order they subscribed', () => {
    const hub = new EventHub<Happened>(silentLogger);
    const seen: string[] = [];
    hub.on(({ n }) => seen.push(`a${n}`));
    hub.on(({ n }) => seen.push(`b${n}`));
    hub.emit(happened(1));
    hub.emit(happened(2));
    expect(seen).to.deep.equal(['a1', 'b1', 'a2', 'b2']);
  });

  it('is idle until somebody subscribes, and again after the last one left', () => {
    const hub = new EventHub<Happened>(silentLogger);
    const seen: number[] = [];
    expect(hub.idle).to.equal(true);
    const leave = hub.on(({ n }) => seen.push(n));
    expect(hub.idle).to.equal(false);
    leave();
    leave();
    expect(hub.idle).to.equal(true);
    hub.emit(happened(1));
    expect(seen).to.deep.equal([]);
  });

  it('logs a subscriber that throws, and goes on with the others', () => {
    const lines: LogFields[] = [];
    const hub = new EventHub<Happened>({ ...silentLogger, error: (fields) => lines.push(fields) });
    const fault = new Error('subscriber broken');
    const seen: number[] = [];
    hub.on(() => {
      throw fault;
    });
    hub.on(({ n }) => seen.push(n));
    hub.emit(happened(7));
    expect(seen).to.deep.equal([7]);
    expect(lines).to.deep.equal([{ err: fault, event: 'happened' }]);
  });

  it('logs a subscriber whose promise rejects', async () => {
    const lines: LogFields[] = [];
    const hub = new EventHub<Happened>({ ...silentLogger, error: (fields) => lines.push(fields) });
    const fault = new Error('metrics are down');
    hub.on(async () => {
      throw fault;
    });
    hub.emit(happened(7));
    await Promise.resolve();
    expect(lines).to.deep.equal([{ err: fault, event: 'happened' }]);
  });

  it('hands an event to those who were there, and not to those who have left since', () => {
    const hub = new EventHub<Happened>(silentLogger);
    const seen: string[] = [];
    let leave: () => void = () => {};
    const again = () => {
      leave();
      seen.push('first');
      leaveSecond();
      if (seen.length < 10) leave = hub.on(again);
    };
    leave = hub.on(again);
    const leaveSecond = hub.on(() => seen.push('second'));
    hub.emit(happened(1));
    expect(seen).to.deep.equal(['first']);
    hub.emit(happened(2));
    expect(seen).to.deep.equal(['first', 'first']);
  });

  it('survives a logger that throws as well', () => {
    const broken: Logger = {
      ...silentLogger,
      error: () => {
        throw new Error('log destination closed');
      },
    };
    const hub = new EventHub<Happened>(broken);
    const seen: number[] = [];
    hub.on(() => {
      throw new Error('subscriber broken');
    });
    hub.on(({ n }) => seen.push(n));
    hub.emit(happened(7));
    expect(seen).to.deep.equal([7]);
  });
});
