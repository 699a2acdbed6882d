import { expect } from 'chai';
import { describe, it } from 'mocha';
import {
  type ConsumerFailure,
  channelEndCause,
  consumeFailure,
  consumeFailureCause,
  decideConsumeAgain,
  FailuresInARow,
} from './consume-again.js';

const noJitter = () => 0;

function decide(failure: Partial<ConsumerFailure>) {
  return decideConsumeAgain(
    {
      cause: 'channel-closed',
      failuresBefore: 0,
      everConsumed: true,
      missingQueue: 'fail',
      declared: false,
      ...failure,
    },
    noJitter,
  );
}

describe('FailuresInARow', () => {
  function counting() {
    const state = { now: 0 };
    const clock = { now: () => Number.NaN, monotonic: () => state.now, after: () => () => {} };
    return { state, failures: new FailuresInARow(clock) };
  }

  it('counts attempts that did not begin, until one does', () => {
    const { failures } = counting();
    const attempts = () => [1, 2, 3].map(() => failures.count(undefined));
    expect(attempts()).to.deep.equal([0, 1, 2]);
    failures.began();
    expect(attempts()).to.deep.equal([0, 1, 2]);
  });

  it('counts what began and soon stopped, until one lasted for 5 s', () => {
    const { failures, state } = counting();
    const lasted = (ms: number) => {
      failures.began();
      state.now += ms;
      return failures.count(state.now - ms);
    };
    expect([lasted(0), lasted(4_999), lasted(0)]).to.deep.equal([0, 1, 2]);
    expect([lasted(5_000), lasted(0)]).to.deep.equal([0, 1]);
  });

  it('counts both apart', () => {
    const { failures } = counting();
    expect([undefined, 0, undefined, 0].map((since) => failures.count(since))).to.deep.equal([0, 0, 1, 1]);
  });
});

describe('decideConsumeAgain', () => {
  it('waits for the connection when that is lost', () => {
    expect(decide({ cause: 'connection-lost' })).to.deep.equal({ next: 'await-connection' });
  });

  it('opens a new channel at once, and with growing pauses when it repeats', () => {
    const waits = [0, 1, 2, 3, 20].map((failuresBefore) => decide({ failuresBefore }));
    expect(waits).to.deep.equal(
      [0, 100, 200, 400, 10_000].map((inMs) => ({ next: 'consume-again', inMs, redeclare: false })),
    );
  });

  it('declares the queue again after a cancel', () => {
    expect(decide({ cause: 'cancelled' })).to.deep.equal({ next: 'consume-again', inMs: 0, redeclare: true });
  });

  it('fails over a missing queue only before it has ever consumed, and only when told to', () => {
    expect(decide({ cause: 'queue-missing', everConsumed: false })).to.deep.equal({ next: 'fail' });
    expect(decide({ cause: 'queue-missing', everConsumed: false, missingQueue: 'wait' })).to.include({ inMs: 50 });
    expect(decide({ cause: 'queue-missing' })).to.include({ next: 'consume-again', inMs: 50 });
  });

  it('declares a missing queue of its own at once', () => {
    expect(decide({ cause: 'queue-missing', everConsumed: false, declared: true })).to.deep.equal({
      next: 'consume-again',
      inMs: 0,
      redeclare: true,
    });
  });

  it('looks for a missing queue often at first, then seldom', () => {
    const wait = (failuresBefore: number) => decide({ cause: 'queue-missing', failuresBefore });
    expect(wait(60)).to.include({ inMs: 50 });
    expect(wait(62)).to.include({ inMs: 75 });
    expect(wait(500)).to.include({ inMs: 2000 });
  });

  it('waits its turn for a queue in use', () => {
    expect(decide({ cause: 'queue-in-use', everConsumed: false })).to.include({ next: 'consume-again', inMs: 100 });
    expect(decide({ cause: 'queue-in-use', failuresBefore: 50 })).to.include({ inMs: 2000 });
  });

  it('gives up on a refusal at the start, but not later', () => {
    expect(decide({ cause: 'refused', everConsumed: false })).to.deep.equal({ next: 'fail' });
    expect(decide({ cause: 'refused' })).to.include({ next: 'consume-again', inMs: 100 });
  });
});

describe('consumeFailureCause', () => {
  const of = (code: number, text: string) => consumeFailureCause(new Error(`x; ${code} (N) with message "${text}"`));

  it("reads the broker's answer", () => {
    expect(of(404, "NOT_FOUND - no queue 'q'")).to.equal('queue-missing');
    expect(of(405, 'RESOURCE_LOCKED')).to.equal('queue-in-use');
    expect(of(403, "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use")).to.equal('queue-in-use');
    expect(of(403, "ACCESS_REFUSED - access to queue 'q' refused for user 'u'")).to.equal('refused');
    expect(of(406, 'PRECONDITION_FAILED')).to.equal('refused');
    expect(consumeFailureCause(new Error('Channel ended'))).to.equal('channel-closed');
  });
});

describe('channelEndCause', () => {
  const closed = (text: string) =>
    new Error(`Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - ${text}"`);
  const late = (ms: number) => `delivery acknowledgement on channel 1 timed out. Timeout value used: ${ms} ms. This`;

  it('knows the delivery acknowledgement timeout, with the time where the broker says it', () => {
    expect(channelEndCause(closed(late(2000)))).to.deep.equal({ cause: 'delivery-timeout', timeoutMs: 2000 });
    expect(channelEndCause(closed(late(-1)))).to.deep.equal({ cause: 'delivery-timeout' });
  });

  it('takes everything else for what it is', () => {
    expect(channelEndCause(closed('unknown delivery tag 4711'))).to.deep.equal({ cause: 'channel-closed' });
    expect(channelEndCause(new Error('odd'))).to.deep.equal({ cause: 'channel-closed' });
  });
});

describe('consumeFailure', () => {
  const of = (text: string) =>
    consumeFailure('orders', 'queue-missing', new Error(`x; 404 (NOT-FOUND) with message "${text}"`));

  it('tells a queue that is not there from one whose node is down', () => {
    const missing = of("NOT_FOUND - no queue 'orders' in vhost '/'");
    expect(missing).to.include({ code: 'LEV_QUEUE_MISSING' });
    expect(missing.message).to.include('does not exist');
    const away = of("NOT_FOUND - home node 'a@b' of durable queue 'orders' in vhost '/' is down or inaccessible");
    expect(away).to.include({ code: 'LEV_TOPOLOGY_UNAVAILABLE' });
    expect(away.message).to.include('cannot be had now').and.include("home node 'a@b'");
  });
});
