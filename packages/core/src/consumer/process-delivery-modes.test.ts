import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { LeveretError } from '../errors/leveret-error.js';
import { AcknowledgeMessage, RejectMessage, RequeueMessage } from '../errors/outcome-signal.js';
import { republish } from '../recoverer/republish-recoverer.js';
import { ACK, fails, finish, GIVE_BACK, Journey, REJECT, REQUEUE, start, travel } from './journey.support.test.js';

describe('the journey of a delivery in other modes', () => {
  describe('in manual mode', () => {
    const manual = { policy: { acknowledge: 'manual' } } as const;

    it('sends what the handler says, and nothing by itself', async () => {
      const cases: readonly [(context: DeliveryContext) => unknown, readonly string[]][] = [
        [(context) => context.ack(), [ACK]],
        [(context) => context.requeue(), [REQUEUE]],
        [(context) => context.requeue({ failed: false }), [GIVE_BACK]],
        [(context) => context.reject(), [REJECT]],
        [() => undefined, []],
      ];
      for (const [handle, want] of cases) {
        const { frames, counted } = await travel({ ...manual, handle });
        expect(frames).to.deep.equal(want);
        expect(counted).to.deep.equal({ received: 1, handled: 1 });
      }
    });

    it('answers whether a frame was sent: once, and never on a channel that is gone [spring 13, 14]', async () => {
      const answers: boolean[] = [];
      const journey: Journey = new Journey({
        ...manual,
        handle: (context) => {
          answers.push(context.ack(), context.ack());
        },
      });
      await finish(journey, journey.next());
      expect(answers).to.deep.equal([true, false]);
      expect(journey.frames).to.deep.equal([ACK]);
      journey.channel.close();
      await finish(journey, journey.next());
      expect(answers).to.deep.equal([true, false, false, false]);
      expect(journey.frames).to.deep.equal([ACK]);
    });

    it('refuses to settle differently the second time', async () => {
      const { frames, event } = await travel({
        ...manual,
        handle: (context) => {
          context.ack();
          context.reject();
        },
      });
      expect(frames).to.deep.equal([ACK]);
      const error = event('failed').error as LeveretError;
      expect(error.code).to.equal('LEV_ALREADY_SETTLED');
      expect(error.message).to.contain('settled with ack before; reject is refused');
    });

    it('leaves a delivery unsettled whose handler fails without settling, and says so', async () => {
      const { frames, counted, logger } = await travel({ ...manual, handle: fails() });
      expect(frames).to.deep.equal([]);
      expect(counted).to.deep.equal({ received: 1, failed: 1, leftUnsettled: 1 });
      expect(logger.said).to.include(
        'error: handler failed in manual mode without settling; the message stays unacknowledged',
      );
    });

    it('keeps what the handler settled before it failed, and reports a signal that contradicts it', async () => {
      const settleThen = (error: Error) => (context: DeliveryContext) => {
        context.ack();
        throw error;
      };
      const plain = await travel({ ...manual, handle: settleThen(new Error('later')) });
      expect([plain.frames, plain.counted]).to.deep.equal([[ACK], { received: 1, failed: 1, acknowledged: 1 }]);
      const conflict = await travel({ ...manual, handle: settleThen(new RequeueMessage()) });
      expect([conflict.frames, conflict.counted]).to.deep.equal([
        [ACK],
        { received: 1, failed: 1, settleConflicts: 1 },
      ]);
    });

    it('reports no conflict when the handler settled and then failed at the deadline', async () => {
      const journey: Journey = new Journey({
        ...manual,
        handle: (context) => {
          context.ack();
          process.interrupt('deadline');
          throw new Error('aborted');
        },
      });
      const process = journey.next();
      await finish(journey, process);
      expect([journey.frames, journey.counted]).to.deep.equal([[ACK], { received: 1, failed: 1, acknowledged: 1 }]);
    });

    it('says what the handler settled before it failed', async () => {
      const cases: readonly [(context: DeliveryContext) => unknown, object][] = [
        [(context) => context.requeue(), { requeued: 1 }],
        [(context) => context.requeue({ failed: false }), { givenBack: 1 }],
        [(context) => context.reject(), { rejected: 1 }],
      ];
      for (const [settle, counts] of cases) {
        const handle = (context: DeliveryContext) => {
          settle(context);
          throw new Error('later');
        };
        const { counted } = await travel({ ...manual, handle });
        expect(counted).to.deep.equal({ received: 1, failed: 1, ...counts });
      }
    });

    it('refuses the handler to settle in any other mode', async () => {
      for (const acknowledge of ['auto', 'none'] as const) {
        const { event } = await travel({ policy: { acknowledge }, handle: (context) => context.ack() });
        const error = event('failed').error as LeveretError;
        expect(error.code).to.equal('LEV_INVALID_STATE');
        expect(error.message).to.contain(`runs in ${acknowledge} mode`);
      }
    });
  });

  describe('in none mode', () => {
    const none = { policy: { acknowledge: 'none' } } as const;

    it('sends nothing when the handler returns', async () => {
      const { frames, counted } = await travel({ ...none, handle: () => 'value' });
      expect([frames, counted]).to.deep.equal([[], { received: 1, handled: 1 }]);
    });

    it('says that it is over when the handler asks for an ack of what failed', async () => {
      const { frames, counted, event } = await travel({ ...none, handle: fails(new AcknowledgeMessage('never mind')) });
      expect([frames, counted]).to.deep.equal([[], { received: 1, failed: 1, acknowledged: 1 }]);
      expect(event('acknowledged').error).to.be.an('error').with.property('message', 'never mind');
    });

    it('says of every failure that is not safe elsewhere that the message is gone', async () => {
      for (const handle of [fails(), fails(new RejectMessage()), fails(new RequeueMessage())]) {
        const { frames, counted } = await travel({ ...none, handle });
        expect([frames, counted]).to.deep.equal([[], { received: 1, failed: 1, dropped: 1 }]);
      }
    });

    it('retries and recovers as ever, the channel being gone or not', async () => {
      const journey: Journey = new Journey({
        ...none,
        retry: {},
        recover: republish('errors').recover,
        handle: () => {
          journey.channel.close();
          throw new Error('broken');
        },
      });
      await finish(journey, journey.next());
      expect(journey.frames).to.deep.equal([]);
      expect(journey.publisher.sent).to.have.lengthOf(1);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 3, retried: 2, recovered: 1 });
    });

    it('tries at once what waits when the listener stops: it cannot be given back', async () => {
      const journey = new Journey({
        ...none,
        retry: {},
        handle: ({ attempt }) => {
          if (attempt === 1) throw new Error('not yet');
        },
      });
      const process = journey.next();
      const state = start(process);
      await turn();
      process.interrupt('stopping');
      await turn();
      expect(state.ended).to.equal(true);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 1, retried: 1, handled: 1 });
    });

    it('says at the deadline what is gone, and why', async () => {
      const error = new Error('broken');
      const journey = new Journey({ ...none, retry: {}, handle: fails(error) });
      const process = journey.next();
      start(process);
      await turn();
      process.interrupt('deadline');
      await turn();
      expect(journey.frames).to.deep.equal([]);
      expect(journey.event('dropped')).to.include({ error, reason: 'stopping' });
    });

    it('still recovers at the deadline', async () => {
      const journey: Journey = new Journey({
        ...none,
        retry: { maxAttempts: 1 },
        recover: republish('errors').recover,
        handle: () => {
          process.interrupt('deadline');
          throw new Error('broken');
        },
      });
      const process = journey.next();
      await finish(journey, process);
      expect(journey.publisher.sent).to.have.lengthOf(1);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 1, recovered: 1 });
    });
  });
});
