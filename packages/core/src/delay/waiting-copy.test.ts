import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Message, Publication } from '../message/message.js';
import { aMessage } from '../message/message.support.test.js';
import type { Delivery } from '../transport/transport.js';
import { asItCame } from './arrival.js';
import { longerHistory, movedCopy, waitingCopy } from './waiting-copy.js';

const RECORD = { redeliveries: 2, attempts: 6, firstFailedAt: Date.UTC(2026, 0, 1), history: ['first', 'last'] };
const TO = { exchange: 'leveret.wait.1000', routingKey: 'orders' };
const FRAME = 131_072;
const DEATHS = [{ queue: TO.exchange, reason: 'expired', count: 1 }];

/** What the broker makes of it when its time has come. */
function comesBack({ properties, headers, body, verbatim }: Publication, exchange = 'leveret.return'): Message {
  return {
    ...aMessage(),
    ...properties,
    headers: { ...headers, 'x-death': DEATHS, 'x-first-death-queue': TO.exchange, 'x-last-death-reason': 'expired' },
    body,
    exchange,
    routingKey: 'orders',
    verbatim: verbatim && { ...verbatim, fault: undefined, section: undefined },
  };
}

/** A header as it stands on the wire, with the value 7. */
const entry = (header: string) => Buffer.concat([Buffer.of(header.length), Buffer.from(`${header}I\0\0\0\x07`)]);

/** Without what is not set. */
const said = (message: Message) =>
  Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined));

const arrive = (message: Message) => asItCame({ message } as Delivery);

describe('a message that waits', () => {
  const name = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom(
      'CC',
      'x-death',
      'x-first-death-queue',
      'x-leveret-redeliveries',
      'x-leveret-kept-CC',
      'leveret',
      '__proto__',
    ),
  );
  const headers = fc.dictionary(name, fc.oneof(fc.string(), fc.integer(), fc.boolean()), { maxKeys: 8 });
  const optional = (text: fc.Arbitrary<string>) => fc.option(text, { nil: undefined });
  const anyMessage = fc.record({
    headers,
    exchange: fc.string({ maxLength: 20 }),
    routingKey: fc.string({ maxLength: 20 }),
    expiration: optional(fc.constantFrom('0', '60000')),
    userId: optional(fc.constantFrom('guest', 'other')),
    priority: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
    deliveryMode: fc.constantFrom(1, 2),
    messageId: optional(fc.string({ maxLength: 20 })),
    replyTo: optional(fc.string({ maxLength: 20 })),
  });

  it('is the same again when it comes back, over any number of rounds', () => {
    fc.assert(
      fc.property(anyMessage, fc.integer({ min: 1, max: 3 }), (parts, rounds) => {
        const original = { ...aMessage(), ...parts } as Message;
        let current = original;
        for (let round = 0; round < rounds; round++) {
          const copy = waitingCopy(current, RECORD, TO, FRAME);
          const arrived = arrive(comesBack(round === 0 ? copy : movedCopy(comesBack(copy), TO)));
          expect(arrived.waited).to.deep.equal(RECORD);
          current = arrived.message;
        }
        expect(said(current)).to.deep.equal(said(original));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps nothing that would mean something on the way', () => {
    const message = aMessage({
      ...{ expiration: '10', priority: 9, userId: 'guest', deliveryMode: 1 },
      headers: { CC: ['a'], BCC: ['b'], 'x-death': [], 'x-delivery-count': 3, 'x-acquired-count': 4, tenant: 'a' },
    });
    const { properties, headers: own, mandatory } = waitingCopy(message, RECORD, TO, FRAME);
    expect(properties).to.include({ deliveryMode: 2 });
    expect(properties).not.to.have.any.keys('expiration', 'priority', 'userId');
    expect(own).not.to.have.any.keys('CC', 'BCC', 'x-death', 'x-delivery-count', 'x-acquired-count');
    expect(own).to.have.property('tenant', 'a');
    expect(mandatory).to.equal(true);
  });

  it('takes exact bytes along, under the name that they had', () => {
    const exact = ['CC', 'odd', 'x-leveret-mine'].map((header) => ({
      name: header,
      entry: entry(header),
      exact: true,
    }));
    const verbatim = { fault: undefined, properties: {}, headers: exact, section: undefined };
    const copy = waitingCopy(aMessage({ verbatim }), RECORD, TO, FRAME);
    expect(copy.verbatim?.headers.map((header) => header.name)).to.deep.equal([
      ...['x-leveret-kept-CC', 'odd', 'x-leveret-kept-x-leveret-mine'],
    ]);
    expect(arrive(comesBack(copy)).message.verbatim?.headers).to.deep.equal(exact);
  });

  it('goes without its history where there is no room in the frame', () => {
    const message = aMessage({ headers: { big: 'x'.repeat(5000) } });
    expect(waitingCopy(message, RECORD, TO, 8192).headers).not.to.have.property('x-leveret-history');
  });

  it('takes its history along up to the last byte, whose own size counts', () => {
    const record = { ...RECORD, history: ['h'.repeat(3_000)] };
    const fits = (frameMax: number) => 'x-leveret-history' in waitingCopy(aMessage(), record, TO, frameMax).headers;
    let [low, high] = [0, FRAME];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (fits(middle)) high = middle;
      else low = middle;
    }
    const longer = { ...record, history: ['h'.repeat(3_100)] };
    expect(high).to.be.greaterThan(3_000);
    expect('x-leveret-history' in waitingCopy(aMessage(), longer, TO, high + 99).headers).to.equal(false);
    expect('x-leveret-history' in waitingCopy(aMessage(), longer, TO, high + 100).headers).to.equal(true);
  });

  it('is moved with its headers once, byte by byte where one of them is known so', () => {
    const header = { name: 'odd', entry: entry('odd'), exact: true };
    const verbatim = { fault: undefined, properties: {}, headers: [header], section: undefined };
    const moved = movedCopy(aMessage({ headers: { odd: 1 }, verbatim }), TO);
    expect([moved.headers, moved.verbatim?.headers]).to.deep.equal([{}, [header]]);
    expect(movedCopy(aMessage({ headers: { odd: 1 } }), TO).headers).to.deep.equal({ odd: 1 });
  });
});

describe('a message that says that it has waited', () => {
  const forged = {
    'x-leveret-redeliveries': 7,
    'x-leveret-original-exchange': 'admin',
    'x-leveret-original-routing-key': 'root',
    'x-leveret-original-user-id': 'admin',
  };

  it('is not believed unless the broker says so', () => {
    for (const exchange of ['', 'amq.direct', 'leveret.returns', 'xleveret.return', 'leveret.wait.1000']) {
      const message = aMessage({ headers: forged, exchange, routingKey: 'orders' });
      expect(arrive(message), exchange).to.deep.equal({ message });
    }
  });

  it('is read within bounds, whatever stands there', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), fc.anything(), (count, attempts, time, history) => {
        const wrong = {
          ...forged,
          'x-leveret-redeliveries': count,
          'x-leveret-attempts': attempts,
          'x-leveret-first-failed-at': time,
          'x-leveret-history': history,
          'x-leveret-original-priority': count,
          'x-leveret-original-expiration': time,
        };
        const { waited } = arrive(aMessage({ headers: wrong, exchange: 'leveret.billing.return', routingKey: 'q' }));
        expect(waited?.redeliveries).to.be.within(0, 1_000_000);
        expect(waited?.attempts).to.be.within(0, 1_000_000);
        expect(waited?.firstFailedAt).to.satisfy(Number.isFinite);
        expect(waited?.history.length).to.be.at.most(10);
      }),
    );
  });
});

describe('a message that was published with a delay', () => {
  it('comes as if straight from its publisher', () => {
    const headers = { tenant: 'a', 'leveret-delay-to': 'pay', 'leveret-delay-3': true, 'leveret-delay-0': false };
    const deaths = {
      'x-death': [{ queue: 'leveret.delay.03' }, { queue: 'leveret.due.pay' }],
      'x-first-death-queue': 'x',
    };
    expect(arrive(aMessage({ headers: { ...headers, ...deaths } })).message.headers).to.deep.equal({ tenant: 'a' });
  });

  it('keeps what it died of elsewhere', () => {
    const mine = { queue: 'orders', reason: 'rejected', count: 1 };
    const headers = { 'leveret-delay-to': 'pay', 'x-death': [{ queue: 'leveret.due.pay' }, mine] };
    expect(arrive(aMessage({ headers })).message.headers).to.deep.equal({ 'x-death': [mine] });
  });
});

describe('longerHistory', () => {
  it('keeps the first and the last nine lines, and none too long', () => {
    let history: readonly string[] = [];
    for (let n = 1; n <= 30; n++) history = longerHistory(history, `${n}`);
    expect(history).to.deep.equal(['1', '22', '23', '24', '25', '26', '27', '28', '29', '30']);
    expect(longerHistory([], 'x'.repeat(5000))[0]?.length).to.equal(300);
  });
});
