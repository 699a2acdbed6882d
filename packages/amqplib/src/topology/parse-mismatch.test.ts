import { expect } from 'chai';
import { describe, it } from 'mocha';
import { parseMismatch } from './parse-mismatch.js';

// As RabbitMQ 3.10.8, 4.0.5 and 4.3.6 write it.
const TEXTS: readonly [string, ReturnType<typeof parseMismatch>][] = [
  [
    "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'orders' in vhost '/': received 'false' but current is 'true'",
    { kind: 'queue', name: 'orders', argument: 'durable', asked: 'false', current: 'true' },
  ],
  [
    "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'orders' in vhost '/': received '2000' but current is '1000'",
    { kind: 'queue', name: 'orders', argument: 'x-message-ttl', asked: '2000', current: '1000' },
  ],
  [
    "PRECONDITION_FAILED - inequivalent arg 'x-message-ttl' for queue 'orders' in vhost '/': received none but current is the value '1000' of type 'short'",
    { kind: 'queue', name: 'orders', argument: 'x-message-ttl', asked: undefined, current: '1000' },
  ],
  [
    "PRECONDITION_FAILED - inequivalent arg 'x-expires' for queue 'orders' in vhost '/': received the value '5000' of type 'short' but current is none",
    { kind: 'queue', name: 'orders', argument: 'x-expires', asked: '5000', current: undefined },
  ],
  [
    "PRECONDITION_FAILED - inequivalent arg 'type' for exchange 'shop' in vhost '/': received 'topic' but current is 'direct'",
    { kind: 'exchange', name: 'shop', argument: 'type', asked: 'topic', current: 'direct' },
  ],
  [
    "PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for exchange 'shop' in vhost '/': received the value 'ae' of type 'longstr' but current is none",
    { kind: 'exchange', name: 'shop', argument: 'alternate-exchange', asked: 'ae', current: undefined },
  ],
  [
    "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'orders' in vhost '/': received 'quorum' but current is 'classic'",
    { kind: 'queue', name: 'orders', argument: 'x-queue-type', asked: 'quorum', current: 'classic' },
  ],
  [
    "PRECONDITION_FAILED - inequivalent arg 'x-queue-type' for queue 'orders' in vhost '/': received the value 'quorum' of type 'longstr' but current is none",
    { kind: 'queue', name: 'orders', argument: 'x-queue-type', asked: 'quorum', current: undefined },
  ],
];

describe('parseMismatch', () => {
  for (const [text, mismatch] of TEXTS) {
    it(`reads ${text.slice(22, 70)}... received ${mismatch?.asked}`, () => {
      expect(parseMismatch(text)).to.deep.equal(mismatch);
    });
  }

  it('reads names with quotes in them', () => {
    const text =
      "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'it's' in vhost 'it's': received 'false' but current is 'true'";
    expect(parseMismatch(text)).to.include({ name: "it's", asked: 'false', current: 'true' });
  });

  it('leaves other refusals alone', () => {
    for (const text of [
      "PRECONDITION_FAILED - invalid arg 'x-message-ttl' for queue 'q' in vhost '/': {value_negative,-1}",
      "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q' in vhost '/'.",
      "NOT_FOUND - no queue 'q' in vhost '/'",
      '',
    ]) {
      expect(parseMismatch(text)).to.equal(undefined);
    }
  });
});
