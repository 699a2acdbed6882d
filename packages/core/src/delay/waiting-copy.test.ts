import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Message, Publication } from '../message/message.js';
import { aMessage } from '../message/message.support.test.js';
import { tableBytes } from '../message/table-bytes.js';
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

  it('takes its history along up to the last byte of the frame, 4 KiB kept for what stands beside the headers', () => {
    const record = { ...RECORD, history: ['h'.repeat(3_000)] };
    const exact = [{ name: 'odd', entry: entry('odd'), exact: true }];
    const verbatim = { fault: undefined, properties: {}, headers: exact, section: undefined };
    for (const [message, more] of [
      [aMessage({ headers: { tenant: 'a' } }), 0],
      [aMessage({ verbatim }), exact[0]?.entry.length ?? 0],
    ] as const) {
      const headersAt = (frameMax: number) => waitingCopy(message, record, TO, frameMax).headers;
      const needed = tableBytes(headersAt(0)) + more + tableBytes({ 'x-leveret-history': record.history }) + 4096;
      expect(headersAt(needed - 1)).to.not.have.property('x-leveret-history');
      expect(headersAt(needed)).to.have.deep.property('x-leveret-history', record.history);
    }
  });

  it('says how it was kept only where that is not how it waits', () => {
    const modeOf = (deliveryMode: Message['deliveryMode']) =>
      waitingCopy(aMessage({ deliveryMode }), RECORD, TO, FRAME).headers['x-leveret-original-delivery-mode'];
    expect([modeOf(2), modeOf(1), modeOf(undefined)]).to.deep.equal([undefined, 1, 1]);
  });

  it('keeps the timestamp that can be written', () => {
    const timeOf = (timestamp: number) => waitingCopy(aMessage({ timestamp }), RECORD, TO, FRAME).properties.timestamp;
    expect([timeOf(1_700_000_000), timeOf(-1), timeOf(Number.NaN)]).to.deep.equal([
      1_700_000_000,
      undefined,
      undefined,
    ]);
  });

  it('has no header twice, though only one of them is known byte by byte', () => {
    const verbatim = {
      ...{ fault: undefined, properties: {}, section: undefined },
      headers: [{ name: 'odd', entry: entry('odd'), exact: true }],
    };
    const copy = waitingCopy(aMessage({ headers: { odd: 7 }, verbatim }), RECORD, TO, FRAME);
    expect(copy.headers).to.not.have.property('odd');
    expect(copy.verbatim?.headers).to.have.length(1);
  });

  it('leaves a header as it is whose name would become too long: 255 bytes are as many as there may be', () => {
    const keptAs = (bytes: number) => {
      const header = {
        name: `x-leveret-${'n'.repeat(bytes - 10)}`,
        entry: entry(`x-leveret-${'n'.repeat(bytes - 10)}`),
        exact: true,
      };
      const verbatim = { fault: undefined, properties: {}, headers: [header], section: undefined };
      return waitingCopy(aMessage({ verbatim }), RECORD, TO, FRAME).verbatim?.headers[0]?.entry[0];
    };
    expect([keptAs(240), keptAs(241)]).to.deep.equal([255, 241]);
  });

  it('is moved with its headers once, byte by byte where one of them is known so', () => {
    const header = { name: 'odd', entry: entry('odd'), exact: true };
    const verbatim = { fault: undefined, properties: {}, headers: [header], section: undefined };
    const moved = movedCopy(aMessage({ headers: { odd: 1 }, verbatim }), TO);
    expect([moved.headers, moved.verbatim?.headers]).to.deep.equal([{}, [header]]);
    const ofTheWay = { 'x-delivery-count': 1, 'leveret-delay-to': 'a', 'x-death': [], 'x-last-death-queue': 'b' };
    const plain = movedCopy(aMessage({ headers: { odd: 1, ...ofTheWay } }), TO);
    expect([plain.headers, plain.mandatory, plain.verbatim]).to.deep.equal([{ odd: 1 }, true, undefined]);
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

  it('is read where it has the right shape, and counts as nothing where it has not', () => {
    const readOf = (headers: object) =>
      arrive(aMessage({ headers: { ...forged, ...headers }, exchange: 'leveret.return', routingKey: 'q' }));
    const counts = [1, 2, 1_000_000, 1_000_001, 0, -1, 1.5, '3', null].map((count) => {
      const { waited } = readOf({ 'x-leveret-redeliveries': count, 'x-leveret-attempts': count });
      return [waited?.redeliveries, waited?.attempts];
    });
    const read = [1, 2, 1_000_000, 1_000_000, 0, 0, 0, 0, 0];
    expect(counts).to.deep.equal(read.map((count) => [count, count]));
    const priorities = [0, 1, 255, 256, -1, 1.5, '3', undefined];
    expect(priorities.map((each) => readOf({ 'x-leveret-original-priority': each }).message.priority)).to.deep.equal([
      ...[0, 1, 255, undefined, undefined, undefined, undefined, undefined],
    ]);
    const time = (digits: number) => `2026-01-01T00:00:00.${'0'.repeat(digits)}Z`;
    const times = [time(19), time(20), 'soon', 7];
    expect(times.map((each) => readOf({ 'x-leveret-first-failed-at': each }).waited?.firstFailedAt)).to.deep.equal([
      ...[Date.UTC(2026, 0, 1), 0, 0, 0],
    ]);
  });

  it('is taken as it is without both names of where it came from', () => {
    for (const missing of ['x-leveret-original-exchange', 'x-leveret-original-routing-key']) {
      const message = aMessage({ headers: { ...forged, [missing]: 7 }, exchange: 'leveret.return' });
      expect(arrive(message), missing).to.deep.equal({ message });
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

  it('loses what is of the wait byte by byte, too', () => {
    const headers = ['tenant', 'leveret-delay-to', 'x-death', 'x-first-death-queue'].map((each) => ({
      ...{ name: each, entry: entry(each), exact: true },
    }));
    const verbatim = { fault: undefined, properties: {}, headers, section: undefined };
    const { message } = arrive(aMessage({ headers: { 'leveret-delay-to': 'pay', tenant: 'a' }, verbatim }));
    expect([message.headers, message.verbatim]).to.deep.equal([
      { tenant: 'a' },
      { ...verbatim, headers: headers.slice(0, 1) },
    ]);
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
