import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { claimGuard } from '../idempotency/claim-guard.js';
import type { GuardedAttempt, GuardedResult, IdempotencyGuard } from '../idempotency/idempotency-guard.js';
import { MemoryIdempotencyStore } from '../idempotency/memory-store.js';
import { composeInterceptors } from '../interceptor/compose-interceptors.js';
import type { InterceptorFunction } from '../interceptor/interceptor.js';
import { ACK, Journey, REJECT, start } from './journey.support.test.js';
import type { ListenerParts } from './listener-harness.support.test.js';

const ID = { messageId: 'm-1' };

/** A guard with a transaction: commits what returns, undoes what throws. */
const inbox: IdempotencyGuard = {
  async run(_scope, _key, attempt: GuardedAttempt): Promise<GuardedResult> {
    return { kind: 'handled', value: await attempt('tx', new AbortController().signal), remembered: true };
  },
};

/** A handler that runs until a test ends it. */
function heldHandler() {
  const contexts: DeliveryContext[] = [];
  const ends: (() => void)[] = [];
  const handle = (context: DeliveryContext) => {
    contexts.push(context);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  return { handle, contexts, end: () => ends.shift()?.() };
}

const impatient: InterceptorFunction = async (_context, next) => {
  await Promise.race([next(), turn().then(() => Promise.reject(new Error('limit of the interceptor')))]);
};

describe('an attempt that runs on behind its result', () => {
  /** The ways in which a result comes before the end, each with a handler that runs on. */
  const ways: readonly [string, (handle: NonNullable<ListenerParts['handle']>) => ListenerParts][] = [
    ['after its timeout', (handle) => ({ handle, definition: { timeoutMs: 50 } })],
    [
      'when an interceptor has given it up',
      (handle) => ({ route: { invoke: composeInterceptors([impatient], handle) } }),
    ],
    [
      'when an outer interceptor has given it up',
      (handle) => ({ route: { invoke: composeInterceptors([impatient, (_context, next) => next()], handle) } }),
    ],
    [
      'when one branch of it has thrown',
      (handle) => ({ handle: (context) => Promise.all([handle(context), Promise.reject(new Error('one branch'))]) }),
    ],
  ];

  describe('in manual mode with a guard', () => {
    for (const [way, parts] of ways) {
      for (const settle of ['ack', 'requeue', 'reject'] as const) {
        it(`cannot ${settle} any more ${way}`, async () => {
          const { handle, contexts } = heldHandler();
          const journey = new Journey({ ...parts(handle), guard: inbox, policy: { acknowledge: 'manual' } }, ID);
          const state = start(journey.next());
          await journey.clock.advance(100);
          await turn();
          expect(state.ended).to.equal(true);
          expect(contexts[0]?.signal.aborted).to.equal(true);
          expect(contexts[0]?.[settle]()).to.equal(false);
          expect(journey.frames).to.deep.equal([]);
          expect(journey.counted).to.deep.equal({ received: 1, failed: 1, leftUnsettled: 1, settledLate: 1 });
          expect(journey.event('settled-late').outcome).to.equal(settle);
          expect(journey.logger.said).to.include(
            'error: settled by a handler whose attempt is over and undone; refused',
          );
        });
      }
    }

    it('cannot settle for the attempt that the guard calls after it, nor for one whose commit failed', async () => {
      const { handle, contexts, end } = heldHandler();
      const twice: IdempotencyGuard = {
        async run(_scope, _key, attempt) {
          await Promise.race([attempt('tx', new AbortController().signal), turn()]);
          return { kind: 'handled', value: await attempt('tx', new AbortController().signal), remembered: true };
        },
      };
      const journey = new Journey({ handle, guard: twice, policy: { acknowledge: 'manual' } }, ID);
      start(journey.next());
      await turn();
      await turn();
      expect(contexts).to.have.lengthOf(2);
      expect([contexts[0]?.ack(), contexts[1]?.ack(), journey.frames]).to.deep.equal([false, true, []]);
      end();
      end();
      await turn();
      expect(journey.frames).to.deep.equal([ACK]);
    });

    it('lets an ack through, and nothing else, once the message is remembered', async () => {
      const contexts: DeliveryContext[] = [];
      const handle = (context: DeliveryContext) => void contexts.push(context);
      const journey = new Journey({ handle, guard: inbox, policy: { acknowledge: 'manual' } }, ID);
      start(journey.next());
      await turn();
      expect(() => contexts[0]?.requeue())
        .to.throw()
        .with.property('code', 'LEV_ALREADY_SETTLED');
      expect(() => contexts[0]?.reject())
        .to.throw()
        .with.property('code', 'LEV_ALREADY_SETTLED');
      expect([contexts[0]?.ack(), journey.frames]).to.deep.equal([true, [ACK]]);
    });
  });

  describe('with a claim', () => {
    for (const [way, parts] of ways.slice(0, 3)) {
      it(`keeps others from the message until it has ended ${way}`, async () => {
        const { handle, contexts, end } = heldHandler();
        const journey: Journey = new Journey({ ...parts(handle), retry: {}, guard: guardOf(() => journey) }, ID);
        const state = start(journey.next());
        await journey.clock.advance(20_000);
        expect([contexts.length, state.ended, journey.counts.inProgress]).to.deep.equal([1, false, 1]);
        end();
        await journey.clock.advance(6_000);
        expect(contexts.map(({ attempt }) => attempt)).to.deep.equal([1, 2]);
        journey.channel.close();
      });
    }

    function guardOf(journey: () => Journey): IdempotencyGuard {
      const store = new MemoryIdempotencyStore({ now: () => journey().clock.monotonic() });
      return {
        run: (...asked) => {
          made ??= claimGuard(store, { clock: journey().clock, lease: '5s' });
          return made.run(...asked);
        },
      };
    }
    let made: IdempotencyGuard | undefined;
    beforeEach(() => {
      made = undefined;
    });
  });

  it('has its end when every attempt of its delivery has', async () => {
    const { handle, end } = heldHandler();
    const journey = new Journey({ handle, definition: { timeoutMs: 50 }, retry: { maxAttempts: 2 } }, ID);
    const process = journey.next();
    const state = start(process);
    await journey.clock.advance(5000);
    expect([state.ended, journey.frames]).to.deep.equal([true, [REJECT]]);
    let ended = false;
    void process.stillRunning()?.then(() => {
      ended = true;
    });
    for (const expected of [false, true]) {
      expect(ended).to.equal(false);
      end();
      await turn();
      expect(ended).to.equal(expected);
    }
  });

  for (const [how, guarded] of [
    ['without a guard', {}],
    ['with a guard', { guard: inbox }],
  ] as const) {
    it(`is known to run on although it succeeded ${how}: an interceptor answered for a handler that was given up`, async () => {
      const { handle, end } = heldHandler();
      const fallsBack: InterceptorFunction = (_context, next) => next().catch(() => undefined);
      const journey = new Journey(
        { route: { invoke: composeInterceptors([fallsBack, impatient], handle) }, ...guarded },
        ID,
      );
      const process = journey.next();
      const state = start(process);
      for (let i = 0; i < 5; i++) await turn();
      expect([state.ended, journey.frames]).to.deep.equal([true, [ACK]]);
      let ended = false;
      void process.stillRunning()?.then(() => {
        ended = true;
      });
      await turn();
      expect(ended).to.equal(false);
      end();
      await turn();
      expect(ended).to.equal(true);
    });

    it(`calls no handler behind a success ${how}`, async () => {
      let late: Promise<unknown> | undefined;
      let calls = 0;
      const answersItself: InterceptorFunction = (_context, next) => {
        late = turn().then(turn).then(turn).then(next);
        late.catch(() => {});
      };
      const invoke = composeInterceptors([answersItself], () => calls++);
      const journey = new Journey({ route: { invoke }, ...guarded }, ID);
      start(journey.next());
      for (let i = 0; i < 5; i++) await turn();
      const error = await late?.catch((thrown: unknown) => thrown);
      expect(error).to.have.property('code', 'LEV_ATTEMPT_OVER');
      expect([calls, journey.frames]).to.deep.equal([0, [ACK]]);
    });
  }

  it('calls no handler any more: an interceptor that goes on later is refused', async () => {
    let late: Promise<unknown> | undefined;
    let calls = 0;
    const goesOnLater: InterceptorFunction = (_context, next) => {
      late = turn().then(() => turn().then(next));
      late.catch(() => {});
      throw new Error('given up');
    };
    const invoke = composeInterceptors([goesOnLater], () => calls++);
    const journey = new Journey({ route: { invoke }, policy: { defaultRequeueRejected: false } }, ID);
    start(journey.next());
    await turn();
    await turn();
    const error = await late?.catch((thrown: unknown) => thrown);
    expect(error).to.have.property('code', 'LEV_ATTEMPT_OVER');
    expect([calls, journey.frames]).to.deep.equal([0, [REJECT]]);
  });
});
