import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { type LogFields, silentLogger } from '../events/logger.js';
import type { Claim } from './idempotency-store.js';
import { Unwritten } from './unwritten.js';

const claimOf = (key: string): Claim => ({ key, token: `token of ${key}` });

describe('Unwritten', () => {
  let clock: FakeClock;
  let lines: [level: string, fields: LogFields, text: string][];
  let asked: string[];
  let complete: (claim: Claim) => Promise<boolean>;

  beforeEach(() => {
    // No jitter: each wait is what it says.
    sinon.stub(Math, 'random').returns(0);
    clock = new FakeClock();
    lines = [];
    asked = [];
    complete = () => Promise.reject(new Error('away'));
  });
  afterEach(() => sinon.restore());

  const make = (ttlMs = 1_000_000) => {
    const log = (level: string) => (fields: LogFields, text: string) => void lines.push([level, fields, text]);
    const logger = { ...silentLogger, info: log('info'), warn: log('warn'), error: log('error') };
    const asking = (claim: Claim) => {
      asked.push(claim.key);
      return complete(claim);
    };
    return new Unwritten(asking, { ttlMs, clock, logger });
  };

  it('tries after 1, 2, 4 … 30 seconds, and knows the message as handled meanwhile', async () => {
    const unwritten = make();
    unwritten.add(claimOf('a'));
    const waits: number[] = [];
    for (let n = 0; n < 7; n++) {
      const [wait = 0] = clock.waits;
      waits.push(wait);
      await clock.advance(wait);
      expect(unwritten.has('a')).to.equal(true);
    }
    expect(waits).to.deep.equal([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(asked).to.have.lengthOf(7);
    expect(lines.every(([level, { key }]) => level === 'warn' && key === 'a')).to.equal(true);
    expect(clock.waitsForUs, 'it keeps no process alive').to.deep.equal([]);
  });

  it('waits up to a fifth longer, by chance, so that instances do not ask all at once', () => {
    (Math.random as unknown as sinon.SinonStub).returns(0.5);
    make().add(claimOf('a'));
    expect(clock.waits).to.deep.equal([1100]);
  });

  it('says that it is remembered, and is done with it', async () => {
    const unwritten = make();
    unwritten.add(claimOf('a'));
    complete = async () => true;
    await clock.advance(1000);
    expect(lines).to.deep.equal([['info', { key: 'a' }, 'a handled message is remembered now']]);
    expect([unwritten.has('a'), clock.waits]).to.deep.equal([false, []]);
  });

  it('says that somebody else has it, and is done with it', async () => {
    const unwritten = make();
    unwritten.add(claimOf('a'));
    complete = async () => false;
    await clock.advance(1000);
    expect(lines).to.deep.equal([
      ['error', { key: 'a' }, 'a handled message was claimed elsewhere: it may be handled twice'],
    ]);
    expect([unwritten.has('a'), clock.waits]).to.deep.equal([false, []]);
  });

  it('gives up when its time to live has passed, to the millisecond', async () => {
    for (const [ttlMs, known] of [
      [1000, false],
      [1001, true],
    ] as const) {
      const unwritten = make(ttlMs);
      unwritten.add(claimOf('a'));
      await clock.advance(1000);
      expect(unwritten.has('a'), `${ttlMs}`).to.equal(known);
    }
    expect(lines.filter(([level]) => level === 'error')).to.deep.equal([
      [
        'error',
        { key: 'a', why: 'its time to live has passed' },
        'a handled message is not remembered: it may be handled twice',
      ],
    ]);
  });

  it('holds 10,000, and gives up the oldest for one more', () => {
    const unwritten = make();
    for (let n = 0; n < 10_000; n++) unwritten.add(claimOf(`${n}`));
    expect([unwritten.has('0'), lines.length, clock.waits.length]).to.deep.equal([true, 0, 10_000]);
    unwritten.add(claimOf('more'));
    expect([unwritten.has('0'), unwritten.has('1'), unwritten.has('more')]).to.deep.equal([false, true, true]);
    expect(lines.map(([level, fields]) => [level, fields])).to.deep.equal([
      ['error', { key: '0', why: 'too many wait to be remembered' }],
    ]);
    expect(clock.waits).to.have.lengthOf(10_000);
  });

  it('tries each once more when it is flushed, gives up what fails, and leaves no timer', async () => {
    const unwritten = make();
    unwritten.add(claimOf('a'));
    unwritten.add(claimOf('b'));
    complete = ({ key }) => (key === 'a' ? Promise.resolve(true) : Promise.reject(new Error('away')));
    await unwritten.flush();
    expect(asked).to.deep.equal(['a', 'b']);
    expect([unwritten.has('a'), unwritten.has('b'), clock.waits]).to.deep.equal([false, false, []]);
    expect(lines.map(([level, fields]) => [level, fields['key'], fields['why']])).to.deep.equal([
      ['info', 'a', undefined],
      ['warn', 'b', undefined],
      ['error', 'b', 'the application ends'],
    ]);
  });

  it('has no second try on its way when one that was under way fails behind a flush', async () => {
    const unwritten = make();
    const fails: ((error: Error) => void)[] = [];
    complete = () => new Promise((_, reject) => fails.push(reject));
    unwritten.add(claimOf('a'));
    await clock.advance(1000);
    const flushed = unwritten.flush();
    await turn();
    fails[1]?.(new Error('away'));
    await flushed;
    fails[0]?.(new Error('away'));
    await turn();
    expect([unwritten.has('a'), clock.waits, asked.length]).to.deep.equal([false, [], 2]);
  });
});
