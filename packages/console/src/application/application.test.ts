import type { ListenerSnapshot } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { MaskPaths } from '../mask/mask-paths.js';
import type { ConsoleApplication, ConsoleOutbox, ConsoleOutboxRow } from './console-application.js';
import { hintOf, ListenerView } from './show-listeners.js';
import { countOutbox, showOutbox } from './show-outbox.js';
import { showSchedules } from './show-schedules.js';

const snapshot = (parts: object = {}) =>
  ({
    ...{ id: 'L', queue: 'q', state: 'running', atWork: 2, concurrency: 4, attached: 1, wanted: 1 },
    counts: { handled: 10, failed: 1, recovered: 3 },
    ...parts,
  }) as unknown as ListenerSnapshot;

describe('ListenerView', () => {
  it('shows what a listener does, and from the second look on how fast', () => {
    const clock = new FakeClock();
    let counts = { handled: 10, failed: 1, recovered: 3 };
    const listener = { id: 'L', inspect: () => snapshot({ counts, paused: { reason: 'lunch', by: 'person' } }) };
    const view = new ListenerView({ listeners: { all: [listener] } } as unknown as ConsoleApplication, clock);
    expect(view.all()).to.deep.equal([
      {
        ...{ id: 'L', queue: 'q', state: 'running', concurrency: 4, busy: 2 },
        ...{ handledPerSecond: undefined, failedPerSecond: undefined, handled: 10, failed: 1, parked: 3 },
        ...{ pausedBecause: 'lunch', hint: 'Somebody has paused it. Messages wait in its queue.' },
      },
    ]);
    clock.pass(1_000);
    counts = { handled: 30, failed: 6, recovered: 3 };
    expect(view.all()[0]).to.include({ handledPerSecond: 20, failedPerSecond: 5, handled: 30, failed: 6 });
  });
});

describe('hintOf', () => {
  const lastError = new Error('refused by amqp://guest:secret@host');
  const stranded = (messages: number) => ({ redelivery: { stranded: { queue: 'leveret.stranded', messages } } });
  const hints: readonly [string, object, string | undefined][] = [
    ['well', {}, undefined],
    ['failed', { state: 'failed' }, 'It failed, and does not come back by itself'],
    ['failed, and said why', { state: 'failed', lastError }, 'does not come back by itself: refused by amqp://'],
    ['paused by its kill switch', { paused: { by: 'kill-switch' } }, 'Its kill switch has paused it'],
    ['paused', { paused: { by: 'person' } }, 'Somebody has paused it'],
    ['not attached', { attached: 1, wanted: 3 }, '2 of 3 consumers are not attached'],
    ['not attached, and said why', { attached: 0, lastError }, '1 of 1 consumers are not attached: refused'],
    ['not attached because it is starting', { state: 'starting', attached: 0 }, undefined],
    ['without stranded messages', stranded(0), undefined],
    ['with stranded messages', stranded(4), '4 messages wait in leveret.stranded'],
  ];
  for (const [what, parts, expected] of hints) {
    it(`says ${expected === undefined ? 'nothing' : 'what a person should know'} of a listener that is ${what}`, () => {
      const hint = hintOf(snapshot(parts));
      if (expected === undefined) expect(hint).to.equal(undefined);
      else expect(hint).to.contain(expected).and.not.contain('secret');
    });
  }
});

describe('showSchedules', () => {
  it('shows when each ran last, with what result, and when it runs next', () => {
    const counts = { succeeded: 1, failed: 2, skipped: 3, elsewhere: 4 };
    const schedule = (id: string, last: object | undefined) => ({
      ...{ id, timing: 'every 5s', state: 'waiting', nextAt: 9, last, counts },
    });
    const all = [
      schedule('new', undefined),
      schedule('well', { at: 1, durationMs: 2, error: undefined }),
      schedule('failed', { at: 1, durationMs: 2, error: new TypeError('amqp://u:secret@h is away') }),
      schedule('odd', { at: 1, durationMs: 2, error: 'x'.repeat(2_000) }),
    ];
    const shown = showSchedules({ schedules: { inspect: () => all } } as unknown as ConsoleApplication);
    expect(shown[0]).to.deep.equal({
      ...{ id: 'new', state: 'waiting', rule: 'every 5s', nextRun: 9, counts },
      ...{ lastRun: undefined, lastDurationMs: undefined, lastResult: undefined },
    });
    expect(shown[1]).to.include({ lastRun: 1, lastDurationMs: 2, lastResult: 'succeeded' });
    expect(shown[2]?.lastResult)
      .to.match(/^TypeError: /)
      .and.not.contain('secret');
    expect(shown[3]?.lastResult).to.have.lengthOf(1_000);
  });
});

describe('showOutbox', () => {
  const MASK = { paths: new MaskPaths([]), showUnreadable: false };
  const row = (id: number, parts: Partial<ConsoleOutboxRow> = {}): ConsoleOutboxRow => ({
    ...{ id, messageId: `m${id}`, exchange: 'ex', routingKey: 'k', orderKey: undefined },
    ...{ createdAt: new Date(1), parkedAt: new Date(2), error: 'refused by amqp://u:secret@h' },
    publication: { body: Buffer.from('{"a":1}'), headers: {} },
    ...parts,
  });
  const outbox = (count: number, parts: Partial<ConsoleOutboxRow> = {}) => {
    const asked: object[] = [];
    const made: ConsoleOutbox = {
      counts: async () => ({ pending: 5, scheduled: 1, parked: 2, heldUp: 3, oldestPendingMs: 7.4 }),
      parked: async (options) => {
        asked.push(options);
        return Array.from({ length: count }, (_, index) => row(index + 1, parts));
      },
      requeue: async () => 0,
    };
    return { made, asked };
  };

  it('counts, in whole milliseconds', async () => {
    expect(await countOutbox(outbox(0).made)).to.deep.equal({
      ...{ waiting: 5, scheduled: 1, parked: 2, heldUp: 3, oldestMs: 7 },
    });
  });

  it('shows a hundred rows at a time, and says where the next page begins', async () => {
    const full = outbox(100);
    expect((await showOutbox(full.made, 7, MASK)).next).to.equal(100);
    expect(full.asked).to.deep.equal([{ limit: 100, afterId: 7 }]);
    expect((await showOutbox(outbox(99).made, 0, MASK)).next).to.equal(undefined);
    expect((await showOutbox(outbox(0).made, 0, MASK)).rows).to.deep.equal([]);
  });

  it('shows a row without what is secret, and one that cannot be read', async () => {
    const [shown] = (await showOutbox(outbox(1).made, 0, MASK)).rows;
    expect(shown).to.include({ id: 1, messageId: 'm1', exchange: 'ex', routingKey: 'k', createdAt: 1, parkedAt: 2 });
    expect(shown?.error).to.contain('refused by').and.not.contain('secret');
    expect(shown?.preview).to.contain('"a"');
    const [torn] = (await showOutbox(outbox(1, { publication: undefined }).made, 0, MASK)).rows;
    expect(torn?.preview).to.equal('This row cannot be read.');
    expect(torn?.error).to.not.contain('secret');
  });
});
