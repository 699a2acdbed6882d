import { type DelayedPublishes, type ListenerContainer, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { WaitingWatch } from './waiting-watch.js';

function watching(waitingQueues: readonly string[]) {
  const clock = new FakeClock();
  const looks: unknown[] = [];
  const errors: object[] = [];
  const state: { stranded: { messages: number } | undefined } = { stranded: undefined };
  const delayed = { look: async (queues: readonly string[], at: number) => void looks.push([queues, at]) };
  const logger = { ...silentLogger, error: (fields: object) => errors.push(fields) };
  const listener = { waitingQueues, inspect: () => ({ redelivery: { stranded: state.stranded } }) };
  const watch = new WaitingWatch(delayed as unknown as DelayedPublishes, logger, clock);
  return { watch, clock, looks, errors, state, listeners: [listener] as unknown as ListenerContainer[] };
}

describe('WaitingWatch', () => {
  it('looks at the start and every 10 s, until it is stopped', async () => {
    const { watch, clock, looks, listeners } = watching(['a', 'b']);
    const startedAt = clock.now();
    watch.start(listeners);
    await clock.advance(10_000);
    expect(looks).to.deep.equal([
      [['a', 'b'], startedAt],
      [['a', 'b'], startedAt + 10_000],
    ]);
    watch.stop();
    expect(clock.waits.length).to.equal(0);
    await clock.advance(60_000);
    expect(looks).to.have.length(2);
  });

  it('looks for nothing where nothing can wait', () => {
    const { watch, clock, looks, listeners } = watching([]);
    watch.start(listeners);
    expect([looks.length, clock.waits.length]).to.deep.equal([0, 0]);
  });

  it('tells of messages that are stranded, and again when there are more', async () => {
    const { watch, clock, errors, state, listeners } = watching(['a']);
    watch.start(listeners);
    for (const messages of [2, 2, 1, 3]) {
      state.stranded = { messages };
      await clock.advance(10_000);
    }
    expect(errors).to.deep.equal([{ messages: 2 }, { messages: 3 }]);
    watch.stop();
  });
});
