import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { LeveretError } from '../errors/leveret-error.js';
import { AcknowledgeMessage, RejectMessage, RequeueMessage } from '../errors/outcome-signal.js';
import { ACK, finish, GIVE_BACK, Journey, REJECT, REQUEUE, start, travel } from './journey.support.test.js';
import { type ListenerParts } from './listener-harness.support.test.js';

describe('the journey of a delivery that is interrupted', () => {
  describe('with a time limit', () => {
    const definition = { timeoutMs: 100 };

    it('counts reading that takes longer as a failure, and goes on', async () => {
      const journey = new Journey({ definition, route: { convert: () => new Promise(() => {}) } });
      const state = start(journey.next());
      await journey.clock.advance(100);
      expect(state.ended).to.equal(true);
      expect(journey.frames).to.deep.equal([REQUEUE]);
      expect(journey.event('failed').error).to.have.property('code', 'LEV_VALIDATION_TIMEOUT');
      expect(journey.clock.waits).to.deep.equal([]);
    });

    it('fires the signal and counts as a failure when the time is up', async () => {
      const signals: AbortSignal[] = [];
      const journey = new Journey({
        definition,
        handle: ({ signal }) => {
          signals.push(signal);
          return new Promise(() => {});
        },
      });
      const state = start(journey.next());
      await journey.clock.advance(99);
      expect(signals[0]?.aborted).to.equal(false);
      await journey.clock.advance(1);
      expect(state.ended).to.equal(true);
      expect(signals[0]?.aborted).to.equal(true);
      expect(signals[0]?.reason).to.have.property('code', 'LEV_HANDLER_TIMEOUT');
      expect(journey.event('failed').error).to.equal(signals[0]?.reason);
      expect(journey.frames).to.deep.equal([REQUEUE]);
    });

    it('gives every attempt its own time and its own signal', async () => {
      const signals: AbortSignal[] = [];
      const { frames } = await travel({
        definition,
        retry: { maxAttempts: 2 },
        handle: (context) => {
          signals.push(context.signal);
          return context.attempt === 1 ? new Promise(() => {}) : undefined;
        },
      });
      expect(frames).to.deep.equal([ACK]);
      expect(signals.map(({ aborted }) => aborted)).to.deep.equal([true, false]);
    });

    it('leaves no timer behind when the handler is in time', async () => {
      const { frames } = await travel({ definition, handle: async () => {} });
      expect(frames).to.deep.equal([ACK]);
    });
  });

  describe('when it is interrupted while the handler runs', () => {
    function running(parts: ListenerParts = {}) {
      const journey = new Journey({
        ...parts,
        handle: ({ signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason));
          }),
      });
      const process = journey.next();
      return { journey, process, state: start(process) };
    }

    it('lets the handler go on when the listener is merely stopping', async () => {
      const { journey, process, state } = running();
      await turn();
      process.interrupt('stopping');
      await turn();
      expect(state.ended).to.equal(false);
      expect(journey.frames).to.deep.equal([]);
    });

    it('fires the signal at the deadline, and gives back what failed because of it', async () => {
      for (const parts of [
        {},
        { policy: { defaultRequeueRejected: false } },
        { retry: {} },
        { retry: { maxAttempts: 1 } },
      ]) {
        const { journey, process, state } = running(parts);
        await turn();
        process.interrupt('stopping');
        process.interrupt('deadline');
        await turn();
        expect(state.ended).to.equal(true);
        expect(journey.frames).to.deep.equal([GIVE_BACK]);
        expect(journey.counted).to.deep.equal({ received: 1, failed: 1, givenBack: 1 });
      }
    });

    it('fires the signal when the channel is gone, and settles nothing', async () => {
      const { journey, process, state } = running({ retry: {} });
      await turn();
      journey.channel.close();
      process.interrupt('channel-gone');
      await turn();
      expect(state.ended).to.equal(true);
      expect((journey.event('failed').error as LeveretError).code).to.equal('LEV_CHANNEL_CLOSED');
      expect(journey.frames).to.deep.equal([]);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 1, channelGone: 1 });
    });

    it('gives a signal that has fired, with its reason, to a handler that asks for it only then', async () => {
      let signal: AbortSignal | undefined;
      let goOn: () => void = () => {};
      const journey = new Journey({
        handle: async (context) => {
          await new Promise<void>((resolve) => {
            goOn = resolve;
          });
          signal = context.signal;
        },
      });
      const process = journey.next();
      start(process);
      await turn();
      process.interrupt('channel-gone');
      goOn();
      await turn();
      expect(signal?.aborted).to.equal(true);
      expect(signal?.reason).to.have.property('code', 'LEV_CHANNEL_CLOSED');
    });

    it('still does at the deadline what the handler asks for', async () => {
      for (const [signal, frame] of [
        [new AcknowledgeMessage(), ACK],
        [new RejectMessage(), REJECT],
        [new RequeueMessage(), REQUEUE],
      ] as const) {
        const journey: Journey = new Journey({
          handle: () => {
            process.interrupt('deadline');
            throw signal;
          },
        });
        const process = journey.next();
        await finish(journey, process);
        expect(journey.frames).to.deep.equal([frame]);
      }
    });

    it('acknowledges what is done at the deadline all the same', async () => {
      const journey: Journey = new Journey({ handle: () => process.interrupt('deadline') });
      const process = journey.next();
      await finish(journey, process);
      expect(journey.frames).to.deep.equal([ACK]);
    });

    it('hands a signal that has fired to a handler that is called after the deadline', async () => {
      let fired: boolean | undefined;
      const journey = new Journey({
        route: {
          convert: async () => {
            await turn();
            return 'late';
          },
        },
        handle: ({ signal }) => {
          fired = signal.aborted;
        },
      });
      const process = journey.next();
      const state = start(process);
      process.interrupt('deadline');
      process.interrupt('stopping');
      await turn();
      await turn();
      expect([state.ended, fired]).to.deep.equal([true, true]);
    });
  });
});
