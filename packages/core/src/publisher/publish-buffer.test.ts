import { expect } from 'chai';
import { describe, it } from 'mocha';
import { PublishBuffer } from './publish-buffer.js';
import { type PublishJob, Share } from './publish-job.js';
import { aJob } from './publish-job.support.test.js';

const LIMITS = { maxMessages: 4, maxBytes: 100, whenFull: 'wait', waitTimeoutMs: 1000 } as const;

function setUp(limits: Partial<typeof LIMITS> = {}) {
  const [all, half] = [new Share(1), new Share(0.5)];
  const buffer = new PublishBuffer({ ...LIMITS, ...limits }, [half, all]);
  /** Takes jobs of so many bytes, and answers which of them found room. */
  const take = (share: Share, ...bytes: number[]) => bytes.map((each) => buffer.take(aJob(each), share));
  return { buffer, all, half, take };
}

/** One whose body its source can make again. */
const withSource = (bytes: number, isShared = false) =>
  aJob(bytes, { source: { isShared, body: () => Buffer.alloc(bytes) } });

describe('PublishBuffer', () => {
  it('takes so many messages, and so many bytes, up to the last', () => {
    const { take, all, buffer } = setUp();
    expect(take(all, 0, 0, 0, 0, 0)).to.deep.equal([true, true, true, true, false]);
    expect([buffer.messages, buffer.bytes]).to.deep.equal([4, 0]);
    const bytes = setUp();
    expect(bytes.take(bytes.all, 60, 40, 1, 0)).to.deep.equal([true, true, false, true]);
    expect([bytes.buffer.messages, bytes.buffer.bytes]).to.deep.equal([3, 100]);
  });

  it('takes one that is larger than all of it, when it is alone', () => {
    const { take, all } = setUp();
    expect(take(all, 101, 0)).to.deep.equal([true, false]);
    const other = setUp();
    expect(other.take(other.all, 1, 100)).to.deep.equal([true, false]);
  });

  it('gives a share its part, and the first of a share that has nothing its place', () => {
    const messages = setUp();
    expect(messages.take(messages.half, 0, 0, 0)).to.deep.equal([true, true, false]);
    expect(messages.take(messages.all, 0)).to.deep.equal([true]);
    const bytes = setUp();
    expect(bytes.take(bytes.half, 20, 30, 1)).to.deep.equal([true, true, false]);
    const first = setUp();
    expect([...first.take(first.all, 20), ...first.take(first.half, 60)]).to.deep.equal([true, true]);
  });

  it('takes no more messages than there may be in all, though each share has room', () => {
    const { take, all, half, buffer } = setUp();
    expect([...take(half, 0, 0), ...take(all, 0, 0, 0)]).to.deep.equal([true, true, true, true, false]);
    expect(buffer.messages).to.equal(4);
  });

  it('takes no more bytes than there may be in all, though each share has room', () => {
    const { take, all, half, buffer } = setUp();
    expect([...take(all, 60), ...take(half, 45)]).to.deep.equal([true, false]);
    expect(take(half, 40)).to.deep.equal([true]);
    expect(buffer.bytes).to.equal(100);
  });

  it('counts what is released no more, and what is moved with its new share', () => {
    const { buffer, all, half } = setUp();
    const jobs = [aJob(10), aJob(20)] as const;
    for (const job of jobs) buffer.take(job, all);
    buffer.move(jobs[0], half);
    const counts = (share: Share) => [share.messages, share.bytes];
    expect([counts(all), counts(half)]).to.deep.equal([
      [1, 20],
      [1, 10],
    ]);
    expect([buffer.messages, buffer.bytes]).to.deep.equal([2, 30]);
    for (const job of jobs) buffer.release(job);
    for (const job of jobs) buffer.release(job);
    expect([counts(all), counts(half), [buffer.messages, buffer.bytes]]).to.deep.equal(Array(3).fill([0, 0]));
    buffer.move(jobs[0], half);
    expect(buffer.messages).to.equal(0);
  });

  it('lets nobody overtake those in line, and admits them in order as room is given', () => {
    const { buffer, all } = setUp({ maxMessages: 1 as never });
    const [taken, first, second] = [aJob(1), aJob(2), aJob(3)];
    buffer.take(taken, all);
    for (const job of [first, second]) buffer.waitInLine(job, all, 5);
    expect([buffer.messages, buffer.bytes, all.waiting.size, first.since]).to.deep.equal([3, 6, 2, 5]);
    expect(buffer.admit()).to.equal(undefined);
    buffer.release(taken);
    expect(buffer.take(aJob(), all)).to.equal(false);
    expect(buffer.admit()).to.equal(first);
    expect([buffer.messages, buffer.bytes, all.waiting.size, all.messages]).to.deep.equal([2, 5, 1, 1]);
    expect(buffer.admit()).to.equal(undefined);
    buffer.release(second);
    expect([buffer.messages, buffer.bytes]).to.deep.equal([1, 2]);
  });

  it('admits from another share while the first has no room', () => {
    const { buffer, all, half } = setUp();
    for (const job of [aJob(), aJob()]) buffer.take(job, half);
    const [held, free] = [aJob(), aJob()];
    buffer.waitInLine(held, half, 0);
    buffer.waitInLine(free, all, 0);
    expect(buffer.admit()).to.equal(free);
    expect(buffer.admit()).to.equal(undefined);
  });

  it('keeps the bodies of those in line as long as they fit, and lets go of others until they are admitted', () => {
    const { buffer, all } = setUp({ maxMessages: 1 as never });
    const taken = aJob(40);
    buffer.take(taken, all);
    const [fits, tooLarge, small] = [withSource(60), withSource(61), withSource(0)];
    const bodies = () => [fits, tooLarge, small].map(({ hasBody }: PublishJob) => hasBody);
    for (const job of [tooLarge, fits, small]) buffer.waitInLine(job, all, 0);
    expect(bodies()).to.deep.equal([true, false, true]);
    expect(buffer.bytes).to.equal(100);
    buffer.release(taken);
    expect(buffer.admit()).to.equal(tooLarge);
    expect(buffer.bytes).to.equal(61 + 60);
  });

  it('copies the body of one in line that its caller may write over', () => {
    const { buffer, all } = setUp();
    const body = Buffer.from('paid');
    const job = aJob(body, { source: { isShared: true, body: () => body } });
    buffer.waitInLine(job, all, 0);
    body.fill('x');
    expect(String(job.publication.body)).to.equal('paid');
  });

  it('says how large it is, and how long it was full', () => {
    const { buffer } = setUp();
    expect(buffer.fullError(undefined).message).to.equal('the buffer (4 messages, 100 bytes) was full');
    expect(buffer.fullError(500).message).to.equal('the buffer (4 messages, 100 bytes) was full for 500 ms');
  });
});
