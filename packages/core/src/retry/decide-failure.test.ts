import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { MessageConversionError, MessageValidationError } from '../errors/message-error.js';
import { AcknowledgeMessage, RejectMessage, RequeueMessage } from '../errors/outcome-signal.js';
import {
  decideFailure,
  decideRedelivery,
  type FailureDecision,
  type FailureFacts,
  isWorthAReply,
} from './decide-failure.js';
import type { FailurePolicy, RetryPolicy } from './failure-policy.js';
import { RetryAfter } from './retry-after.js';

const retry: RetryPolicy = {
  maxAttempts: 3,
  backoff: { initialIntervalMs: 1000, multiplier: 2, maxIntervalMs: 10_000, jitter: 0 },
  stateless: true,
  retryable: () => true,
};

const policy = (parts: Partial<FailurePolicy> = {}): FailurePolicy => ({
  acknowledge: 'auto',
  defaultRequeueRejected: true,
  invalid: 'reject',
  retry: undefined,
  ...parts,
});

const facts = (parts: Partial<FailureFacts> = {}): FailureFacts => ({
  error: new Error('broken'),
  failures: 1,
  hasMessageId: true,
  redelivered: false,
  ...parts,
});

const remembered = (failures: number) => ({
  failures,
  firstFailedAt: 0,
  lastFailedAt: 0,
  lastError: new Error('broken'),
});

const anyFacts = fc.record({
  failures: fc.integer({ min: 1, max: 50 }),
  hasMessageId: fc.boolean(),
  redelivered: fc.boolean(),
});
const anyPolicy: fc.Arbitrary<FailurePolicy> = fc.record({
  acknowledge: fc.constantFrom('auto', 'manual', 'none'),
  defaultRequeueRejected: fc.boolean(),
  invalid: fc.constantFrom('reject', 'recover'),
  retry: fc.option(
    fc.record({
      maxAttempts: fc.integer({ min: 1, max: 50 }),
      backoff: fc.constant(retry.backoff),
      stateless: fc.boolean(),
      retryable: fc.constantFrom(
        () => true,
        () => false,
      ),
    }),
    { nil: undefined },
  ),
});

describe('deciding about a failure', () => {
  it('takes it that nothing was redelivered, and that it failed at the beginning of time, where that is not said', () => {
    const one = policy({ redeliver: { delaysMs: [1000], jitter: 0, native: true } });
    const at = new Date(5000);
    expect(decideFailure(one, facts({ error: new RetryAfter(at) }))).to.include({ kind: 'redeliver', delayMs: 5000 });
    const asks = policy({ redeliver: { delaysMs: [1000], jitter: 0, native: true, retryAfter: () => at } });
    expect(decideFailure(asks, facts())).to.include({ kind: 'redeliver', delayMs: 5000 });
    const retried = { ...one, retry: { ...retry, maxAttempts: 1 } };
    expect(decideRedelivery(retried, remembered(1), 0)).to.include({ kind: 'redeliver', delayMs: 1000 });
  });

  it('parks nothing in an outage, though RetryAfter was asked for more often than there are redeliveries', () => {
    const redeliver = { delaysMs: [1000], jitter: 0, native: true };
    const decide = (redeliveries: number) =>
      decideFailure(policy({ redeliver }), facts({ error: new RetryAfter('1s'), isOutage: true, redeliveries }));
    expect(decide(0).kind).to.equal('redeliver');
    expect(decide(1)).to.deep.equal({ kind: 'put-off' });
  });

  it('tells of a retryAfter that threw with the redelivery that it was asked about, and with nothing else', () => {
    const asks = (retryAfter: () => undefined, failures: number) =>
      decideFailure(
        policy({ retry, redeliver: { delaysMs: [1000], jitter: 0, native: true, retryAfter } }),
        facts({ failures }),
      );
    const doubt = new Error('bug');
    const throws = () => {
      throw doubt;
    };
    const redelivered = { kind: 'redeliver', delayMs: 1000, reason: 'exhausted', counts: true };
    expect(asks(() => undefined, retry.maxAttempts)).to.deep.equal(redelivered);
    expect(asks(throws, retry.maxAttempts)).to.deep.equal({ ...redelivered, doubt: { error: doubt } });
    expect(asks(throws, 1)).to.deep.equal({ kind: 'retry', delayMs: retry.backoff.initialIntervalMs });
  });

  it('goes on at once with a wait that has passed while the channel was gone', () => {
    const stateful = { ...policy(), retry: { ...retry, stateless: false } };
    const waiting = { since: 1000, delayMs: 500 };
    const left = (now: number) => decideRedelivery(stateful, { ...remembered(1), waiting }, now);
    expect([1000, 1200, 1500, 9000].map(left)).to.deep.equal(
      [500, 300, 0, 0].map((delayMs) => ({ kind: 'retry', delayMs })),
    );
  });

  it('counts a wait that retryAfter asks for: there are as many as redeliver has delays', () => {
    const redeliver = { delaysMs: [1000, 4000], jitter: 0, native: true, retryAfter: () => 90_000 };
    const decide = (redeliveries: number) => decideFailure(policy({ redeliver }), facts({ redeliveries }));
    expect(decide(1)).to.deep.equal({ kind: 'redeliver', delayMs: 90_000, reason: 'asked', counts: true });
    expect(decide(2)).to.deep.equal({ kind: 'recover', reason: 'exhausted' });
  });

  describe('in an outage', () => {
    const down = (parts: Partial<FailurePolicy> = {}, of: Partial<FailureFacts> = {}) =>
      decideFailure(policy(parts), facts({ isOutage: true, ...of })).kind;

    it('puts off whatever fails, with attempts left or none', () => {
      expect(down()).to.equal('put-off');
      expect(down({ retry }, { failures: 1 })).to.equal('put-off');
      expect(down({ retry }, { failures: 3 })).to.equal('put-off');
      expect(down({ retry: { ...retry, stateless: false } }, { redelivered: true })).to.equal('put-off');
      expect(down({ acknowledge: 'none' })).to.equal('put-off');
      expect(down({}, { error: new RequeueMessage() })).to.equal('put-off');
    });

    it('does what the handler decided about the message, and leaves what is its own in manual mode', () => {
      expect(down({}, { error: new RejectMessage() })).to.equal('reject');
      expect(down({}, { error: new AcknowledgeMessage() })).to.equal('acknowledge');
      expect(down({ acknowledge: 'manual' })).to.equal('leave');
      expect(down({}, { fault: 'message' })).to.equal('reject');
      expect(down({}, { canSettle: false })).to.equal('channel-gone');
      expect(down({}, { interrupted: true })).to.equal('give-back');
    });
  });

  describe('when the handler asks for an outcome', () => {
    const signals = [
      [new RejectMessage(), { kind: 'reject', reason: 'asked' }],
      [new RequeueMessage(), { kind: 'requeue', reason: 'asked' }],
      [new AcknowledgeMessage(), { kind: 'acknowledge' }],
    ] as const;

    it('is that outcome at once, whatever the policy says and however deep it is wrapped [spring 2, 22]', () => {
      fc.assert(
        fc.property(
          anyPolicy,
          anyFacts,
          fc.constantFrom(...signals),
          fc.nat(5),
          (rules, known, [signal, want], depth) => {
            let error: unknown = signal;
            for (let i = 0; i < depth; i++) error = new Error('wrapper', { cause: error });
            expect(decideFailure(rules, { ...known, error })).to.deep.equal(want);
          },
        ),
      );
    });

    it('takes the first of several, even around an error of the message', () => {
      const fatal = new MessageConversionError('not JSON', { cause: new RejectMessage() });
      const error = new RequeueMessage('again', { cause: fatal });
      expect(decideFailure(policy(), facts({ error }))).to.deep.equal({ kind: 'requeue', reason: 'asked' });
      expect(decideFailure(policy(), facts({ error: fatal }))).to.deep.equal({ kind: 'reject', reason: 'asked' });
    });
  });

  describe('when the message is at fault', () => {
    const fatal = [new MessageConversionError('not JSON'), new MessageValidationError('invalid', [])];

    it('is never retried nor requeued: rejected, or recovered when asked to [spring 5, 8]', () => {
      fc.assert(
        fc.property(anyPolicy, anyFacts, fc.constantFrom(...fatal), (rules, known, error) => {
          const want = { kind: rules.invalid === 'recover' ? 'recover' : 'reject', reason: 'invalid' };
          expect(decideFailure(rules, { ...known, fault: 'message', error })).to.deep.equal(want);
          expect(decideFailure(rules, { ...known, failures: 0, error })).to.deep.equal(want);
        }),
      );
    });
  });

  it('leaves the delivery to the handler in manual mode', () => {
    expect(decideFailure(policy({ acknowledge: 'manual' }), facts())).to.deep.equal({ kind: 'leave' });
  });

  describe('without retry', () => {
    it('requeues by default [spring 1]', () => {
      expect(decideFailure(policy(), facts())).to.deep.equal({ kind: 'requeue', reason: 'default' });
    });

    it('rejects when told to [spring 3]', () => {
      const rules = policy({ defaultRequeueRejected: false });
      expect(decideFailure(rules, facts())).to.deep.equal({ kind: 'reject', reason: 'default' });
    });
  });

  describe('with stateless retry', () => {
    const rules = policy({ retry });

    it('tries again after a wait that grows, until the attempts are used up [spring 27]', () => {
      const decide = (failures: number) => decideFailure(rules, facts({ failures }));
      expect([1, 2, 3].map(decide)).to.deep.equal([
        { kind: 'retry', delayMs: 1000 },
        { kind: 'retry', delayMs: 2000 },
        { kind: 'recover', reason: 'exhausted' },
      ]);
    });

    it('adds jitter by the chance it is given', () => {
      const jittery = policy({ retry: { ...retry, backoff: { ...retry.backoff, jitter: 1 } } });
      expect(decideFailure(jittery, facts(), () => 0.5)).to.deep.equal({ kind: 'retry', delayMs: 1500 });
    });

    it('recovers at once from what is not worth another attempt [spring 34]', () => {
      const choosy = policy({ retry: { ...retry, retryable: (error) => !(error instanceof RangeError) } });
      expect(decideFailure(choosy, facts({ error: new RangeError('no') }))).to.deep.equal({
        kind: 'recover',
        reason: 'not-retryable',
      });
      expect(decideFailure(choosy, facts()).kind).to.equal('retry');
    });

    it('calls the handler exactly maxAttempts times in all, id or not, redelivered or not', () => {
      fc.assert(
        fc.property(fc.integer({ min: 1, max: 200 }), fc.boolean(), fc.boolean(), (maxAttempts, id, redelivered) => {
          const limited = policy({ retry: { ...retry, maxAttempts } });
          let calls = 0;
          let kind: string;
          do {
            calls++;
            ({ kind } = decideFailure(limited, facts({ failures: calls, hasMessageId: id, redelivered })));
          } while (kind === 'retry' && calls < 1000);
          expect([calls, kind]).to.deep.equal([maxAttempts, 'recover']);
        }),
      );
    });
  });

  describe('with stateful retry', () => {
    const stateful = (maxAttempts: number) => policy({ retry: { ...retry, stateless: false, maxAttempts } });

    it('requeues a message with an id until its attempts are used up [spring 32]', () => {
      const decide = (failures: number) => decideFailure(stateful(3), facts({ failures, redelivered: failures > 1 }));
      expect([1, 2, 3].map(decide)).to.deep.equal([
        { kind: 'requeue', reason: 'stateful-retry' },
        { kind: 'requeue', reason: 'stateful-retry' },
        { kind: 'recover', reason: 'exhausted' },
      ]);
    });

    it('allows a message without an id two deliveries and no more [spring 31]', () => {
      fc.assert(
        fc.property(fc.integer({ min: 2, max: 100 }), (maxAttempts) => {
          const decide = (redelivered: boolean) =>
            decideFailure(stateful(maxAttempts), facts({ hasMessageId: false, redelivered })).kind;
          expect([decide(false), decide(true)]).to.deep.equal(['requeue', 'recover']);
        }),
      );
    });

    it('allows a single attempt when one is asked for, id or not', () => {
      for (const hasMessageId of [true, false]) {
        expect(decideFailure(stateful(1), facts({ hasMessageId }))).to.deep.equal({
          kind: 'recover',
          reason: 'exhausted',
        });
      }
    });
  });

  it('never requeues by accident where there is retry, and never retries where there is none', () => {
    fc.assert(
      fc.property(anyPolicy, anyFacts, (rules, known) => {
        const decision = decideFailure(rules, facts(known));
        if (rules.acknowledge === 'manual') expect(decision.kind).to.equal('leave');
        else if (rules.retry === undefined) expect(decision.kind).to.be.oneOf(['requeue', 'reject']);
        else if (rules.retry.stateless) expect(decision.kind).to.be.oneOf(['retry', 'recover']);
        else expect(decision.kind).to.be.oneOf(['requeue', 'recover']);
      }),
    );
  });
});

describe('deciding about a message that failed here before', () => {
  const decide = (parts: Partial<RetryPolicy>, failures: number, more: object = {}, now = 0) =>
    decideRedelivery({ ...policy(), retry: { ...retry, ...parts } }, { ...remembered(failures), ...more }, now);

  it('recovers it when it has had its attempts, and when its error is not worth another', () => {
    expect(decide({}, 3)).to.deep.equal({ kind: 'recover', reason: 'exhausted' });
    expect(decide({ retryable: () => false }, 1)).to.deep.equal({ kind: 'recover', reason: 'not-retryable' });
    const doubt = new Error('retryable is broken');
    const throwing = () => {
      throw doubt;
    };
    expect(decide({ retryable: throwing }, 1)).to.deep.equal({
      ...{ kind: 'recover', reason: 'not-retryable', doubt: { error: doubt } },
    });
  });

  it('tries again at once where it has waited here, and by the broker waits its interval first', () => {
    expect(decide({}, 2)).to.deep.equal({ kind: 'retry', delayMs: 0 });
    expect(decide({ stateless: false }, 2)).to.deep.equal({ kind: 'retry', delayMs: 2000 });
  });

  it('waits only what is left of a wait that was cut short', () => {
    const waiting = { since: 1000, delayMs: 2000 };
    const left = (now: number) => decide({ stateless: false }, 1, { waiting }, now);
    expect([1000, 2500, 3000, 9000].map((now) => left(now))).to.deep.equal(
      [2000, 500, 0, 0].map((delayMs) => ({ kind: 'retry', delayMs })),
    );
  });
});

describe('telling a requester first', () => {
  it('is done about what failed, not about what was asked for or is decided elsewhere', () => {
    const worth = (decision: object) => isWorthAReply(decision as FailureDecision);
    const decisions: readonly [object, boolean][] = [
      [{ kind: 'acknowledge' }, false],
      [{ kind: 'give-back' }, false],
      [{ kind: 'put-off' }, false],
      [{ kind: 'channel-gone' }, false],
      [{ kind: 'requeue', reason: 'asked' }, false],
      [{ kind: 'reject', reason: 'asked' }, false],
      [{ kind: 'requeue', reason: 'stateful-retry' }, true],
      [{ kind: 'reject', reason: 'invalid' }, true],
      [{ kind: 'retry', delayMs: 0 }, true],
      [{ kind: 'recover', reason: 'exhausted' }, true],
      [{ kind: 'redeliver' }, true],
      [{ kind: 'leave' }, true],
    ];
    for (const [decision, expected] of decisions) expect(worth(decision), JSON.stringify(decision)).to.equal(expected);
  });
});
