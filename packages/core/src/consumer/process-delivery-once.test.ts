import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { LeveretError } from '../errors/leveret-error.js';
import { AcknowledgeMessage, RejectMessage } from '../errors/outcome-signal.js';
import { claimGuard } from '../idempotency/claim-guard.js';
import { claimKey } from '../idempotency/claim-key.js';
import {
  type GuardedAttempt,
  type GuardedResult,
  type IdempotencyGuard,
  NEEDS_NO_SIGNAL,
  type PlainAttempt,
} from '../idempotency/idempotency-guard.js';
import { MemoryIdempotencyStore } from '../idempotency/memory-store.js';
import { composeInterceptors } from '../interceptor/compose-interceptors.js';
import type { InterceptorFunction } from '../interceptor/interceptor.js';
import { ACK, fails, finish, GIVE_BACK, Journey, REJECT, REQUEUE, start } from './journey.support.test.js';
import type { ListenerParts } from './listener-harness.support.test.js';

const ID = { messageId: 'm-1' };
const STORE_DOWN = new LeveretError('LEV_IDEMPOTENCY_STORE', 'connection refused');

/** A guard on a store in memory, by the clock of the journey. */
function memoryGuard() {
  const clock = new FakeClock();
  const store = new MemoryIdempotencyStore({ now: () => clock.now() });
  return { store, guard: claimGuard(store, { clock, lease: '1m' }) };
}

/** A guard that answers what a test says, one answer after the other; then it calls the handler. */
function scripted(...answers: readonly (GuardedResult | Error)[]): IdempotencyGuard & { readonly asked: string[] } {
  const left = [...answers];
  const asked: string[] = [];
  return {
    asked,
    async run(scope, key, attempt) {
      asked.push(`${scope} ${key}`);
      const answer = left.shift();
      if (answer instanceof Error) throw answer;
      return answer ?? handledBy(attempt);
    },
  };
}

async function handledBy(attempt: GuardedAttempt): Promise<GuardedResult> {
  return { kind: 'handled', value: await attempt(undefined, new AbortController().signal), remembered: true };
}

/** A guard around the handler that a test writes whole. */
function guardOf(run: (attempt: GuardedAttempt) => Promise<GuardedResult>): IdempotencyGuard {
  return { run: (_scope, _key, attempt) => run(attempt) };
}

/** Delivers the same message as often as said, one delivery after the other. */
async function deliverTimes(times: number, parts: ListenerParts, of: object = ID): Promise<Journey> {
  const journey = new Journey(parts, of);
  for (let i = 0; i < times; i++) await finish(journey, journey.next());
  return journey;
}

describe('the journey of a delivery that takes effect once', () => {
  describe('with a message that comes twice', () => {
    it('calls the handler once, and acknowledges both', async () => {
      let calls = 0;
      const { guard, store } = memoryGuard();
      const journey = await deliverTimes(2, { guard, handle: () => void calls++ });
      expect(calls).to.equal(1);
      expect(journey.frames).to.deep.equal([ACK, ACK]);
      expect(journey.counted).to.deep.equal({ received: 2, handled: 1, duplicates: 1 });
      expect(journey.event('duplicate').key).to.equal('m-1');
      expect(await store.claim(claimKey('Orders.onPaid', 'm-1'), { leaseMs: 1 })).to.deep.equal({ kind: 'completed' });
    });

    it('replies to the first only', async () => {
      const { guard } = memoryGuard();
      const { publisher, counted } = await deliverTimes(2, { guard, handle: () => 'done' }, { ...ID, replyTo: 'r' });
      expect(publisher.sent).to.have.lengthOf(1);
      expect(counted).to.deep.equal({ received: 2, handled: 1, replied: 1, duplicates: 1 });
    });

    it('lets interceptors take their time before the handler', async () => {
      const slow: InterceptorFunction = async (_context, next) => {
        await turn();
        return next();
      };
      const { guard } = memoryGuard();
      const journey = await deliverTimes(1, { guard, route: { invoke: composeInterceptors([slow], () => undefined) } });
      expect([journey.frames, journey.counted]).to.deep.equal([[ACK], { received: 1, handled: 1 }]);
    });

    it('finds the attempt over when its handler has failed: what it left behind is told', async () => {
      const fault = new Error('broken');
      const signals: AbortSignal[] = [];
      const seen: unknown[] = [];
      const guard: IdempotencyGuard = {
        async run(_scope, _key, attempt) {
          try {
            await attempt(undefined, new AbortController().signal);
          } catch (error) {
            seen.push(error, signals[0]?.aborted);
            throw error;
          }
          return expect.fail('it has failed');
        },
      };
      await deliverTimes(1, {
        guard,
        policy: { defaultRequeueRejected: false },
        handle: ({ signal }) => {
          signals.push(signal);
          throw fault;
        },
      });
      expect(seen).to.deep.equal([fault, true]);
    });

    it('is content with less than a signal, which costs more', async () => {
      const asked: unknown[] = [];
      const guard = guardOf((attempt) => {
        asked.push((attempt as PlainAttempt)[NEEDS_NO_SIGNAL]);
        return handledBy(attempt);
      });
      await deliverTimes(1, { guard });
      expect(asked).to.deep.equal([true]);
    });

    it('asks under the key that the policy finds, in the scope of the handler', async () => {
      const guard = scripted();
      const keyPolicy = { key: (_message: unknown, payload: unknown) => `order ${String(payload)}` };
      await deliverTimes(1, { guard, keyPolicy }, { ...ID, text: '7' });
      expect(guard.asked).to.deep.equal(['Orders.onPaid order 7']);
    });

    it('acknowledges a duplicate in manual mode as well, for no handler does', async () => {
      const { guard } = memoryGuard();
      const handle = (context: DeliveryContext) => context.ack();
      const journey = await deliverTimes(2, { guard, handle, policy: { acknowledge: 'manual' } });
      expect(journey.frames).to.deep.equal([ACK, ACK]);
      expect(journey.counted).to.deep.equal({ received: 2, handled: 1, duplicates: 1 });
    });

    it('settles no duplicate on a channel that is gone', async () => {
      const journey: Journey = new Journey(
        {
          guard: guardOf(async () => {
            journey.channel.close();
            return { kind: 'duplicate' };
          }),
        },
        ID,
      );
      await finish(journey, journey.next());
      expect(journey.frames).to.deep.equal([]);
      expect(journey.counted).to.deep.equal({ received: 1, channelGone: 1 });
    });
  });

  describe('without a key', () => {
    it('rejects the message like an invalid one, asking nobody', async () => {
      const guard = scripted();
      const journey = await deliverTimes(1, { guard, retry: {}, handle: () => expect.fail('called') }, {});
      expect(journey.frames).to.deep.equal([REJECT]);
      expect(guard.asked).to.deep.equal([]);
      expect(journey.counted).to.include({ received: 1, invalid: 1 }).and.not.have.property('failed');
      expect(journey.event('invalid').error).to.have.property('code', 'LEV_IDEMPOTENCY_KEY_MISSING');
    });

    it('hands it to the recoverer with invalid: recover', async () => {
      const parts: ListenerParts = { guard: scripted(), policy: { invalid: 'recover' }, recover: () => 'ack' };
      const journey = await deliverTimes(1, parts, {});
      expect(journey.event('recovered')).to.include({ reason: 'invalid' });
    });

    it('handles it unguarded when told to', async () => {
      const guard = scripted();
      const journey = await deliverTimes(2, { guard, keyPolicy: { onMissingKey: 'process' } }, {});
      expect(guard.asked).to.deep.equal([]);
      expect(journey.counted).to.deep.equal({ received: 2, handled: 2 });
    });

    it('counts a key function that throws as a failed attempt', async () => {
      const keyPolicy = { key: () => fails(new TypeError('payload has no id'))() };
      const journey = await deliverTimes(1, { guard: scripted(), keyPolicy, retry: { maxAttempts: 2 } });
      expect(journey.counted).to.include({ failed: 2, retried: 1, recovered: 1 });
    });
  });

  describe('when another is handling the message', () => {
    const busy = (retryAfterMs = 60_000): GuardedResult => ({ kind: 'in-progress', retryAfterMs });

    it('holds the delivery and asks again, and handles it when the other let go', async () => {
      const guard = scripted(busy(), busy());
      const journey = await deliverTimes(1, { guard, retry: {} });
      expect(guard.asked).to.have.lengthOf(3);
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.event('handled')).to.include({ attempts: 1 });
      expect(journey.counted).to.deep.equal({ received: 1, inProgress: 1, handled: 1 });
    });

    it('acknowledges it as a duplicate when the other finished', async () => {
      const journey = await deliverTimes(1, { guard: scripted(busy(), { kind: 'duplicate' }) });
      expect(journey.types).to.deep.equal(['received', 'in-progress', 'duplicate']);
      expect(journey.event('in-progress')).to.include({ key: 'm-1', retryAfterMs: 60_000 });
    });

    it('neither acknowledges nor gives it back while it waits, then gives it back', async () => {
      const guard = guardOf(async () => busy());
      const journey = new Journey({ guard, retry: {} }, ID);
      const state = start(journey.next());
      await journey.clock.advance(29_000);
      expect([state.ended, journey.frames]).to.deep.equal([false, []]);
      await journey.clock.advance(1000);
      expect([state.ended, journey.frames]).to.deep.equal([true, [GIVE_BACK]]);
      expect(journey.event('given-back').reason).to.equal('in-progress');
      expect(journey.counted).to.deep.equal({ received: 1, inProgress: 1, givenBack: 1 });
    });

    it('gives it back at once when the listener stops', async () => {
      const journey = new Journey({ guard: guardOf(async () => busy()) }, ID);
      const process = journey.next();
      const state = start(process);
      await journey.clock.advance(100);
      process.interrupt('stopping');
      await turn();
      expect([state.ended, journey.frames]).to.deep.equal([true, [GIVE_BACK]]);
      expect(journey.event('given-back').reason).to.equal('stopping');
      expect(journey.clock.waits).to.deep.equal([]);
    });

    it('settles nothing when the channel goes meanwhile', async () => {
      const journey = new Journey({ guard: guardOf(async () => busy()) }, ID);
      const process = journey.next();
      const state = start(process);
      await journey.clock.advance(100);
      journey.channel.close();
      process.interrupt('channel-gone');
      await turn();
      expect([state.ended, journey.frames]).to.deep.equal([true, []]);
      expect(journey.counted).to.include({ channelGone: 1 });
    });

    it('waits no longer for a channel that went while the store was asked', async () => {
      const journey: Journey = new Journey(
        {
          guard: guardOf(async () => {
            journey.channel.close();
            return busy();
          }),
        },
        ID,
      );
      const state = start(journey.next());
      await turn();
      expect(state.ended).to.equal(true);
      expect(journey.counted).to.deep.equal({ received: 1, channelGone: 1 });
    });
  });

  describe('when the store is down', () => {
    it('does not call the handler, and holds the delivery with growing pauses', async () => {
      const journey = new Journey(
        { guard: guardOf(() => Promise.reject(STORE_DOWN)), handle: () => expect.fail('called') },
        ID,
      );
      const state = start(journey.next());
      const waits: number[] = [];
      for (let i = 0; i < 5; i++) {
        await turn();
        const [wait = 0] = journey.clock.waits;
        waits.push(wait);
        await journey.clock.advance(wait);
      }
      for (const [index, least] of [1000, 2000, 4000, 8000, 16_000].entries()) {
        expect(waits[index]).to.be.within(least, least * 1.2);
      }
      expect([state.ended, journey.frames]).to.deep.equal([false, []]);
      expect(journey.event('idempotency-failed').error).to.equal(STORE_DOWN);
      expect(journey.logger.said.filter((line) => line.startsWith('error:'))).to.have.lengthOf(6);
    });

    it('uses up no attempt, and asks no recoverer', async () => {
      const down = [STORE_DOWN, STORE_DOWN, STORE_DOWN, STORE_DOWN];
      const attempts: number[] = [];
      const parts: ListenerParts = {
        guard: scripted(...down),
        retry: { maxAttempts: 2 },
        recover: () => expect.fail('recovered'),
        handle: ({ attempt }) => void attempts.push(attempt),
      };
      const journey = await deliverTimes(1, parts);
      expect(attempts).to.deep.equal([1]);
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.counted).to.deep.equal({ received: 1, idempotencyFailed: 4, handled: 1 });
      expect(journey.env.idempotency.failuresInARow).to.equal(0);
    });

    it('gives the delivery back after five minutes, without fault', async () => {
      const parts: ListenerParts = {
        guard: guardOf(() => Promise.reject(STORE_DOWN)),
        policy: { defaultRequeueRejected: false },
      };
      const journey = await deliverTimes(1, parts);
      expect(journey.frames).to.deep.equal([GIVE_BACK]);
      expect(journey.event('given-back').reason).to.equal('idempotency-failed');
    });

    it('takes whatever a guard throws before the handler for the same', async () => {
      const journey = await deliverTimes(1, { guard: scripted(new TypeError('guard broken')) });
      expect(journey.counted).to.deep.equal({ received: 1, idempotencyFailed: 1, handled: 1 });
    });

    it('does not acknowledge what a guard of the user answers wrongly', async () => {
      const guard = scripted('yes' as never);
      const journey = await deliverTimes(1, { guard });
      expect(journey.event('idempotency-failed').error).to.match(
        /handled, duplicate or in-progress as its kind; got "yes"/,
      );
      expect(journey.counted).to.include({ handled: 1 });
    });

    it('asks again when the handler has returned, and takes the duplicate for handled', async () => {
      let calls = 0;
      const { store } = memoryGuard();
      const answers: (() => Promise<void>)[] = [() => Promise.reject(STORE_DOWN)];
      const guard = guardOf(async (attempt) => {
        if (answers.length === 0) return { kind: 'duplicate' };
        await attempt(undefined, new AbortController().signal);
        await answers.shift()?.();
        return expect.fail('answered');
      });
      const journey = await deliverTimes(1, { guard, retry: { maxAttempts: 1 }, handle: () => void calls++ });
      expect([calls, store.size]).to.deep.equal([1, 0]);
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.counted).to.deep.equal({ received: 1, idempotencyFailed: 1, duplicates: 1 });
    });
  });

  describe('when the handler fails', () => {
    it('tries again under a new claim, and counts attempts as without a guard', async () => {
      const seen: number[] = [];
      const { guard } = memoryGuard();
      const handle = ({ attempt }: DeliveryContext) => {
        seen.push(attempt);
        if (attempt < 3) throw new Error('not yet');
      };
      const journey = await deliverTimes(1, { guard, retry: {}, handle });
      expect(seen).to.deep.equal([1, 2, 3]);
      expect(journey.counted).to.deep.equal({ received: 1, failed: 2, retried: 2, handled: 1 });
    });

    it('hands the failure of the handler to the recoverer, and leaves the key free', async () => {
      const broken = new Error('broken');
      const { guard, store } = memoryGuard();
      const errors: unknown[] = [];
      const recover = ({ error }: { readonly error: unknown }) => void errors.push(error);
      await deliverTimes(1, { guard, retry: { maxAttempts: 2 }, handle: fails(broken), recover });
      expect(errors).to.deep.equal([broken]);
      expect(store.size).to.equal(0);
    });

    it('goes by the error of the handler, whatever its guard makes of it', async () => {
      const guard = guardOf(async (attempt) => {
        await Promise.resolve(attempt(undefined, new AbortController().signal)).catch(() => undefined);
        throw new Error('rollback failed');
      });
      const journey = await deliverTimes(1, { guard, handle: fails(new RejectMessage('no such order')) });
      expect(journey.frames).to.deep.equal([REJECT]);
    });

    it('counts attempts over redeliveries with stateful retry', async () => {
      const { guard } = memoryGuard();
      const parts: ListenerParts = {
        guard,
        retry: { stateless: false, maxAttempts: 2 },
        handle: fails(),
        recover: () => 'ack',
      };
      const journey = new Journey(parts, ID);
      await finish(journey, journey.next());
      await finish(journey, journey.next({ redelivered: true }));
      expect(journey.frames).to.deep.equal([REQUEUE, ACK]);
      expect(journey.counted).to.include({ failed: 2, recovered: 1 });
    });

    it('takes a commit that is refused for a failed attempt, so that it ends', async () => {
      const refused = new LeveretError('LEV_INBOX_COMMIT', 'violates a constraint');
      const guard = guardOf(async (attempt) => {
        await attempt(undefined, new AbortController().signal);
        throw refused;
      });
      const journey = await deliverTimes(1, { guard, retry: { maxAttempts: 2 } });
      expect(journey.frames).to.deep.equal([REJECT]);
      expect(journey.event('recovered')).to.include({ reason: 'exhausted', error: refused });
    });

    it('acknowledges when the handler asks for that, and leaves the key free', async () => {
      const { guard, store } = memoryGuard();
      const journey = await deliverTimes(1, { guard, handle: fails(new AcknowledgeMessage()) });
      expect([journey.frames, store.size]).to.deep.equal([[ACK], 0]);
    });

    it('sends a reply that failed again, without doing the work again', async () => {
      let calls = 0;
      const { guard } = memoryGuard();
      const journey = new Journey({ guard, retry: {}, handle: () => ++calls }, { ...ID, replyTo: 'r' });
      journey.publisher.answer = fails(new Error('not confirmed'));
      const state = start(journey.next());
      await turn();
      expect([state.ended, journey.frames]).to.deep.equal([false, []]);
      journey.publisher.answer = () => undefined;
      await journey.clock.advance(1000);
      expect([state.ended, calls, journey.publisher.sent.length]).to.deep.equal([true, 1, 2]);
      expect(journey.frames).to.deep.equal([ACK]);
    });
  });

  describe('with a transaction', () => {
    it('gives it to the handler, and acknowledges after the commit', async () => {
      const steps: string[] = [];
      const journey: Journey = new Journey(
        {
          guard: guardOf(async (attempt) => {
            const value = await attempt('the transaction', new AbortController().signal);
            steps.push(`commit with ${journey.frames.length} frames`);
            return { kind: 'handled', value, remembered: true };
          }),
          handle: (context) => void steps.push(`handle in ${String(context.transaction)}`),
        },
        ID,
      );
      await finish(journey, journey.next());
      expect(steps).to.deep.equal(['handle in the transaction', 'commit with 0 frames']);
      expect(journey.frames).to.deep.equal([ACK]);
    });

    it('gives none to a handler without a guard', async () => {
      const seen: unknown[] = [];
      await deliverTimes(1, { handle: ({ transaction }) => void seen.push(transaction) });
      expect(seen).to.deep.equal([undefined]);
    });

    it('sends the ack of manual mode after the commit, and not at all without one', async () => {
      const seen: unknown[] = [];
      const journey: Journey = new Journey(
        {
          policy: { acknowledge: 'manual' },
          guard: guardOf(async (attempt) => {
            await attempt(undefined, new AbortController().signal);
            seen.push(journey.frames.length);
            if (seen.length === 3) throw STORE_DOWN;
            return { kind: 'handled', value: undefined, remembered: true };
          }),
          handle: (context) => seen.push([context.ack(), context.ack()]),
        },
        ID,
      );
      await finish(journey, journey.next());
      expect(seen).to.deep.equal([[true, false], 0]);
      expect(journey.frames).to.deep.equal([ACK]);
    });

    it('holds a message of manual mode whose commit failed, and tries it again', async () => {
      const results = [new LeveretError('LEV_INBOX_COMMIT', 'connection lost'), undefined];
      const journey: Journey = new Journey(
        {
          policy: { acknowledge: 'manual' },
          guard: guardOf(async (attempt) => {
            const value = await attempt(undefined, new AbortController().signal);
            const error = results.shift();
            expect(journey.frames).to.deep.equal([]);
            if (error !== undefined) throw error;
            return { kind: 'handled', value, remembered: true };
          }),
          handle: (context) => context.ack(),
        },
        ID,
      );
      await finish(journey, journey.next());
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.counted).to.deep.equal({ received: 1, idempotencyFailed: 1, handled: 1 });
    });
  });

  describe('in manual mode', () => {
    const manual = { policy: { acknowledge: 'manual' } } as const;

    for (const [what, frame] of [
      ['requeue', REQUEUE],
      ['reject', REJECT],
    ] as const) {
      it(`forgets a message that its handler ${what}s, for it was not handled`, async () => {
        const { guard, store } = memoryGuard();
        const journey = await deliverTimes(2, { ...manual, guard, handle: (context) => context[what]() });
        expect(journey.frames).to.deep.equal([frame, frame]);
        expect(store.size).to.equal(0);
        expect(journey.counted).to.deep.equal({ received: 2, handled: 2 });
      });
    }

    it('lets a handler settle after it has returned', async () => {
      const { guard } = memoryGuard();
      const contexts: DeliveryContext[] = [];
      const journey = await deliverTimes(1, { ...manual, guard, handle: (context) => void contexts.push(context) });
      expect(journey.frames).to.deep.equal([]);
      expect(contexts[0]?.ack()).to.equal(true);
      expect(journey.frames).to.deep.equal([ACK]);
    });

    it('does not acknowledge for a handler that failed after it had asked for that', async () => {
      const { guard } = memoryGuard();
      const handle = (context: DeliveryContext) => {
        context.ack();
        throw new Error('broken');
      };
      const journey = await deliverTimes(1, { ...manual, guard, handle });
      expect(journey.frames).to.deep.equal([]);
      expect(journey.counted).to.include({ failed: 1, leftUnsettled: 1 });
    });

    it('refuses to settle differently the second time', async () => {
      const { guard } = memoryGuard();
      const handle = (context: DeliveryContext) => {
        context.requeue();
        context.ack();
      };
      const journey = await deliverTimes(1, { ...manual, guard, handle });
      expect(journey.event('failed').error).to.have.property('code', 'LEV_ALREADY_SETTLED');
      expect(journey.frames).to.deep.equal([REQUEUE]);
    });
  });

  describe('when the claim is lost', () => {
    it('says that it is not remembered yet where the store did not take that: it is handled all the same', async () => {
      const fault = new Error('connection refused');
      const guard = guardOf(
        async (attempt) => ({ ...(await handledBy(attempt)), remembered: false, error: fault }) as never,
      );
      const journey = await deliverTimes(1, { guard });
      expect(journey.frames).to.deep.equal([ACK]);
      expect(journey.types).to.deep.equal(['received', 'not-remembered', 'handled']);
      expect(journey.event('not-remembered')).to.include({ key: 'm-1', error: fault });
    });

    it('fires the signal of the handler with the reason', async () => {
      const lost = new AbortController();
      const reasons: unknown[] = [];
      const guard = guardOf(async (attempt) => {
        const value = await attempt(undefined, lost.signal);
        return { kind: 'handled', value, remembered: false };
      });
      const handle = async ({ signal }: DeliveryContext) => {
        lost.abort(new LeveretError('LEV_CLAIM_LOST', 'gone'));
        reasons.push((signal.reason as LeveretError).code);
      };
      const journey = await deliverTimes(1, { guard, handle });
      expect(reasons).to.deep.equal(['LEV_CLAIM_LOST']);
      expect(journey.types).to.deep.equal(['received', 'claim-lost', 'handled']);
      expect(journey.frames).to.deep.equal([ACK]);
    });

    it('fires it for a claim that was lost before the handler was called', async () => {
      const aborted: boolean[] = [];
      const guard = guardOf(async (attempt) => {
        const value = await attempt(undefined, AbortSignal.abort('gone'));
        return { kind: 'handled', value, remembered: true };
      });
      await deliverTimes(1, { guard, handle: ({ signal }) => void aborted.push(signal.aborted) });
      expect(aborted).to.deep.equal([true]);
    });
  });
});
