import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Message } from '../message/message.js';
import { decideKey, type KeyPolicy } from './decide-key.js';

const message = (messageId?: string) => ({ messageId }) as Message;
const guardKey = (policy: KeyPolicy, of: Message, payload?: unknown) => {
  const decision = decideKey(of, payload, policy);
  return decision.kind === 'guard' ? decision.key : decision.kind;
};
const orderId = (_: Message, payload: unknown) => (payload as { orderId?: string } | undefined)?.orderId;

describe('decideKey', () => {
  it('takes the message id, or what the key function says', () => {
    expect(guardKey({}, message('m1'))).to.equal('m1');
    expect(guardKey({ key: orderId }, message('m1'), { orderId: 'o1' })).to.equal('o1');
    expect(guardKey({ key: () => 42 }, message())).to.equal('42');
    expect(guardKey({ key: () => 2n ** 70n }, message())).to.equal('1180591620717411303424');
  });

  it('rejects a message without a key by default, and says what is missing', () => {
    for (const of of [message(), message('')]) {
      const decision = decideKey(of, undefined, {});
      expect(decision.kind).to.equal('reject');
      const { error } = decision as Extract<typeof decision, { kind: 'reject' }>;
      expect(error.code).to.equal('LEV_IDEMPOTENCY_KEY_MISSING');
      expect(error.message).to.match(/needs a message id\. Let the publisher set one, or .* onMissingKey/);
    }
    const broken = decideKey(message('m'), {}, { key: () => ({}) as unknown as string });
    expect((broken as { error: Error }).error.message).to.contain('its key function gave an object');
  });

  it('says what a key function gave instead of a key, and why that is none', () => {
    const saying = (given: unknown, policy: KeyPolicy = { key: () => given as string }) =>
      (decideKey(message('m'), {}, policy) as { error: Error }).error.message;
    for (const [given, text] of [
      [undefined, 'gave undefined.'],
      ['', 'gave "".'],
      [Number.NaN, 'gave NaN.'],
      [Number.POSITIVE_INFINITY, 'gave Infinity.'],
      [2 ** 53, 'gave 9007199254740992, which may stand for several ids.'],
      [true, 'gave true.'],
    ] as const) {
      expect(saying(given)).to.contain(text);
      expect(saying(given, { key: () => null, onMissingKey: () => given as string })).to.contain(
        `its key function gave null; onMissingKey ${text}`,
      );
    }
  });

  it('takes no number that is none', () => {
    expect(guardKey({ key: () => Number.NaN }, message('m'))).to.equal('reject');
  });

  it('lets it pass unguarded when told to', () => {
    expect(guardKey({ onMissingKey: 'process' }, message())).to.equal('process');
    expect(guardKey({ onMissingKey: 'process' }, message('m1'))).to.equal('m1');
  });

  it('derives a key that meets no message id', () => {
    const policy: KeyPolicy = { onMissingKey: orderId };
    const keys = [
      guardKey(policy, message(), { orderId: 'x' }),
      guardKey(policy, message('x')),
      guardKey(policy, message('derived:x')),
      guardKey(policy, message('key:derived:x')),
    ];
    expect(keys).to.deep.equal(['derived:x', 'x', 'key:derived:x', 'key:key:derived:x']);
    expect(guardKey(policy, message(), {})).to.equal('reject');
  });

  describe('for ids that cannot be held exactly', () => {
    const inexact = (messageId: string, body = Buffer.from([0xff])) =>
      ({
        messageId,
        verbatim: { fault: undefined, properties: { messageId: body }, headers: [], section: undefined },
      }) as unknown as Message;

    it('says that it was no valid UTF-8', () => {
      const saying = (policy: KeyPolicy) =>
        (decideKey(inexact('\uFFFD'), {}, policy) as { error: Error }).error.message;
      expect(saying({})).to.contain('needs a message id that is valid UTF-8.');
      expect(saying({ key: (of) => of.messageId })).to.contain('which was no valid UTF-8.');
      expect(saying({ onMissingKey: () => undefined })).to.contain('onMissingKey gave undefined.');
    });

    it('has no key, whoever takes it from the message', () => {
      const keys: readonly KeyPolicy[] = [
        {},
        { key: (of) => of.messageId },
        { key: (of) => `pay:${of.messageId}` },
        { onMissingKey: (of) => of.messageId },
      ];
      for (const policy of keys) {
        expect(guardKey(policy, inexact('\uFFFD'))).to.equal('reject');
        if (policy.onMissingKey === undefined) {
          expect(guardKey({ ...policy, onMissingKey: 'process' }, inexact('a\uFFFD'))).to.equal('process');
          expect(guardKey({ ...policy, onMissingKey: orderId }, inexact('\uFFFD'), { orderId: 'x' })).to.equal(
            'derived:x',
          );
        }
      }
      const { error } = decideKey(inexact('\uFFFD'), {}, {}) as Extract<
        ReturnType<typeof decideKey>,
        { kind: 'reject' }
      >;
      expect(error.message).to.contain('needs a message id that is valid UTF-8');
    });

    it('takes the same character where a sender meant it, and other keys of such a message', () => {
      expect(guardKey({}, message('a\uFFFD'))).to.equal('a\uFFFD');
      expect(guardKey({ key: orderId }, inexact('\uFFFD'), { orderId: 'o1' })).to.equal('o1');
    });

    it('takes no whole number that may stand for several', () => {
      for (const id of [2 ** 53, -(2 ** 53), 1688888483063664600]) {
        expect(guardKey({ key: () => id }, message('m'))).to.equal('reject');
      }
      expect(guardKey({ key: () => Number.MAX_SAFE_INTEGER }, message('m'))).to.equal('9007199254740991');
      expect(guardKey({ key: () => 1.5 }, message('m'))).to.equal('1.5');
    });
  });
});
