import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { ManagementReader } from '../management/management-reader.js';
import type { OperationsSession } from '../session/operations-session.js';
import { HandClock } from '../test-support/hand-clock.js';
import { Hands } from './hands.js';

describe('Hands', () => {
  let clock: HandClock;
  /** What the API says of consumers and of messages in hand, by the time. */
  let consumers: (ms: number) => number | undefined;
  let unacked: (ms: number) => number | undefined;
  let hands: Hands;
  beforeEach(() => {
    clock = new HandClock();
    [consumers, unacked] = [() => 0, () => 0];
    const reader = { queueCounts: async () => ({ consumers: consumers(clock.ms), unacked: unacked(clock.ms) }) };
    hands = new Hands({ clock } as unknown as OperationsSession, reader as unknown as ManagementReader, 'q');
  });

  it('looks ten times a second whether the API has seen its consumer', async () => {
    consumers = (ms) => (ms >= 250 ? 1 : 0);
    const seen: boolean[] = [];
    while (seen.at(-1) !== true) seen.push(await clock.through(hands.seesUs()));
    expect(seen).to.deep.equal([false, false, false, true]);
    expect(clock.ms).to.equal(300);
  });

  it('believes what is said of messages once as long has passed again as the consumer was seen', async () => {
    consumers = (ms) => (ms >= 100 && ms < 2_100 ? 1 : 0);
    while (!(await clock.through(hands.seesUs())));
    // What was moved meanwhile took its time.
    await clock.advance(1_500);
    while (!(await clock.through(hands.seesUs())));
    // Seen from 100 to 2,100 ms: by 4,100 ms the other count is later, too.
    unacked = (ms) => (ms >= 4_000 ? 2 : 9);
    expect(await clock.through(hands.held(undefined))).to.equal(2);
    expect(clock.ms).to.be.within(4_100, 4_200);
  });

  it('takes what the API does not count for nothing in hand', async () => {
    unacked = () => undefined;
    expect(await clock.through(hands.held(undefined))).to.equal(0);
  });

  it('waits no longer when it is told to stop', async () => {
    consumers = (ms) => (ms < 500 ? 1 : 0);
    await clock.through(hands.seesUs());
    const stopping = new AbortController();
    const held = hands.held(stopping.signal);
    await clock.advance(600);
    stopping.abort();
    await clock.through(held);
    expect(clock.ms).to.be.below(750);
  });

  it('says after a minute that nobody knows', async () => {
    consumers = () => 1;
    await clock.through(hands.seesUs());
    const error = (await clock.through(hands.held(undefined).catch((thrown: unknown) => thrown))) as Error;
    expect(error).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
    expect(error.message).to.contain('has not heard of the consumers of queue "q" for 60000 ms');
    expect(clock.ms).to.equal(60_000);
  });

  it('takes an API that counts nothing for one that has not heard yet', async () => {
    consumers = () => undefined;
    expect(await clock.through(hands.seesUs())).to.equal(false);
    const error = await clock.through(hands.held(undefined).catch((thrown: unknown) => thrown));
    expect(error).to.include({ code: 'LEV_OPERATION_INTERRUPTED' });
  });
});
