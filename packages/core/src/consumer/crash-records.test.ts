import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { aMessage } from '../message/message.support.test.js';
import { CrashRecords } from './crash-records.js';
import { contentKey, messageIdentity } from './message-identity.js';

function setUp(after = 3) {
  const clock = new FakeClock();
  const warned: unknown[] = [];
  const keys = new Map<string, string>();
  const state: { fails: Error | undefined; hangs: boolean; asked: unknown[] } = {
    fails: undefined,
    hangs: false,
    asked: [],
  };
  const answer = async <T>(value: () => T): Promise<T> => {
    if (state.hangs) return new Promise(() => undefined);
    if (state.fails !== undefined) throw state.fails;
    return value();
  };
  const store = {
    claim: (key: string, options: unknown) => {
      state.asked.push(options);
      return answer(() => {
        if (keys.has(key)) return { kind: 'in-progress', retryAfterMs: 1 };
        keys.set(key, `token ${keys.size}`);
        return { kind: 'claimed', token: keys.get(key) };
      });
    },
    release: ({ key }: { key: string }) => answer(() => void keys.delete(key)),
  } as never;
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (fields: unknown, text: string) => void warned.push([fields, text]),
  };
  const records = new CrashRecords('L.m', { after, withinMs: 5000 }, store, clock, logger);
  return { clock, warned, keys, state, records };
}

const message = aMessage({ messageId: 'a' });

describe('CrashRecords', () => {
  it('counts the starts that never ended, until there are as many as the listener bears', async () => {
    const { records, state, keys } = setUp(3);
    const first = await records.begin(message);
    expect(first).to.deep.include({ kind: 'started' });
    const started = await Promise.all([records.begin(aMessage({ messageId: 'b' }))]);
    expect(started[0]).to.have.nested.property('start.starts', 1);
    expect(await records.begin(message)).to.have.nested.property('start.starts', 2);
    expect(await records.begin(message)).to.deep.equal({ kind: 'crash-loop', starts: 2 });
    expect([keys.size, new Set(state.asked.map((each) => JSON.stringify(each)))]).to.deep.equal([
      ...[3, new Set(['{"leaseMs":5000}'])],
    ]);
  });

  it('takes a record away when the process lives', async () => {
    const { records, keys, clock } = setUp();
    const begun = await records.begin(message);
    if (begun.kind !== 'started') throw new Error(begun.kind);
    expect(begun.start.claim.token).to.equal('token 0');
    await records.end(begun.start);
    expect([keys.size, clock.waits]).to.deep.equal([0, []]);
    expect(await records.begin(message)).to.have.nested.property('start.starts', 1);
  });

  it('tries so again three times, and warns when it cannot', async () => {
    const { records, keys, clock, state, warned } = setUp();
    const begun = await records.begin(message);
    if (begun.kind !== 'started') throw new Error(begun.kind);
    state.fails = new Error('down');
    const waits: (number | undefined)[] = [];
    const ended = records.end(begun.start);
    for (let times = 0; times < 3; times++) {
      await turn();
      waits.push(clock.waits[0]);
      await clock.advance(clock.waits[0] ?? 0);
    }
    await ended;
    expect([waits, keys.size, warned]).to.deep.equal([
      ...[[100, 1000, 10_000], 1],
      [
        [
          { listener: 'L.m', err: state.fails, reason: 'down' },
          'the record that a message was started could not be taken away',
        ],
      ],
    ]);
    const again = records.end(begun.start);
    await turn();
    state.fails = undefined;
    await clock.advance(100);
    await again;
    expect([keys.size, warned.length, clock.waits]).to.deep.equal([0, 1, []]);
  });

  it('does not know where the store is down, or does not answer within 10 s', async () => {
    const { records, clock, state } = setUp();
    state.fails = new Error('down');
    expect(await records.begin(message)).to.deep.equal({ kind: 'unknown', error: state.fails });
    state.hangs = true;
    const asked = records.begin(message);
    await clock.advance(9_999);
    expect(clock.waits).to.deep.equal([1]);
    await clock.advance(1);
    expect(String(((await asked) as { error: unknown }).error)).to.match(/did not answer within 10000 ms/);
  });
});

describe('the identity of a message', () => {
  it('is its id, or the bytes of one that is no text', () => {
    expect([
      messageIdentity(message),
      messageIdentity(aMessage()),
      messageIdentity(aMessage({ messageId: '' })),
    ]).to.deep.equal([...['a', undefined, undefined]]);
    const verbatim = {
      fault: undefined,
      properties: { messageId: Buffer.of(0xff, 1) },
      headers: [],
      section: undefined,
    };
    expect(messageIdentity(aMessage({ messageId: '\uFFFD', verbatim }))).to.equal('bytes:ff01');
  });

  it('is else what the broker does not change', () => {
    const facts = { exchange: 'x', routingKey: 'k', correlationId: 'c', timestamp: 1, type: 't', text: 'body' };
    const key = contentKey(aMessage(facts));
    expect(key).to.match(/^content:[0-9a-f]{64}$/);
    expect(contentKey(aMessage({ ...facts, redelivered: true, headers: { 'x-delivery-count': 1 } }))).to.equal(key);
    for (const other of [
      { exchange: 'y' },
      { routingKey: 'l' },
      { correlationId: 'd' },
      { timestamp: 2 },
      { type: 'u' },
      { text: 'b' },
    ]) {
      expect(contentKey(aMessage({ ...facts, ...other })), JSON.stringify(other)).to.not.equal(key);
    }
  });
});
