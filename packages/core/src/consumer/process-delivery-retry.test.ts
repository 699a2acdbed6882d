import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { LeveretError } from '../errors/leveret-error.js';
import { MessageConversionError } from '../errors/message-error.js';
import { AcknowledgeMessage, RejectMessage } from '../errors/outcome-signal.js';
import { composeInterceptors } from '../interceptor/compose-interceptors.js';
import type { FailedDelivery } from '../recoverer/recoverer.js';
import { immediateRequeue, rejectAndDontRequeue } from '../recoverer/reject-recoverer.js';
import { republish } from '../recoverer/republish-recoverer.js';
import { ACK, fails, finish, GIVE_BACK, Journey, REJECT, REQUEUE, start, travel } from './journey.support.test.js';
import { type ListenerParts } from './listener-harness.support.test.js';

describe('the journey of a delivery that fails', () => {
  describe('with stateless retry', () => {
    it('calls the handler maxAttempts times, waiting in between, then the recoverer [spring 27]', async () => {
      const calledAt: number[] = [];
      const failures: FailedDelivery[] = [];
      const journey: Journey = new Journey({
        retry: {},
        handle: ({ attempt }) => {
          calledAt.push(journey.clock.now());
          throw new Error(`attempt ${attempt}`);
        },
        recover: (failure) => void failures.push(failure),
      });
      const began = journey.clock.now();
      await finish(journey, journey.next());
      expect(calledAt.map((at) => at - began)).to.deep.equal([0, 1000, 3000]);
      expect(failures).to.have.lengthOf(1);
      expect(failures[0]).to.include({
        reason: 'exhausted',
        attempts: 3,
        listenerId: 'Orders.onPaid',
        queue: 'orders',
        firstFailedAt: began,
        lastFailedAt: began + 3000,
        publisher: journey.publisher,
      });
      expect(failures[0]?.error).to.be.an('error').with.property('message', 'attempt 3');
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.types).to.deep.equal([
        'received',
        'failed',
        'retried',
        'failed',
        'retried',
        'failed',
        'recovered',
      ]);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 3, retried: 2, recovered: 1 });
    });

    it('acknowledges when a later attempt works, having read the payload once', async () => {
      let conversions = 0;
      const { frames, event } = await travel({
        retry: {},
        route: { convert: () => ++conversions },
        handle: ({ attempt }) => {
          if (attempt < 3) throw new Error('not yet');
        },
      });
      expect(frames).to.deep.equal([ACK]);
      expect(conversions).to.equal(1);
      expect(event('handled')).to.include({ attempts: 3 });
    });

    it('runs the interceptors around every attempt', async () => {
      const seen: string[] = [];
      const invoke = composeInterceptors(
        [
          async (context, next) => {
            seen.push(`before ${context.attempt}`);
            return next().finally(() => seen.push(`after ${context.attempt}`));
          },
        ],
        fails(),
      );
      await travel({ retry: { maxAttempts: 2 }, route: { invoke } });
      expect(seen).to.deep.equal(['before 1', 'after 1', 'before 2', 'after 2']);
    });

    it('goes to the recoverer at once with what is not worth another attempt', async () => {
      const { frames, event, counted } = await travel({ retry: { retryable: () => false }, handle: fails() });
      expect(frames).to.deep.equal([REJECT]);
      expect(event('recovered')).to.include({ reason: 'not-retryable', outcome: 'reject' });
      expect(counted).to.deep.equal({ received: 1, failed: 1, recovered: 1, rejected: 1 });
    });

    it('calls the handler exactly maxAttempts times, whatever the number', async () => {
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: 1, max: 12 }), async (maxAttempts) => {
          let calls = 0;
          const handle = () => {
            calls++;
            throw new Error('broken');
          };
          const { frames } = await travel({ retry: { maxAttempts }, handle });
          expect([calls, frames]).to.deep.equal([maxAttempts, [REJECT]]);
        }),
        { numRuns: 15 },
      );
    });

    it('holds the delivery and no longer waits when the listener stops: it is given back', async () => {
      const journey = new Journey({ retry: {}, handle: fails() });
      const process = journey.next();
      const state = start(process);
      await journey.clock.advance(500);
      expect(journey.frames).to.deep.equal([]);
      process.interrupt('stopping');
      await turn();
      expect(state.ended).to.equal(true);
      expect(journey.frames).to.deep.equal([GIVE_BACK]);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 1, retried: 1, givenBack: 1 });
      expect(journey.clock.waits).to.deep.equal([]);
    });

    it('settles nothing when the channel goes during a wait', async () => {
      const journey = new Journey({ retry: {}, handle: fails() });
      const process = journey.next();
      const state = start(process);
      await journey.clock.advance(500);
      journey.channel.close();
      process.interrupt('channel-gone');
      process.interrupt('stopping');
      await turn();
      expect(state.ended).to.equal(true);
      expect(journey.frames).to.deep.equal([]);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 1, retried: 1, channelGone: 1 });
    });

    it('does not try again when the channel went during the attempt, and asks no recoverer', async () => {
      const journey: Journey = new Journey({
        retry: { maxAttempts: 1 },
        recover: () => expect.fail('recovered'),
        handle: () => {
          journey.channel.close();
          throw new Error('connection lost');
        },
      });
      await finish(journey, journey.next());
      expect(journey.frames).to.deep.equal([]);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 1, channelGone: 1 });
    });
  });

  describe('with stateful retry', () => {
    const stateful = { stateless: false } as const;

    /** Delivers the message again and again until it is not requeued; answers the frames. */
    async function deliverUntilSettled(journey: Journey): Promise<readonly string[]> {
      for (let n = 1; n <= 20; n++) {
        await finish(journey, journey.next({ redelivered: n > 1 }));
        if (journey.frames.at(-1) !== REQUEUE) break;
      }
      return journey.frames;
    }

    it('counts attempts over redeliveries, waits before each, and recovers with the last [spring 29, 32]', async () => {
      const attempts: number[] = [];
      const failures: FailedDelivery[] = [];
      const journey = new Journey(
        {
          retry: stateful,
          handle: ({ attempt }) => {
            attempts.push(attempt);
            throw new Error(`attempt ${attempt}`);
          },
          recover: (failure) => void failures.push(failure),
        },
        { messageId: 'm-1' },
      );
      const began = journey.clock.now();
      expect(await deliverUntilSettled(journey)).to.deep.equal([REQUEUE, REQUEUE, ACK]);
      expect(attempts).to.deep.equal([1, 2, 3]);
      expect(failures).to.have.lengthOf(1);
      expect(failures[0]).to.include({ reason: 'exhausted', attempts: 3, firstFailedAt: began });
      expect(failures[0]?.error).to.be.an('error').with.property('message', 'attempt 3');
      expect(journey.attempts.size).to.equal(0);
      expect(journey.counted).to.deep.equal({ received: 3, failed: 3, retried: 2, requeued: 2, recovered: 1 });
      const waits = journey.happened.flatMap((event) =>
        event.type === 'retried' ? [[event.attempt, event.delayMs, (event.error as Error).message]] : [],
      );
      expect(waits).to.deep.equal([
        [1, 1000, 'attempt 1'],
        [2, 2000, 'attempt 2'],
      ]);
    });

    it('waits the interval before a redelivery, and gives back when it stops meanwhile', async () => {
      const journey = new Journey({ retry: stateful, handle: fails() }, { messageId: 'm-1' });
      await finish(journey, journey.next());
      const process = journey.next({ redelivered: true });
      const state = start(process);
      await turn();
      expect([journey.clock.waits, journey.clock.waitsForUs]).to.deep.equal([[1000], [1000]]);
      process.interrupt('stopping');
      await turn();
      expect(state.ended).to.equal(true);
      expect(journey.frames).to.deep.equal([REQUEUE, GIVE_BACK]);
      expect(journey.attempts.find('m-1', true)?.failures).to.equal(1);
    });

    it('does not call the handler again when its attempts are used up but the recoverer failed [spring 33]', async () => {
      let calls = 0;
      let recoveries = 0;
      const errors: unknown[] = [];
      const journey = new Journey(
        {
          retry: stateful,
          handle: () => {
            calls++;
            throw new Error(`attempt ${calls}`);
          },
          recover: ({ error, attempts }) => {
            errors.push(`${(error as Error).message} of ${attempts}`);
            if (++recoveries < 3) throw new Error('exchange missing');
          },
        },
        { messageId: 'm-1' },
      );
      expect(await deliverUntilSettled(journey)).to.deep.equal([REQUEUE, REQUEUE, REQUEUE, REQUEUE, ACK]);
      expect([calls, recoveries]).to.deep.equal([3, 3]);
      expect(errors).to.deep.equal(Array(3).fill('attempt 3 of 3'));
      expect(journey.attempts.size).to.equal(0);
    });

    it('goes straight to the recoverer again after a failed recovery of what is not retryable [spring 34]', async () => {
      let calls = 0;
      let recoveries = 0;
      const journey = new Journey(
        {
          retry: { ...stateful, retryable: () => false },
          handle: () => {
            calls++;
            throw new Error('broken');
          },
          recover: ({ reason }) => {
            expect(reason).to.equal('not-retryable');
            if (++recoveries < 2) throw new Error('exchange missing');
          },
        },
        { messageId: 'm-1' },
      );
      expect(await deliverUntilSettled(journey)).to.deep.equal([REQUEUE, ACK]);
      expect([calls, recoveries]).to.deep.equal([1, 2]);
    });

    it('counts no attempt of a message that cannot be read, however often its recovery fails', async () => {
      const recoveries: string[] = [];
      const journey = new Journey(
        {
          retry: stateful,
          policy: { invalid: 'recover' },
          route: { convert: fails(new MessageConversionError('not JSON')) },
          recover: ({ reason, attempts }) => {
            recoveries.push(`${reason} after ${attempts}`);
            if (recoveries.length < 5) throw new Error('exchange missing');
          },
        },
        { messageId: 'm-1' },
      );
      expect(await deliverUntilSettled(journey)).to.deep.equal([REQUEUE, REQUEUE, REQUEUE, REQUEUE, ACK]);
      expect(recoveries).to.deep.equal(Array(5).fill('invalid after 0'));
    });

    it('allows a message without an id two deliveries, then recovers it [spring 30, 31, 36]', async () => {
      for (const messageId of [undefined, '']) {
        const journey = new Journey({ retry: { ...stateful, maxAttempts: 9 }, handle: fails() }, { messageId });
        expect(await deliverUntilSettled(journey)).to.deep.equal([REQUEUE, REJECT]);
        expect(journey.attempts.size).to.equal(0);
      }
    });

    it('starts anew with a message of the same id that is no redelivery [spring 35]', async () => {
      const attempts: number[] = [];
      const handle = ({ attempt }: DeliveryContext) => {
        attempts.push(attempt);
        throw new Error('broken');
      };
      const journey = new Journey({ retry: stateful, handle }, { messageId: 'm-1' });
      await finish(journey, journey.next());
      await finish(journey, journey.next({ redelivered: true }));
      await finish(journey, journey.next());
      expect(attempts).to.deep.equal([1, 2, 1]);
    });

    it('forgets a message that was handled, or that the handler settled by a signal', async () => {
      for (const end of [() => undefined, fails(new RejectMessage()), fails(new AcknowledgeMessage())]) {
        let calls = 0;
        const handle = () => (++calls === 1 ? fails()() : end());
        const journey = new Journey({ retry: stateful, handle }, { messageId: 'm-1' });
        await finish(journey, journey.next());
        expect(journey.attempts.size).to.equal(1);
        await finish(journey, journey.next({ redelivered: true }));
        expect(journey.attempts.size).to.equal(0);
      }
    });
  });

  describe('when attempts are exhausted', () => {
    const exhausted = { retry: { maxAttempts: 1 }, handle: fails() };

    it('does what the recoverer answers [spring 27, 28]', async () => {
      const after = (recover: NonNullable<ListenerParts['recover']>) => travel({ ...exhausted, recover });
      expect((await after(() => undefined)).frames).to.deep.equal([ACK]);
      expect((await after(async () => {})).frames).to.deep.equal([ACK]);
      expect((await after(() => 'ack')).frames).to.deep.equal([ACK]);
      expect((await after(rejectAndDontRequeue().recover)).frames).to.deep.equal([REJECT]);
      expect((await after(immediateRequeue().recover)).frames).to.deep.equal([REQUEUE]);
      expect((await after(async () => 'requeue' as const)).counted).to.include({ recovered: 1, requeued: 1 });
    });

    it('acknowledges what was republished only after the confirm [spring 27, 38]', async () => {
      const journey = new Journey(
        { ...exhausted, recover: republish('error.direct', 'error').recover },
        { text: 'lost?' },
      );
      let confirm: () => void = () => {};
      journey.publisher.answer = () =>
        new Promise<void>((resolve) => {
          confirm = resolve;
        });
      const state = start(journey.next());
      await turn();
      expect(journey.publisher.sent).to.have.lengthOf(1);
      expect(journey.publisher.sent[0]).to.include({ exchange: 'error.direct', routingKey: 'error' });
      expect(journey.frames).to.deep.equal([]);
      confirm();
      await turn();
      expect(state.ended).to.equal(true);
      expect(journey.frames).to.deep.equal([ACK]);
    });

    it('requeues after a pause when the recoverer fails, and says so [spring 44, 45]', async () => {
      const fault = new Error('NO_ROUTE');
      const journey = new Journey({ ...exhausted, recover: () => Promise.reject(fault) });
      const state = start(journey.next());
      await turn();
      expect(journey.types).to.deep.equal(['received', 'failed', 'recoverer-failed']);
      expect(journey.event('recoverer-failed').error)
        .to.be.instanceOf(LeveretError)
        .with.property('code', 'LEV_RECOVERER_FAILED');
      expect((journey.event('recoverer-failed').error as Error).cause).to.equal(fault);
      expect(journey.frames).to.deep.equal([]);
      expect(journey.clock.waits[0]).to.be.within(1000, 1200);
      await journey.clock.advance(1200);
      expect(state.ended).to.equal(true);
      expect(journey.frames).to.deep.equal([REQUEUE]);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 1, recovererFailed: 1, requeued: 1 });
    });

    it('pauses longer the more recoveries fail in a row, and starts over after one that works', async () => {
      let broken = true;
      const journey = new Journey({
        ...exhausted,
        recover: () => {
          if (broken) throw new Error('NO_ROUTE');
        },
      });
      const pauses: number[] = [];
      const pauseOf = async () => {
        const state = start(journey.next());
        await turn();
        pauses.push(journey.clock.waits[0] ?? 0);
        await journey.clock.advance(60_000);
        expect(state.ended).to.equal(true);
      };
      for (let i = 0; i < 6; i++) await pauseOf();
      broken = false;
      await pauseOf();
      broken = true;
      await pauseOf();
      const least = [1000, 2000, 4000, 8000, 16_000, 30_000, 0, 1000];
      expect(pauses).to.have.lengthOf(least.length);
      for (const [i, ms] of least.entries()) expect(pauses[i]).to.be.within(ms, ms * 1.2);
    });

    it('ends the pause when the listener stops', async () => {
      const journey = new Journey({ ...exhausted, recover: fails(new Error('NO_ROUTE')) });
      const process = journey.next();
      const state = start(process);
      await turn();
      process.interrupt('stopping');
      await turn();
      expect(state.ended).to.equal(true);
      expect(journey.frames).to.deep.equal([REQUEUE]);
    });

    it('takes an answer that is none for a failed recovery', async () => {
      for (const answer of [true, 'give-back', {}, 0]) {
        const { frames, event } = await travel({ ...exhausted, recover: (() => answer) as never });
        expect(frames).to.deep.equal([REQUEUE]);
        expect((event('recoverer-failed').error as Error).message).to.contain(
          "A recoverer answers nothing, 'ack', 'requeue' or 'reject'; got",
        );
      }
    });

    it('takes a failure for not worth another attempt when retryable() throws, and says both', async () => {
      const broken = new Error('broken');
      for (const thrown of [new Error('bug'), Object.create(null), undefined]) {
        const { frames, counted, event } = await travel({
          retry: {
            retryable: () => {
              throw thrown;
            },
          },
          handle: fails(broken),
        });
        expect(frames).to.deep.equal([REJECT]);
        expect(event('retryable-failed')).to.include({ error: thrown, about: broken });
        expect(event('recovered')).to.include({ reason: 'not-retryable', error: broken });
        expect(counted).to.deep.equal({ received: 1, failed: 1, retryableFailed: 1, recovered: 1, rejected: 1 });
      }
    });
  });
});
