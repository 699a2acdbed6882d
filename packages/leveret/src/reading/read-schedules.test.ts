import { Problems } from '@leveret/core';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { Context } from '../decorators/context.js';
import { Handler } from '../decorators/handler.js';
import { Idempotent } from '../decorators/idempotent.js';
import { Listener } from '../decorators/listener.js';
import { Scheduled, type ScheduleOptions, type ScheduleTimes } from '../decorators/scheduled.js';
import { SendTo } from '../decorators/send-to.js';
import { UseInterceptors } from '../decorators/use-interceptors.js';
import { loadCron } from '../schedule/timing.js';
import { readListeners } from './read-listeners.js';
import { readSchedules } from './read-schedules.js';

const NOW = Date.UTC(2026, 0, 1);

before(loadCron);

function read(listeners: unknown, schedules?: unknown) {
  const problems = new Problems();
  const plans = readSchedules(listeners, schedules, NOW, problems);
  return { plans, faults: problems.list };
}

/** A class whose only method has these times and options. */
function scheduled(times: unknown, options?: unknown) {
  class Polling {
    @Scheduled(times as ScheduleTimes, options as ScheduleOptions)
    poll(): void {}
  }
  return Polling;
}

class Paid {}

describe('readSchedules', () => {
  it('reads schedules of listener classes and of classes that have nothing else, each once', () => {
    class Orders {
      @Listener('q')
      on(_paid: Paid): void {}
      @Scheduled({ every: '20s' })
      @Scheduled(
        { cron: '0 3 * * *', timezone: 'UTC' },
        { id: 'nightly', immediate: true, jitter: '1m', timeout: '5m' },
      )
      reconcile(): void {}
    }
    const Polling = scheduled({ every: 5 });
    const { plans, faults } = read([Orders], [Polling, Orders, Polling]);
    expect(faults).to.deep.equal([]);
    expect(plans.map(({ id, timing }) => [id, timing.text])).to.deep.equal([
      ['Orders.reconcile', 'every 20000 ms'],
      ['nightly', 'cron 0 3 * * * (UTC)'],
      ['Polling.poll', 'every 5 ms'],
    ]);
    expect(plans[0]).to.include({ jitterMs: 0, immediate: false, timeoutMs: undefined, alone: undefined });
    expect(plans[1]).to.include({ jitterMs: 60_000, immediate: true, timeoutMs: 300_000 });
  });

  it('refuses a method that takes something else than a signal', () => {
    class Polling {
      @Scheduled({ every: '20s' }) signal(_signal: AbortSignal): void {}
      @Scheduled({ every: '20s' }) target(_target: EventTarget): void {}
      @Scheduled({ every: '20s' }) part(_part: Pick<AbortSignal, 'aborted'>): void {}
      @Scheduled({ every: '20s' }) more(_signal?: AbortSignal, _limit = 3): void {}
      @(Scheduled({ every: '20s' }) as MethodDecorator) text(_signal: string): void {}
      @(Scheduled({ cron: '0 3 * * *' }) as MethodDecorator) two(_signal: AbortSignal, _more: unknown): void {}
    }
    expect(read([], [Polling]).faults).to.deep.equal([
      'schedule Polling.text: its parameter is declared as String, but it is called with an AbortSignal and nothing else',
      'schedule Polling.two: takes 2 parameters, but is called with one: an AbortSignal',
    ]);
  });

  it('inherits the schedules of a base class', () => {
    class Orders extends scheduled({ every: 5 }) {}
    expect(read([], [Orders]).plans.map(({ id }) => id)).to.deep.equal(['Orders.poll']);
  });

  it('refuses a class without a name, unless its schedule has an id', () => {
    const anonymous = (options: ScheduleOptions) => {
      const made = [
        class {
          poll(): void {}
        },
      ][0] as new () => { poll(): void };
      const descriptor = Object.getOwnPropertyDescriptor(made.prototype, 'poll') ?? {};
      Scheduled({ every: 5 }, options)(made.prototype, 'poll', descriptor);
      return made;
    };
    expect(read([], [anonymous({})]).faults[0]).to.match(/^schedule \.poll: the class has no name/);
    expect(read([], [anonymous({ id: 'nightly' })]).plans[0]?.id).to.equal('nightly');
  });

  it('reads runOnOneInstance', () => {
    const aloneOf = (runOnOneInstance: unknown) =>
      read([], [scheduled({ every: 5 }, { runOnOneInstance })]).plans[0]?.alone;
    expect(aloneOf(false)).to.equal(undefined);
    expect(aloneOf(true)).to.deep.equal({ store: undefined, leaseMs: 60_000 });
    expect(aloneOf({ store: 'redis', lease: '5s' })).to.deep.equal({ store: 'redis', leaseMs: 5000 });
  });

  const faults: readonly [unknown, unknown, RegExp][] = [
    ['20s', {}, /^@Scheduled must be an object of options; got "20s"$/],
    [{}, {}, /^@Scheduled takes either every or cron/],
    [{ every: '20s', cron: '* * * * *' }, {}, /^@Scheduled takes either every or cron/],
    [{ evry: '20s' }, {}, /^unknown option "evry" of @Scheduled\. Did you mean "every"\?/],
    [{ every: 0 }, {}, /^every must be more than 0 ms; got 0$/],
    [{ every: 'often' }, {}, /^every must be milliseconds .* got "often"$/],
    [{ every: '1s', timezone: 'UTC' }, {}, /^timezone belongs to cron/],
    [{ cron: 7 }, {}, /^cron and timezone must be text; got 7/],
    [{ cron: 'often' }, {}, /^cron "often" cannot be followed: /],
    [{ cron: '* * * * *', timezone: 'Mars' }, {}, /^cron "\* \* \* \* \*" in "Mars" cannot be followed: /],
    [{ cron: '0 0 30 2 *' }, {}, /cannot be followed: no moment to come fits/],
    [{ every: '1s' }, 'soon', /^@Scheduled must be an object of options; got "soon"$/],
    [{ every: '1s' }, { now: true }, /^unknown option "now" of @Scheduled/],
    [{ every: '1s' }, { id: '' }, /^id must be a name; got ""$/],
    [{ every: '1s' }, { immediate: 'yes' }, /^immediate must be true or false; got "yes"$/],
    [{ every: '1s' }, { jitter: '1s' }, /^jitter must be shorter than every, which is 1000 ms; got "1s"$/],
    [{ every: '1s' }, { timeout: 0 }, /^timeout must be more than 0 ms; got 0$/],
    [{ every: '1s' }, { runOnOneInstance: 'yes' }, /^runOnOneInstance must be an object of options; got "yes"$/],
    [{ every: '1s' }, { runOnOneInstance: { lease: 0 } }, /^lease must be more than 0 ms; got 0$/],
    [{ every: '1s' }, { runOnOneInstance: { ttl: 1 } }, /^unknown option "ttl" of runOnOneInstance/],
  ];
  for (const [times, options, want] of faults) {
    it(`refuses ${JSON.stringify(times)} with ${JSON.stringify(options)}`, () => {
      const found = read([], [scheduled(times, options)]).faults;
      // What follows an unknown option may be missing as well.
      expect(found[0]?.replace('schedule Polling.poll: ', '')).to.match(want);
    });
  }

  it('refuses what is no class, and classes that belong elsewhere', () => {
    class Nothing {}
    class Listening {
      @Listener('q')
      on(_paid: Paid): void {}
    }
    expect(read([], 'all').faults).to.deep.equal(['schedules must be an array of classes; got "all"']);
    expect(read([], [7, Nothing, Listening]).faults).to.deep.equal([
      'schedules holds 7; expected a class, an instance of one, or what schedule(...) makes',
      'class Nothing: has no method with @Scheduled',
      'class Listening: has @Listener, so that it belongs in listeners',
    ]);
    const problems = new Problems();
    readListeners([scheduled({ every: 5 })], problems);
    expect(problems.list).to.deep.equal([
      'class Polling: has no @Listener, neither on the class nor on a method. It has @Scheduled, and belongs in schedules',
    ]);
  });

  it('refuses two schedules with one id', () => {
    class Two {
      @Scheduled({ every: 5 }, { id: 'same' })
      one(): void {}
      @Scheduled({ every: 5 }, { id: 'same' })
      two(): void {}
    }
    expect(read([], [Two]).faults).to.deep.equal([
      'schedule Two.two: the id "same" is taken by schedule Two.one. Give one of them another',
    ]);
  });

  const misplaced: readonly [string, MethodDecorator][] = [
    ['@UseInterceptors', UseInterceptors((_context, next) => next())],
    ['@SendTo', SendTo('q')],
    ['@Idempotent', Idempotent()],
  ];
  for (const [name, decorator] of misplaced) {
    it(`refuses ${name} on a schedule, alone as well`, () => {
      class Polling {
        @decorator
        @Scheduled({ every: 5 })
        poll(): void {}
      }
      expect(read([], [Polling]).faults).to.deep.equal([
        'schedule Polling.poll: has decorators that are for listeners. Only @Scheduled has a meaning here',
      ]);
    });
  }

  it('refuses methods that are called with a message as well, and what is for listeners only', () => {
    @Listener('all')
    class Mixed {
      @Listener('q')
      @Scheduled({ every: 5 })
      both(_paid: Paid): void {}
      @Handler(Paid)
      @Scheduled({ every: 5 })
      handled(_paid: Paid): void {}
      @Scheduled({ every: 5 })
      parameters(@Context() _context: object): void {}
      @Scheduled({ every: 5 })
      @Idempotent()
      @UseInterceptors((_context, next) => next())
      others(): void {}
    }
    expect(read([Mixed]).faults).to.deep.equal([
      'schedule Mixed.both: has @Listener or @Handler as well, which call it with a message. Let each of two methods do one thing',
      'schedule Mixed.handled: has @Listener or @Handler as well, which call it with a message. Let each of two methods do one thing',
      'schedule Mixed.parameters: has decorated parameters, but there is no message. It is called with an AbortSignal and nothing else',
      'schedule Mixed.others: has decorators that are for listeners. Only @Scheduled has a meaning here',
    ]);
  });

  it('refuses @Scheduled where no method is', () => {
    class Wrong {
      @Scheduled({ every: 5 })
      static poll(): void {}
      other(): void {}
    }
    expect(read([], [Wrong]).faults).to.deep.equal([
      'class Wrong: @Scheduled is on the static method poll. Listeners are methods of instances: remove static.',
    ]);
  });
});
