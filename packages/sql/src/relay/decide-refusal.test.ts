import { LeveretError, PublishError, type PublishErrorDetails } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { decideRefusal, refusalText } from './decide-refusal.js';

const policy = {
  maxFailures: 3,
  backoff: { initialIntervalMs: 1_000, multiplier: 2, maxIntervalMs: 5_000, jitter: 0.2 },
};
const details = { fate: 'refused', attempts: 1, causes: [] } as unknown as PublishErrorDetails;
const nacked = new PublishError('LEV_PUBLISH_NACKED', 'queue is full', details);

describe('decideRefusal', () => {
  it('waits longer from one refusal to the next, and parks after the last', () => {
    const decisions = [0, 1, 2].map((failures) => decideRefusal(nacked, failures, true, policy, () => 0.5));
    expect(decisions).to.deep.equal([
      { kind: 'back-off', delayMs: 1_100 },
      { kind: 'back-off', delayMs: 2_200 },
      { kind: 'park' },
    ]);
  });

  it('counts nothing against a message while nobody could take it', () => {
    const offline = new PublishError('LEV_PUBLISH_NOT_CONNECTED', 'no connection', details);
    expect(decideRefusal(offline, 99, true, policy)).to.deep.equal({ kind: 'outage' });
    for (const code of ['LEV_PUBLISH_BLOCKED', 'LEV_PUBLISH_CONFIRM_TIMEOUT', 'LEV_PUBLISHER_CLOSED'] as const) {
      expect(
        decideRefusal(new LeveretError(code, ''), 99, code !== 'LEV_PUBLISH_CONFIRM_TIMEOUT', policy),
      ).to.deep.equal({ kind: 'outage' });
    }
  });

  it('counts a message without an answer only when others got theirs meanwhile', () => {
    const unanswered = new LeveretError('LEV_PUBLISH_CONFIRM_TIMEOUT', '');
    expect(decideRefusal(unanswered, 2, false, policy)).to.deep.equal({ kind: 'outage' });
    expect(decideRefusal(unanswered, 0, true, policy, () => 0)).to.deep.equal({ kind: 'back-off', delayMs: 1_000 });
    expect(decideRefusal(unanswered, 2, true, policy)).to.deep.equal({ kind: 'park' });
  });

  it('believes the publisher that says which destination is stuck, and what was never written', () => {
    const stuck = Object.assign(new LeveretError('LEV_PUBLISH_CONFIRM_TIMEOUT', ''), { stuck: true, fate: 'unknown' });
    expect(decideRefusal(stuck, 2, false, policy)).to.deep.equal({ kind: 'park' });
    const held = Object.assign(new LeveretError('LEV_PUBLISH_CONFIRM_TIMEOUT', ''), { stuck: true, fate: 'not-sent' });
    expect(decideRefusal(held, 99, false, policy)).to.deep.equal({ kind: 'later', delayMs: 1_000 });
  });

  it('counts a message that was sent and lost its channel, each time it was tried', () => {
    const lost = new LeveretError('LEV_PUBLISH_CHANNEL_LOST', '');
    expect(decideRefusal(lost, 2, false, policy)).to.deep.equal({ kind: 'park' });
  });

  it('counts what it does not know: a message must not go round for ever', () => {
    for (const error of [new Error('no'), 'text', undefined]) {
      expect(decideRefusal(error, 2, false, policy)).to.deep.equal({ kind: 'park' });
    }
  });
});

describe('refusalText', () => {
  it('begins with the code, and is short enough to keep', () => {
    expect(refusalText(nacked)).to.equal('LEV_PUBLISH_NACKED: queue is full');
    expect(refusalText('plain')).to.equal('plain');
    expect(refusalText(new Error(`a\0${'x'.repeat(9_000)}`)))
      .to.match(/^a x+$/)
      .and.have.lengthOf(2_000);
  });
});
