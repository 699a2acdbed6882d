import { AsyncLocalStorage } from 'node:async_hooks';
import { EventHub, type LogFields, MemoryIdempotencyStore, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { Schedule, type ScheduleDefinition } from './schedule.js';
import type { ScheduleEvent } from './schedule-event.js';
import { cronTiming, everyTiming, loadCron } from './timing.js';

before(loadCron);

/** A schedule every 20 s, and what it did. */
class Harness {
  readonly clock: FakeClock;
  readonly events: ScheduleEvent[] = [];
  readonly lines: (readonly [string, LogFields, string])[] = [];
  /** When runs began, in seconds since the clock's origin. */
  readonly beganAt: number[] = [];
  readonly schedule: Schedule;

  constructor(definition: Partial<ScheduleDefinition> = {}, clock = new FakeClock()) {
    this.clock = clock;
    const began = clock.now();
    const events = new EventHub<ScheduleEvent>(silentLogger);
    events.on((event) => this.events.push(event));
    const line = (level: string) => (fields: LogFields, text: string) => void this.lines.push([level, fields, text]);
    const call = definition.call ?? (() => undefined);
    this.schedule = new Schedule(
      {
        id: 'Orders.reconcile',
        timing: everyTiming(20_000),
        jitterMs: 0,
        immediate: false,
        timeoutMs: undefined,
        alone: undefined,
        ...definition,
        call: (signal) => {
          this.beganAt.push((clock.now() - began) / 1000);
          return call(signal);
        },
      },
      {
        clock,
        events,
        logger: { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') },
        random: () => 0.5,
      },
    );
  }

  get types(): readonly string[] {
    return this.events.map((event) =>
      event.type === 'schedule-skipped' ? `${event.type} ${event.reason}` : event.type,
    );
  }
}

/** A run that a test ends. */
function held() {
  const ends: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const call = (signal: AbortSignal) => {
    signals.push(signal);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  return { call, ends, signals };
}

describe('Schedule', () => {
  describe('beating', () => {
    it('runs at each beat, first after one distance', async () => {
      const { schedule, clock, beganAt, events } = new Harness();
      schedule.start();
      await clock.advance(65_000);
      expect(beganAt).to.deep.equal([20, 40, 60]);
      expect(schedule.inspect().counts).to.include({ succeeded: 3, failed: 0, skipped: 0 });
      expect(events[0]).to.deep.equal({ type: 'schedule-succeeded', scheduleId: 'Orders.reconcile', durationMs: 0 });
    });

    it('runs at once as well when it is to be immediate', async () => {
      const { schedule, clock, beganAt } = new Harness({ immediate: true });
      schedule.start();
      await clock.advance(45_000);
      expect(beganAt).to.deep.equal([0, 20, 40]);
    });

    it('begins later by a part of the jitter, and keeps its beats', async () => {
      const { schedule, clock, beganAt } = new Harness({ jitterMs: 4000 });
      schedule.start();
      await clock.advance(65_000);
      expect(beganAt).to.deep.equal([22, 42, 62]);
    });

    it('follows a cron pattern, over waits longer than a timer can be', async () => {
      const clock = new FakeClock();
      const waits: number[] = [];
      const after = clock.after.bind(clock);
      clock.after = (ms, callback) => {
        waits.push(ms);
        return after(ms, callback);
      };
      const timing = cronTiming('0 0 1 3 *', 'UTC', clock.now());
      const { schedule, beganAt } = new Harness({ timing }, clock);
      schedule.start();
      await clock.advance(60 * 86_400_000);
      expect(beganAt).to.deep.equal([59 * 86_400]);
      expect(Math.max(...waits)).to.be.at.most(2_147_483_647);
    });

    it('stops by itself behind the last beat of a pattern', async () => {
      const clock = new FakeClock();
      const timing = cronTiming('0 0 0 2 1 * 2026', 'UTC', clock.now());
      const { schedule, beganAt, lines } = new Harness({ timing }, clock);
      schedule.start();
      await clock.advance(3 * 86_400_000);
      expect(beganAt).to.have.length(1);
      expect(schedule.inspect()).to.include({ state: 'stopped', nextAt: undefined });
      expect(lines.map(([, , text]) => text)).to.include('schedule has no further beat');
    });
  });

  describe('when the clock of the machine is set', () => {
    const HOUR = 3_600_000;

    for (const [how, jumpMs] of [
      ['back', -HOUR],
      ['forward', HOUR],
    ] as const) {
      it(`goes on at the distance of \`every\` when it is set ${how} an hour`, async () => {
        const clock = new FakeClock();
        const at: number[] = [];
        const { schedule } = new Harness({ call: () => void at.push(clock.elapsed / 1000) }, clock);
        schedule.start();
        await clock.advance(30_000);
        clock.setWall(clock.now() + jumpMs);
        expect(schedule.inspect().nextAt).to.equal(clock.now() + 10_000);
        await clock.advance(60_000);
        expect(at).to.deep.equal([20, 40, 60, 80]);
      });
    }

    /** Runs at 0:30, 1:30, ... of this clock; answers the times on the wall at which it ran, in minutes. */
    async function hourly(play: (clock: FakeClock) => Promise<void>): Promise<readonly number[]> {
      const clock = new FakeClock();
      const midnight = clock.now();
      const at: number[] = [];
      const timing = cronTiming('30 * * * *', 'UTC', midnight);
      const call = () => void at.push(Math.round((clock.now() - midnight) / 60_000));
      const { schedule } = new Harness({ timing, call }, clock);
      schedule.start();
      await play(clock);
      return at;
    }

    it('waits for the time of a pattern when it is set back before that', async () => {
      const at = await hourly(async (clock) => {
        await clock.advance(90 * 60_000 - 600_000);
        clock.setWall(clock.now() - HOUR);
        await clock.advance(HOUR + 900_000);
      });
      expect(at).to.deep.equal([30, 90]);
    });

    it('runs no time of a pattern twice when it is set back over it', async () => {
      const at = await hourly(async (clock) => {
        await clock.advance(95 * 60_000);
        clock.setWall(clock.now() - HOUR);
        await clock.advance(2 * HOUR);
      });
      expect(at).to.deep.equal([30, 90, 150]);
    });

    it('runs once, within a minute or two, when it is set forward over times of a pattern', async () => {
      const at = await hourly(async (clock) => {
        await clock.advance(10 * 60_000);
        clock.setWall(clock.now() + 3 * HOUR);
        await clock.advance(65 * 60_000);
      });
      expect(at[0]).to.be.within(190, 192);
      expect(at.slice(1)).to.deep.equal([210]);
    });

    it('takes a clock that goes back by more than three hours for one that was wrong before', async () => {
      const at = await hourly(async (clock) => {
        clock.setWall(clock.now() + 365 * 86_400_000);
        await clock.advance(40 * 60_000);
        clock.setWall(clock.now() - 365 * 86_400_000);
        await clock.advance(HOUR);
      });
      expect(at.at(-1)).to.equal(90);
    });
  });

  it('begins each beat in the async context in which it was started, whatever a run enters', async () => {
    const tenant = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const harness = new Harness({
      immediate: true,
      call: () => {
        seen.push(tenant.getStore());
        tenant.enterWith('left behind');
      },
    });
    tenant.run('starter', () => harness.schedule.start());
    await harness.clock.advance(45_000);
    tenant.enterWith('somebody else');
    await harness.clock.advance(20_000);
    tenant.enterWith(undefined as never);
    expect(seen).to.deep.equal(['starter', 'starter', 'starter', 'starter']);
  });

  describe('with a run that takes long', () => {
    it('is running for what its method does at once, which joins that run', async () => {
      const seen: unknown[] = [];
      const harness = new Harness({
        call: () => {
          seen.push(harness.schedule.inspect().state, harness.schedule.run() === running);
        },
      });
      const running = harness.schedule.run();
      expect(await running).to.equal('succeeded');
      expect(seen).to.deep.equal(['running', true]);
      expect(harness.beganAt).to.have.length(1);
    });

    it('never overlaps itself: beats are skipped, counted, and warned of once for each run', async () => {
      const { call, ends } = held();
      const harness = new Harness({ call });
      harness.schedule.start();
      await harness.clock.advance(65_000);
      expect(harness.beganAt).to.deep.equal([20]);
      expect(harness.types).to.deep.equal(['schedule-skipped running', 'schedule-skipped running']);
      expect(harness.lines.map(([level]) => level)).to.deep.equal(['warn']);
      expect(harness.schedule.inspect()).to.include({ state: 'running' });
      ends[0]?.();
      await harness.clock.advance(20_000);
      expect(harness.beganAt).to.deep.equal([20, 80]);
      expect(harness.schedule.inspect().counts).to.include({ succeeded: 1, skipped: 2 });
    });

    it('fires its signal at the timeout, counts it as failed, and still does not overlap', async () => {
      const { call, ends, signals } = held();
      const harness = new Harness({ call, timeoutMs: 5000 });
      harness.schedule.start();
      await harness.clock.advance(24_999);
      expect(signals[0]?.aborted).to.equal(false);
      await harness.clock.advance(20_000);
      expect(signals[0]?.reason).to.have.property('code', 'LEV_HANDLER_TIMEOUT');
      expect(harness.beganAt).to.deep.equal([20]);
      ends[0]?.();
      await turn();
      expect(harness.types).to.deep.equal(['schedule-skipped running', 'schedule-failed']);
      expect(harness.schedule.inspect().last?.error).to.equal(signals[0]?.reason);
    });

    it('names the timeout as the reason, whatever the run makes of its signal', async () => {
      const call = (signal: AbortSignal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      const { schedule, clock } = new Harness({ call, timeoutMs: 5000 });
      schedule.start();
      await clock.advance(25_000);
      expect(schedule.inspect().last?.error).to.have.property('code', 'LEV_HANDLER_TIMEOUT');
    });

    it('leaves no timeout behind when the run was in time', async () => {
      const { schedule, clock } = new Harness({ timeoutMs: 5000 });
      schedule.start();
      await clock.advance(20_000);
      expect(clock.waits.length).to.equal(1);
    });
  });

  describe('with a run that fails', () => {
    for (const [how, call] of [
      [
        'throws',
        () => {
          throw new Error('no answer');
        },
      ],
      ['rejects', () => Promise.reject(new Error('no answer'))],
    ] as const) {
      it(`logs, counts and goes on when it ${how}`, async () => {
        const harness = new Harness({ call });
        harness.schedule.start();
        await harness.clock.advance(45_000);
        expect(harness.beganAt).to.deep.equal([20, 40]);
        expect(harness.types).to.deep.equal(['schedule-failed', 'schedule-failed']);
        expect(harness.lines.map(([level, , text]) => `${level} ${text}`)[0]).to.equal('error scheduled method failed');
        expect(harness.schedule.inspect().counts).to.include({ failed: 2, succeeded: 0 });
      });
    }
  });

  describe('run by hand', () => {
    it('runs at once, without being started, and says what came of it', async () => {
      const { schedule, beganAt } = new Harness();
      expect(await schedule.run()).to.equal('succeeded');
      expect([beganAt, schedule.inspect().state]).to.deep.equal([[0], 'stopped']);
      expect(await new Harness({ call: () => Promise.reject(new Error('no')) }).schedule.run()).to.equal('failed');
    });

    it('joins a run that is going on', async () => {
      const { call, ends } = held();
      const { schedule, beganAt } = new Harness({ call });
      const first = schedule.run();
      expect(schedule.run()).to.equal(first);
      await turn();
      ends[0]?.();
      expect([await first, beganAt.length]).to.deep.equal(['succeeded', 1]);
    });
  });

  describe('stopping', () => {
    it('begins no further run, and can be started again', async () => {
      const { schedule, clock, beganAt } = new Harness();
      schedule.start();
      schedule.start();
      expect(clock.waits.length).to.equal(1);
      expect(await schedule.stop()).to.deep.equal({ abandoned: false });
      await clock.advance(60_000);
      expect([beganAt, clock.waits.length]).to.deep.equal([[], 0]);
      schedule.start();
      await clock.advance(20_000);
      expect(beganAt).to.deep.equal([80]);
    });

    it('waits for the run that is going on', async () => {
      const { call, ends, signals } = held();
      const { schedule, clock } = new Harness({ call });
      schedule.start();
      await clock.advance(20_000);
      let stopped: unknown;
      void schedule.stop({ timeoutMs: 10_000 }).then((report) => {
        stopped = report;
      });
      await clock.advance(5000);
      expect([stopped, signals[0]?.aborted]).to.deep.equal([undefined, false]);
      ends[0]?.();
      await turn();
      expect(stopped).to.deep.equal({ abandoned: false });
      expect(clock.waits.length).to.equal(0);
    });

    it('fires the signal before the time is up, and then leaves the run behind', async () => {
      const { call, signals } = held();
      const { schedule, clock, lines } = new Harness({ call });
      schedule.start();
      await clock.advance(20_000);
      const stopped = schedule.stop({ timeoutMs: 10_000 });
      await clock.advance(7999);
      expect(signals[0]?.aborted).to.equal(false);
      await clock.advance(1);
      expect(signals[0]?.aborted).to.equal(true);
      await clock.advance(2000);
      expect(await stopped).to.deep.equal({ abandoned: true });
      expect(lines.at(-1)?.[0]).to.equal('error');
      expect(clock.waits.length).to.equal(0);
    });

    it('waits no longer when it is hurried', async () => {
      const { call, signals } = held();
      const { schedule, clock } = new Harness({ call });
      schedule.hurry();
      schedule.start();
      await clock.advance(20_000);
      const stopped = schedule.stop();
      schedule.hurry();
      expect(await stopped).to.deep.equal({ abandoned: true });
      expect(signals[0]?.aborted).to.equal(true);
    });
  });

  describe('on one instance of several', () => {
    /** Instances with one clock and one store, begun at these seconds. */
    async function instances(beginAt: readonly number[], definition: Partial<ScheduleDefinition> = {}) {
      const clock = new FakeClock();
      const origin = clock.now();
      const store = new MemoryIdempotencyStore({ now: () => clock.now() });
      const runs: (readonly [number, number])[] = [];
      const all: Harness[] = [];
      for (const [index, second] of beginAt.entries()) {
        await clock.advance(origin + second * 1000 - clock.now());
        const call = (signal: AbortSignal) => {
          runs.push([index, (clock.now() - origin) / 1000]);
          return definition.call?.(signal);
        };
        const harness = new Harness({ ...definition, call, alone: { store, leaseMs: 60_000 } }, clock);
        harness.schedule.start();
        all.push(harness);
      }
      return { all, clock, runs, store };
    }

    it('runs once at each beat', async () => {
      const { clock, runs, all } = await instances([0, 7, 13]);
      await clock.advance(80_000);
      expect(runs).to.deep.equal([
        [0, 20],
        [0, 40],
        [0, 60],
        [0, 80],
      ]);
      expect(all[1]?.schedule.inspect().counts).to.include({ succeeded: 0 }).and.have.property('elsewhere').above(2);
      expect(all[1]?.types).to.include('schedule-skipped elsewhere');
    });

    it('runs once at the last beat of a pattern too', async () => {
      const clock = new FakeClock();
      const store = new MemoryIdempotencyStore({ now: () => clock.now() });
      const timing = cronTiming('0 0 0 2 1 * 2026', 'UTC', clock.now());
      const alone = { store, leaseMs: 60_000 };
      const both = [0, 4000].map((jitterMs) => new Harness({ timing, alone, jitterMs }, clock));
      for (const { schedule } of both) schedule.start();
      await clock.advance(3 * 86_400_000);
      expect(both.map(({ beganAt }) => beganAt.length)).to.deep.equal([1, 0]);
    });

    it('runs elsewhere when the one that ran is gone', async () => {
      const { clock, runs, all } = await instances([0, 10]);
      await clock.advance(15_000);
      await all[0]?.schedule.stop();
      await clock.advance(40_000);
      expect(runs).to.deep.equal([
        [0, 20],
        [1, 50],
      ]);
    });

    it('runs at the beat of another when it failed here', async () => {
      let failed = 0;
      const { clock, runs } = await instances([0, 10], {
        call: () => {
          if (failed++ === 0) throw new Error('no answer');
        },
      });
      await clock.advance(40_000);
      expect(runs.slice(0, 2)).to.deep.equal([
        [0, 20],
        [1, 30],
      ]);
    });

    it('keeps its claim while a run takes longer than the lease', async () => {
      const { call, ends } = held();
      const { clock, runs } = await instances([0, 10], { call, timing: everyTiming(50_000) });
      await clock.advance(300_000);
      expect(runs).to.deep.equal([[0, 50]]);
      ends[0]?.();
      await clock.advance(60_000);
      expect(runs).to.have.length(2);
    });

    it('lets another run at once when the run has outlasted its beat', async () => {
      const { call, ends } = held();
      const timing = cronTiming('*/20 * * * * *', 'UTC', 0);
      const { clock, store } = await instances([0], { call, timing });
      await clock.advance(30_000);
      clock.setWall(clock.now() + 60_000);
      ends[0]?.();
      await turn();
      expect(store.size).to.equal(0);
    });

    it('does not run when the store is down, and says so', async () => {
      const down = () => Promise.reject(new Error('connection refused'));
      const store = { claim: down, complete: down, release: down, renew: down };
      const harness = new Harness({ alone: { store, leaseMs: 60_000 } });
      harness.schedule.start();
      await harness.clock.advance(20_000);
      expect([harness.beganAt, harness.types]).to.deep.equal([[], ['schedule-failed']]);
      expect(harness.schedule.inspect().last?.error).to.have.property('code', 'LEV_IDEMPOTENCY_STORE');
    });

    it('fires the signal of a run whose claim is lost', async () => {
      const { call, signals } = held();
      const lost = new MemoryIdempotencyStore();
      const store = {
        claim: lost.claim.bind(lost),
        complete: lost.complete.bind(lost),
        release: lost.release.bind(lost),
        renew: async () => false,
      };
      const harness = new Harness({ call, alone: { store, leaseMs: 9000 } });
      harness.schedule.start();
      await harness.clock.advance(24_000);
      expect(signals[0]?.reason).to.have.property('code', 'LEV_CLAIM_LOST');
    });
  });
});
