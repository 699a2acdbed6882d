import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { aMessage } from '../test-support/a-message.js';
import { lastFailure, readDeaths } from './death.js';
import { exportLine, importLine } from './export-line.js';
import { readFailure } from './failure.js';
import { groupErrors } from './group-errors.js';
import { parkedMessages } from './parked-message.js';
import { decideTarget } from './retry-target.js';
import { selectErrors } from './select-errors.js';
import { setValue } from './set-value.js';

const SPRING = { 'x-original-exchange': 'ex', 'x-original-routingKey': 'k', 'x-exception-message': 'no' };

describe('parkedMessages', () => {
  it('gives the same key to the same message, and others to those exactly like it', () => {
    const [a, b, c] = parkedMessages('q', [aMessage(), aMessage(), aMessage({ messageId: 'x' })]);
    expect(a?.key).to.match(/^[0-9a-f]{12}$/);
    expect(b?.key).to.equal(`${a?.key}.2`);
    expect(c?.key).to.not.equal(a?.key);
    expect(parkedMessages('q', [aMessage({ redelivered: true })])[0]?.key).to.equal(a?.key);
  });

  it('gives another key to a message that differs in what stays the same while it is parked', () => {
    const key = (parts: Parameters<typeof aMessage>[0]) => parkedMessages('q', [aMessage(parts)])[0]?.key;
    const keys = [
      key({}),
      key({ body: Buffer.from('{"other":1}') }),
      key({ messageId: 'm' }),
      key({ correlationId: 'c' }),
      key({ timestamp: 1 }),
      key({ type: 't' }),
      key({ headers: { 'x-leveret-first-failed-at': '2026-01-01T00:00:00Z' } }),
      key({ headers: { 'x-death': [{ queue: 'q', reason: 'rejected' }] } }),
    ];
    expect(new Set(keys).size).to.equal(keys.length);
    expect(key({ headers: { 'x-delivery-count': 3, own: 1 }, priority: 4 })).to.equal(keys[0]);
  });

  it('has its place in the queue, and no count of the broker in its headers', () => {
    const [, second] = parkedMessages('q', [aMessage(), aMessage({ headers: { 'x-delivery-count': 3, own: 1 } })]);
    expect(second).to.include({ queue: 'q', position: 1 });
    expect(second?.message.headers).to.eql({ own: 1 });
  });
});

describe('groupErrors', () => {
  it('puts the largest group first and shows its newest message', () => {
    const of = (fingerprint: string, at: string) =>
      aMessage({ headers: { 'x-leveret-fingerprint': fingerprint, 'x-leveret-last-failed-at': at } });
    const messages = parkedMessages('q', [
      of('b', '2026-01-01T00:00:00Z'),
      of('a', '2026-01-03T00:00:00Z'),
      of('a', '2026-01-02T00:00:00Z'),
    ]);
    const groups = groupErrors(messages);
    expect(groups.map(({ id, count }) => [id, count])).to.eql([
      ['a', 2],
      ['b', 1],
    ]);
    expect(groups[0]?.sample.failure.lastFailedAt).to.equal(Date.parse('2026-01-03T00:00:00Z'));
    expect(groups[0]?.firstSeen).to.equal(Date.parse('2026-01-02T00:00:00Z'));
  });
});

describe('groupErrors, of what messages say of time,', () => {
  const of = (fingerprint: string, first: string | undefined, last: string | undefined) =>
    aMessage({
      headers: {
        'x-leveret-fingerprint': fingerprint,
        ...(first === undefined ? {} : { 'x-leveret-first-failed-at': `2026-01-0${first}T00:00:00Z` }),
        ...(last === undefined ? {} : { 'x-leveret-last-failed-at': `2026-01-0${last}T00:00:00Z` }),
      },
    });
  const day = (day: number) => Date.parse(`2026-01-0${day}T00:00:00Z`);
  const seen = (...messages: ReturnType<typeof of>[]) => {
    const [group] = groupErrors(parkedMessages('q', messages));
    return [group?.firstSeen, group?.lastSeen];
  };

  it('takes either for the other where only one is there, and nothing where neither is', () => {
    expect(seen(of('a', '3', '5'), of('a', '2', undefined), of('a', undefined, '4'))).to.eql([day(2), day(5)]);
    expect(seen(of('a', '3', undefined))).to.eql([day(3), day(3)]);
    expect(seen(of('a', undefined, '4'))).to.eql([day(4), day(4)]);
    expect(seen(of('a', undefined, undefined))).to.eql([undefined, undefined]);
  });

  it('puts groups of one size in the order of their ids, and takes the last of those that say nothing for the newest', () => {
    const messages = parkedMessages('q', [of('b', '1', '1'), of('c', '1', '1'), of('a', undefined, undefined)]);
    expect(groupErrors(messages).map(({ id }) => id)).to.eql(['a', 'b', 'c']);
    const [group] = groupErrors(parkedMessages('q', [of('a', undefined, undefined), of('a', undefined, undefined)]));
    expect(group?.sample.position).to.equal(1);
  });
});

describe('readDeaths', () => {
  const line = (queue: string, reason: string, more = {}) => ({ queue, reason, exchange: 'ex', ...more });
  const time = { '!': 'timestamp', value: 1_700_000_000 };

  it('reads what has the right shape, with what is missing filled in, a hundred lines at most', () => {
    const lines = [line('q', 'rejected', { count: 3, time, 'routing-keys': ['k', 5] }), 7, null, { queue: 'q' }];
    expect(readDeaths({ 'x-death': [...lines, { queue: 'p', reason: 'expired' }] })).to.eql([
      ...[{ queue: 'q', reason: 'rejected', exchange: 'ex', routingKeys: ['k'], count: 3, at: 1_700_000_000_000 }],
      ...[{ queue: 'p', reason: 'expired', exchange: '', routingKeys: [], count: 1, at: undefined }],
    ]);
    expect(readDeaths({ 'x-death': Array.from({ length: 150 }, () => line('q', 'rejected')) })).to.have.length(100);
    expect(readDeaths({ 'x-death': 'rejected' })).to.eql([]);
    expect(readDeaths({ 'x-death': [line('q', 'expired', { time: 5 })] })[0]?.at).to.equal(5_000);
  });

  it('takes the newest failure for the one that counts, and the newest of all where none was a failure', () => {
    const deaths = (...reasons: string[]) => readDeaths({ 'x-death': reasons.map((reason) => line(reason, reason)) });
    expect(lastFailure(deaths('expired', 'delivery_limit', 'rejected'))?.reason).to.equal('delivery_limit');
    expect(lastFailure(deaths('maxlen', 'rejected'))?.reason).to.equal('rejected');
    expect(lastFailure(deaths('maxlen', 'expired'))?.reason).to.equal('maxlen');
    expect(lastFailure([])).to.equal(undefined);
  });
});

describe('selectErrors', () => {
  const messages = parkedMessages('q', [
    aMessage({ messageId: 'm1', headers: SPRING }),
    aMessage({ messageId: 'm2', headers: SPRING }),
    aMessage({ messageId: 'm3' }),
  ]);

  it('chooses by key, message id and group, in the order of the queue, each once', () => {
    const chosen = (...words: string[]) =>
      selectErrors(messages, words).messages.map(({ message }) => message.messageId);
    expect(chosen('m3', 'm1')).to.eql(['m1', 'm3']);
    expect(chosen(messages[1]?.key ?? '', 'm2')).to.eql(['m2']);
    expect(chosen(messages[1]?.key.slice(0, 8) ?? '')).to.eql(['m2']);
    expect(chosen(messages[0]?.failure.fingerprint ?? '')).to.eql(['m1', 'm2']);
    expect(selectErrors(messages, 'all').messages).to.have.length(3);
  });

  it('says which words name nothing', () => {
    expect(selectErrors(messages, ['m1', 'm9', '']).unknown).to.eql(['m9', '']);
    expect(selectErrors(messages, [messages[0]?.key.slice(0, 5) ?? '']).unknown).to.have.length(1);
  });
});

describe('decideTarget', () => {
  const spring = readFailure(aMessage({ headers: SPRING }));
  const leveret = readFailure(aMessage({ headers: { ...SPRING, 'x-leveret-queue': 'orders' } }));

  it('goes to the queue that failed, to the one that was asked for, or to the exchange', () => {
    const none = () => undefined;
    expect(decideTarget(leveret, {}, none)).to.deep.include({ target: { exchange: '', routingKey: 'orders' } });
    expect(decideTarget(leveret, { to: 'x' }, none)).to.deep.include({ target: { exchange: '', routingKey: 'x' } });
    const via = decideTarget(leveret, { via: 'exchange' }, none);
    expect(via).to.deep.include({ target: { exchange: 'ex', routingKey: 'k' } });
    expect(decideTarget(spring, {}, () => ['only'])).to.deep.include({ target: { exchange: '', routingKey: 'only' } });
  });

  it('says why there is none', () => {
    const why = (...parts: Parameters<typeof decideTarget>) => JSON.stringify(decideTarget(...parts));
    expect(why(spring, {}, () => ['a', 'b'])).to.include('2 queues (a, b)');
    expect(why(spring, {}, () => [])).to.include('no queue is bound');
    expect(why(spring, {}, () => undefined)).to.include('management');
    expect(why(readFailure(aMessage()), {}, () => [])).to.include('does not say');
    expect(why(readFailure(aMessage()), { via: 'exchange' }, () => [])).to.include('which exchange');
  });
});

describe('setValue', () => {
  it('sets one value by its path', () => {
    const json = '{"order":{"lines":[{"price":1,"a.b":2}]},"n":1}';
    expect(setValue(json, 'order.lines[0].price=12.5')).to.equal('{"order":{"lines":[{"price":12.5,"a.b":2}]},"n":1}');
    expect(setValue(json, 'order.lines[0]["a.b"]="x"')).to.include('"a.b":"x"');
    expect(setValue(json, 'n=two words = 2')).to.include('"n":"two words = 2"');
    expect(setValue(json, 'new={"a":[1]}')).to.include('"new":{"a":[1]}');
    expect(setValue('[1,2]', '[1]=null')).to.equal('[1,null]');
    expect(setValue('{}', '__proto__=1')).to.equal('{"__proto__":1}');
  });

  it('says what does not fit', () => {
    for (const [json, set, text] of [
      ['{}', 'a', 'path=value'],
      ['{}', '=1', 'path=value'],
      ['{}', 'a.b=1', 'nothing to set at a'],
      ['{"a":[]}', 'a.b=1', 'does not fit'],
      ['{"a":{}}', 'a[0]=1', 'does not fit'],
      ['5', 'a=1', 'no object'],
      ['{}', 'a[x=1', 'a path such as'],
    ] as const) {
      expect(() => setValue(json, set)).to.throw(TypeError, text);
    }
    expect(() => setValue('no json', 'a=1')).to.throw();
    expect(() => setValue('{"a":{"l":[1]}}', 'a.l[0].b.c=1')).to.throw(
      TypeError,
      'nothing to set at a.l[0], on the way',
    );
    expect(() => setValue('{"a":null}', 'a.b=1')).to.throw(TypeError, 'nothing to set at a, on the way to a.b');
    expect(() => setValue('null', 'a=1')).to.throw(TypeError, 'no object');
  });

  it('sets a value twice, as one that may be set again', () => {
    expect(setValue(setValue('{"b":1}', 'a=1'), 'a=2')).to.equal('{"b":1,"a":2}');
    expect(setValue('[]', '[2]=1')).to.equal('[null,null,1]');
  });
});

describe('exportLine', () => {
  it('comes back as it was, whatever the body and the headers are', () => {
    const header = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string(),
        fc.double(),
        fc.boolean(),
        fc.constant(null),
        fc.bigInt(),
        fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes)),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.oneof(fc.string(), fc.constant('$type')), tie('value'), { maxKeys: 3 }),
      ),
    })).value;
    const message = fc.record({
      body: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      headers: fc.dictionary(fc.string(), header, { maxKeys: 4 }),
      messageId: fc.option(fc.string(), { nil: undefined }),
      priority: fc.option(fc.nat(255), { nil: undefined }),
    });
    fc.assert(
      fc.property(message, (parts) => {
        const [parked] = parkedMessages('q', [aMessage(parts)]);
        const line = exportLine(parked as never);
        expect(line).to.not.include('\n');
        const read = importLine(line);
        expect(read.message.body.equals(parts.body)).to.equal(true);
        expect(read.message.headers).to.deep.equal(Object.fromEntries(Object.entries(parts.headers)));
        expect([read.queue, read.message.messageId, read.message.priority]).to.eql([
          'q',
          parts.messageId,
          parts.priority,
        ]);
      }),
      { endOnFailure: true },
    );
  });

  it('says what is wrong with a line', () => {
    for (const line of [
      'x',
      '{}',
      'null',
      '5',
      '{"leveret":1}',
      '{"leveret":1,"key":"k","queue":"q","exchange":"","routingKey":""}',
    ]) {
      expect(() => importLine(line)).to.throw(TypeError);
    }
  });
});
