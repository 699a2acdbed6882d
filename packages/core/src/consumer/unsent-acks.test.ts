import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { Message } from '../message/message.js';
import { aMessage } from '../message/message.support.test.js';
import { UnsentAcks } from './unsent-acks.js';

type Parts = Parameters<typeof aMessage>[0];
const SENT: Parts = { messageId: 'a', text: '1', headers: { tenant: 7 }, timestamp: 1 };
const again = (of: Parts = {}) => aMessage({ ...SENT, ...of, redelivered: true });

function owing(...messages: Message[]) {
  const clock = new FakeClock();
  const acks = new UnsentAcks(clock);
  for (const message of messages) acks.owe(message);
  return { acks, clock };
}

describe('UnsentAcks', () => {
  it('owes each message one ack for each time that it was handled', () => {
    const { acks } = owing(aMessage(SENT), aMessage(SENT));
    expect([acks.take(again()), acks.take(again()), acks.take(again()), acks.size]).to.deep.equal([
      true,
      true,
      false,
      0,
    ]);
  });

  it('owes none to a message that comes for the first time', () => {
    const { acks } = owing(aMessage(SENT));
    expect(acks.take(aMessage(SENT))).to.equal(false);
    expect(acks.take(again())).to.equal(true);
  });

  it('owes none to a message that differs in anything that its publisher said, or in its way', () => {
    const others: Parts[] = [
      { messageId: 'b' },
      { text: '2' },
      { exchange: 'other' },
      { routingKey: 'other' },
      { headers: { tenant: 8 } },
      { headers: {} },
      { timestamp: 2 },
      { type: 'other' },
      { correlationId: 'other' },
      { replyTo: 'other' },
      { expiration: '1000' },
    ];
    const { acks } = owing(aMessage(SENT));
    for (const other of others) expect(acks.take(again(other)), JSON.stringify(other)).to.equal(false);
    expect(acks.size).to.equal(1);
  });

  it('does not mind what the broker counts in headers', () => {
    const { acks } = owing(again({ headers: { tenant: 7, 'x-delivery-count': 1 } }));
    expect(acks.take(again({ headers: { tenant: 7, 'x-delivery-count': 2, 'x-acquired-count': 3 } }))).to.equal(true);
  });

  it('takes headers of every kind', () => {
    const headers = { big: 2n ** 60n, bytes: Buffer.from([1, 255]), table: { list: [1, null] } };
    const { acks } = owing(aMessage({ ...SENT, headers }));
    expect(acks.take(again({ headers: { ...headers, bytes: Buffer.from([1, 254]) } }))).to.equal(false);
    expect(acks.take(again({ headers: { ...headers, big: 2n ** 60n + 1n } }))).to.equal(false);
    expect(acks.take(again({ headers }))).to.equal(true);
  });

  it('remembers none without an id, and none that cannot be held exactly', () => {
    const verbatim = { fault: undefined, properties: {}, headers: [], section: undefined };
    const { acks } = owing(
      aMessage({ text: '1' }),
      aMessage({ messageId: '', text: '1' }),
      aMessage({ ...SENT, verbatim }),
    );
    expect(acks.size).to.equal(0);
    acks.owe(aMessage(SENT));
    expect(acks.take(again({ verbatim }))).to.equal(false);
  });

  it('remembers for ten minutes', async () => {
    const { acks, clock } = owing(aMessage(SENT));
    await clock.advance(599_999);
    acks.owe(aMessage({ ...SENT, messageId: 'b' }));
    expect(acks.take(again())).to.equal(true);
    acks.owe(aMessage(SENT));
    await clock.advance(600_000);
    expect([acks.take(again()), acks.size]).to.deep.equal([false, 0]);
  });

  it('remembers a thousand, and forgets the oldest first', () => {
    const { acks } = owing(...Array.from({ length: 1001 }, (_, n) => aMessage({ ...SENT, messageId: `m-${n}` })));
    expect(acks.size).to.equal(1000);
    expect([0, 1, 1000].map((n) => acks.take(again({ messageId: `m-${n}` })))).to.deep.equal([false, true, true]);
  });
});
