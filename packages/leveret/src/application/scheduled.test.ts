import { ConfigurationError, LeveretError, MemoryIdempotencyStore, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { Container, inject, injectable } from 'inversify';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { Listener } from '../decorators/listener.js';
import { Scheduled, type ScheduleOptions } from '../decorators/scheduled.js';
import { FakeTransport } from '../test-support/fake-transport.js';
import { Leveret } from './leveret.js';
import type { LeveretEvent } from './leveret-event.js';
import type { LeveretOptions } from './leveret-options.js';

class Paid {}

async function start(options: LeveretOptions) {
  const transport = new FakeTransport();
  const clock = new FakeClock();
  const events: LeveretEvent[] = [];
  const app = await Leveret.start({
    transport,
    clock,
    logger: silentLogger,
    onEvent: (event) => events.push(event),
    ...options,
  });
  return { app, transport, clock, events, [Symbol.asyncDispose]: () => app.close({ timeout: 0 }) };
}

/** A class with one schedule every 20 s. */
function polling(options: ScheduleOptions = {}, poll: (signal: AbortSignal) => unknown = () => undefined) {
  const signals: AbortSignal[] = [];
  class Polling {
    @Scheduled({ every: '20s' }, options)
    poll(signal: AbortSignal): unknown {
      signals.push(signal);
      return poll(signal);
    }
  }
  return { Polling, signals };
}

async function faultsOf(options: LeveretOptions): Promise<readonly string[]> {
  const error: unknown = await start(options).catch((each: unknown) => each);
  expect(error).to.be.instanceOf(ConfigurationError);
  return (error as ConfigurationError).problems;
}

describe('@Scheduled', () => {
  it('calls methods of listener classes, on the instance that the container made', async () => {
    @injectable()
    class Unpaid {
      asked = 0;
    }
    @injectable()
    class Orders {
      constructor(@inject(Unpaid) readonly unpaid: Unpaid) {}
      @Listener('q')
      on(_paid: Paid): void {}
      @Scheduled({ every: '20s' })
      reconcile(): void {
        this.unpaid.asked++;
      }
    }
    const container = new Container({ autobind: true, defaultScope: 'Singleton' });
    await using running = await start({ listeners: [Orders], container });
    await running.clock.advance(45_000);
    expect(container.get(Unpaid).asked).to.equal(2);
    expect(running.events.filter(({ type }) => type === 'schedule-succeeded')).to.have.length(2);
  });

  it('needs no listener, and then no connection to consume', async () => {
    const { Polling, signals } = polling();
    await using running = await start({ schedules: [Polling] });
    expect(running.transport.steps).to.deep.equal(['declare', 'connect publish']);
    await running.clock.advance(20_000);
    expect(signals).to.have.length(1);
    expect(signals[0]).to.be.instanceOf(AbortSignal);
  });

  it('begins when the listeners consume, not before', async () => {
    const { Polling, signals } = polling({ immediate: true });
    const transport = new FakeTransport();
    let consume = () => {};
    transport.consuming = () =>
      new Promise((resolve) => {
        consume = resolve;
      });
    class Orders {
      @Listener('q')
      on(_paid: Paid): void {}
    }
    const starting = start({ transport, listeners: [Orders], schedules: [Polling] });
    await turn();
    expect(signals).to.have.length(0);
    consume();
    await using _running = await starting;
    await turn();
    expect(signals).to.have.length(1);
  });

  it('is seen in the health, which a failing run does not touch', async () => {
    const { Polling } = polling({ id: 'polling' }, () => Promise.reject(new Error('no answer')));
    await using running = await start({ schedules: [Polling] });
    await running.clock.advance(20_000);
    const { status, schedules } = running.app.health();
    expect(status).to.equal('up');
    expect(schedules).to.have.length(1);
    expect(schedules[0]).to.deep.include({
      id: 'polling',
      timing: 'every 20000 ms',
      state: 'waiting',
      nextAt: running.clock.now() + 20_000,
      counts: { succeeded: 0, failed: 1, skipped: 0, elsewhere: 0 },
    });
  });

  it('is found by id, run by hand, stopped and started', async () => {
    const { Polling, signals } = polling();
    await using running = await start({ schedules: [Polling] });
    const schedule = running.app.schedules.get('Polling.poll');
    expect([running.app.schedules.ids, running.app.schedules.has('other')]).to.deep.equal([['Polling.poll'], false]);
    expect(await schedule.run()).to.equal('succeeded');
    await schedule.stop();
    await running.clock.advance(60_000);
    expect(signals).to.have.length(1);
    expect(() => running.app.schedules.get('Polling.pol')).to.throw(LeveretError, 'There is no schedule "Polling.pol"');
  });

  it('ends with the application, which waits for a run within its shutdownTimeout', async () => {
    let end = () => {};
    const { Polling, signals } = polling({}, () => new Promise<void>((resolve) => (end = resolve)));
    const running = await start({ schedules: [Polling], shutdownTimeout: '10s' });
    await running.clock.advance(20_000);
    const closed = running.app.close();
    await running.clock.advance(5000);
    expect(running.transport.steps).to.not.include('close');
    end();
    await closed;
    expect(signals[0]?.aborted).to.equal(false);
    expect(running.events.at(-1)).to.deep.equal({ type: 'closed', abandoned: 0 });
    await running.clock.advance(60_000);
    expect(signals).to.have.length(1);
  });

  it('is left behind, and counted, when it does not end in time', async () => {
    const { Polling, signals } = polling({}, () => new Promise(() => {}));
    const running = await start({ schedules: [Polling], shutdownTimeout: '10s' });
    await running.clock.advance(20_000);
    const closed = running.app.close();
    await running.clock.advance(10_000);
    await closed;
    expect(signals[0]?.aborted).to.equal(true);
    expect(running.events.at(-1)).to.deep.equal({ type: 'closed', abandoned: 1 });
  });

  it('runs on one instance through the store of the application', async () => {
    const store = new MemoryIdempotencyStore();
    const first = polling({ runOnOneInstance: true });
    const second = polling({ runOnOneInstance: true });
    await using one = await start({ schedules: [first.Polling], idempotency: { store } });
    await using two = await start({ schedules: [second.Polling], idempotency: { store } });
    await one.clock.advance(20_000);
    await two.clock.advance(20_000);
    expect([first.signals.length, second.signals.length]).to.deep.equal([1, 0]);
    expect(two.app.health().schedules[0]?.counts).to.include({ elsewhere: 1 });
  });

  it('makes a class in request scope for each run', async () => {
    let made = 0;
    @injectable('Request')
    class Polling {
      constructor() {
        made++;
      }
      @Scheduled({ every: '20s' })
      poll(): void {}
    }
    await using running = await start({ schedules: [Polling] });
    const before = made;
    await running.clock.advance(40_000);
    expect(made - before).to.equal(2);
  });

  it('reports every fault at start', async () => {
    const alone = polling({ id: 'a', runOnOneInstance: true });
    const broken = polling({ id: 'b', runOnOneInstance: { store: {} as never } });
    @injectable()
    class Unmakeable {
      constructor(@inject('nothing') readonly nothing: unknown) {}
      @Scheduled({ every: 5 })
      poll(): void {}
    }
    const faults = await faultsOf({ schedules: [alone.Polling, broken.Polling, Unmakeable] });
    expect(faults).to.have.length(3);
    expect(faults[0]).to.match(/^schedule Polling\.poll: runOnOneInstance needs a store that all instances share/);
    expect(faults[1]).to.match(/^schedule Polling\.poll: store must be an object with claim/);
    expect(faults[2]).to.match(/^schedule Unmakeable\.poll: the container cannot make Unmakeable/);
  });
});
