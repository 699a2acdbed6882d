import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { AcknowledgeMessage, RejectMessage, RequeueMessage } from '../errors/outcome-signal.js';
import type { InHand } from './at-pause.js';
import { ACK, fails, finish, GIVE_BACK, Journey, REJECT, start } from './journey.support.test.js';
import type { ListenerParts } from './listener-harness.support.test.js';

/** A delivery whose listener takes every failure that it hears of for the fault of an outage, and is paused for it. */
function inOutage(parts: ListenerParts, inHand: InHand = 'keep', of = {}) {
  const journey = new Journey(parts, { messageId: 'm-1', ...of });
  const heard: [error: unknown, moment: number, failures: number][] = [];
  const flow = {
    ...{ inHand: undefined as InHand | undefined, isOutage: false, rate: undefined, moment: 7, succeeded: () => {} },
    failed(error: unknown, moment: number, failures: number) {
      heard.push([error, moment, failures]);
      Object.assign(flow, { inHand, isOutage: true });
      return true;
    },
  };
  Object.assign(journey.env, { flow });
  return { journey, heard };
}

describe('the journey of a delivery in an outage', () => {
  const error = new Error('database is down');

  it('is kept unsettled, and is as good as not tried: nothing is remembered of it', async () => {
    const { journey, heard } = inOutage({ handle: fails(error), retry: { stateless: false } }, 'keep', {
      redelivered: true,
    });
    journey.attempts.record('m-1', new Error('before'), journey.clock.now());
    const process = journey.next();
    const state = start(process);
    await journey.clock.advance(10_000);
    expect([state.ended, process.isPutOff, journey.frames, journey.attempts.size]).to.deep.equal([true, true, [], 0]);
    expect(heard).to.deep.equal([[error, 7, 2]]);
    expect(journey.counted).to.include({ received: 1, failed: 1, putOff: 1 });
  });

  it('goes back to its queue where that costs nothing', async () => {
    const { journey } = inOutage({ handle: fails(error) }, 'give-back');
    const process = journey.next();
    await finish(journey, process);
    expect([process.isPutOff, journey.frames]).to.deep.equal([false, [GIVE_BACK]]);
    expect(journey.event('given-back').reason).to.equal('outage');
  });

  it('has what its handler decided about the message itself, which says nothing of an outage', async () => {
    for (const [signal, frame] of [
      [new RejectMessage('never'), REJECT],
      [new AcknowledgeMessage(), ACK],
    ] as const) {
      const { journey, heard } = inOutage({ handle: fails(signal) });
      await finish(journey, journey.next());
      expect([journey.frames, heard]).to.deep.equal([[frame], []]);
    }
    const { journey, heard } = inOutage({ handle: fails(new RequeueMessage('later')) });
    start(journey.next());
    await turn();
    expect([heard.length, journey.counted]).to.deep.equal([1, { received: 1, failed: 1, putOff: 1 }]);
  });

  it('is not heard of when its channel went, where the broker delivers it again', async () => {
    const gone: ListenerParts = {
      handle: () => {
        journeyOf.current?.channel.close();
        throw error;
      },
    };
    const journeyOf: { current: Journey | undefined } = { current: undefined };
    const auto = inOutage(gone);
    journeyOf.current = auto.journey;
    await finish(auto.journey, auto.journey.next());
    expect([auto.heard, auto.journey.types.at(-1)]).to.deep.equal([[], 'channel-gone']);

    const none = inOutage({ ...gone, policy: { acknowledge: 'none' } });
    journeyOf.current = none.journey;
    const process = none.journey.next();
    start(process);
    await turn();
    expect([none.heard.length, process.isPutOff]).to.deep.equal([1, true]);
  });

  it('is not heard of when its message could not be read', async () => {
    const { journey, heard } = inOutage({ route: { convert: fails(error) } });
    await finish(journey, journey.next());
    expect([heard, journey.frames]).to.deep.equal([[], [REJECT]]);
  });
});

describe('the journey of a delivery whose channel goes', () => {
  it('remembers no attempt of a message that could not be read', async () => {
    const journey: Journey = new Journey(
      {
        retry: {},
        route: {
          convert: () => {
            journey.channel.close();
            throw new Error('not JSON');
          },
        },
      },
      { messageId: 'm-1' },
    );
    await finish(journey, journey.next());
    expect([journey.types.at(-1), journey.attempts.size]).to.deep.equal(['channel-gone', 0]);
  });
});
