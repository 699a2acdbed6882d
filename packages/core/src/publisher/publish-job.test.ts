import { expect } from 'chai';
import { describe, it } from 'mocha';
import { LinkedList } from './linked-list.js';
import { type PublishJob, PublishWrite } from './publish-job.js';
import { aJob, aSlot } from './publish-job.support.test.js';

describe('PublishJob', () => {
  it('is in one list at a time, and knows since when it waits', () => {
    const [queue, waits] = [new LinkedList<PublishJob>(), new LinkedList<PublishJob>()];
    const [first, job] = [aJob(), aJob(0, { now: 3 })];
    expect([job.state.kind, job.since]).to.deep.equal(['queued', 3]);
    first.queue(queue, 1);
    job.queue(queue, 10);
    expect([...queue]).to.deep.equal([first, job]);
    job.wait(waits, 20);
    expect([[...queue], [...waits], job.state.kind, job.since]).to.deep.equal([[first], [job], 'waiting', 20]);
    job.queueFirst(queue, 30);
    expect([[...queue], waits.size, job.state.kind, job.since]).to.deep.equal([[job, first], 0, 'queued', 30]);
    job.settle();
    expect([[...queue], job.state.kind, job.since]).to.deep.equal([[first], 'settled', 30]);
  });

  it('waits for its confirm since its first attempt that failed', () => {
    const job = aJob();
    const slot = aSlot();
    job.sent(new PublishWrite(job, slot, 10));
    expect([job.state.kind, job.since, job.unconfirmedSince]).to.deep.equal(['sent', 10, 10]);
    const failure = { kind: 'not-connected', error: new Error('gone') } as const;
    expect(job.remember(failure)).to.deep.equal([failure]);
    job.queue(new LinkedList(), 50);
    job.remember(failure);
    expect([job.since, job.unconfirmedSince]).to.deep.equal([50, 10]);
  });

  it('remembers the last 32 failures', () => {
    const job = aJob();
    const failures = Array.from(
      { length: 40 },
      (_, n) => ({ kind: 'not-connected', error: new Error(`${n}`) }) as const,
    );
    const counts = failures.map((each) => job.remember(each).length);
    expect(counts).to.deep.equal(failures.map((_, n) => Math.min(n + 1, 32)));
    expect(job.failures).to.deep.equal(failures.slice(8));
  });

  it('nobody waits for its write once it is elsewhere', () => {
    const job = aJob();
    const slot = aSlot();
    const write = new PublishWrite(job, slot, 10);
    job.sent(write);
    job.queue(new LinkedList(), 20);
    expect([write.isInFlight, slot.inFlight, slot.abandoned]).to.deep.equal([false, 0, 1]);
  });

  it('lets a body go that can be made again, and takes no other for it', () => {
    let body = Buffer.from('paid');
    const job = aJob(body, { source: { isShared: false, body: () => body } });
    job.fetchBody();
    job.letBodyGo();
    expect([job.hasBody, job.publication.body.length, job.bytes]).to.deep.equal([false, 0, 4]);
    job.fetchBody();
    expect([job.hasBody, String(job.publication.body)]).to.deep.equal([true, 'paid']);
    job.letBodyGo();
    body = Buffer.from('owed');
    expect(() => job.fetchBody()).to.throw(/payload was changed/);
    expect(job.hasBody).to.equal(false);
    const without = aJob(Buffer.from('paid'));
    without.letBodyGo();
    without.keepBody();
    expect([without.hasBody, String(without.publication.body)]).to.deep.equal([true, 'paid']);
  });

  it('takes a copy of a body that is not its own only', () => {
    const body = Buffer.from('paid');
    const own = aJob(body, { source: { isShared: false, body: () => body } });
    own.keepBody();
    expect(own.publication.body).to.equal(body);
    const shared = aJob(body, { source: { isShared: true, body: () => body } });
    shared.keepBody();
    expect(shared.publication.body).to.not.equal(body);
    expect(shared.publication.body).to.deep.equal(body);
  });
});

describe('PublishWrite', () => {
  const written = (count: number) => {
    let idle = 0;
    const slot = aSlot(() => idle++);
    const list = new LinkedList<PublishWrite>();
    const writes = Array.from({ length: count }, () => {
      const write = new PublishWrite(aJob(), slot, 0);
      list.push(write);
      return write;
    });
    return { slot, list, writes, counts: () => [slot.inFlight, slot.abandoned, list.size, idle] };
  };

  it('counts on its channel until it is answered, and tells when nothing is in flight there any more', () => {
    const { writes, counts } = written(2);
    expect(counts()).to.deep.equal([2, 0, 2, 0]);
    expect(writes.map((each) => each.answer())).to.deep.equal([true, true]);
    expect(counts()).to.deep.equal([0, 0, 0, 1]);
    expect(writes.map((each) => each.answer())).to.deep.equal([false, false]);
    expect(counts()).to.deep.equal([0, 0, 0, 1]);
  });

  it('is abandoned once, and its answer is then nobody’s', () => {
    const { writes, counts } = written(2);
    const [write] = writes;
    write?.abandon();
    write?.abandon();
    expect(counts()).to.deep.equal([1, 1, 1, 0]);
    expect(write?.answer()).to.equal(false);
    expect(counts()).to.deep.equal([1, 0, 1, 0]);
    expect(write?.answer(), 'once').to.equal(false);
    expect(counts()).to.deep.equal([1, 0, 1, 0]);
    write?.abandon();
    expect(counts()).to.deep.equal([1, 0, 1, 0]);
  });

  it('stays abandoned on a channel that ended, and tells nothing of one that is closed', () => {
    const { slot, writes, counts } = written(2);
    writes[0]?.abandon();
    expect(writes[0]?.lose()).to.equal(false);
    expect(counts()).to.deep.equal([1, 1, 1, 0]);
    slot.channel.isOpen = false;
    expect(writes[1]?.lose()).to.equal(true);
    expect(counts()).to.deep.equal([0, 1, 0, 0]);
  });
});
