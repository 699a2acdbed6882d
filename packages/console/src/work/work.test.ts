import { LeveretError, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { RateMeter } from '../time/rate-meter.js';
import { AuditLog } from './audit-log.js';
import { Discards } from './discards.js';
import { Job } from './job.js';

describe('RateMeter', () => {
  it('tells how much a count grows in a second, over five seconds', async () => {
    const clock = new FakeClock();
    const meter = new RateMeter(clock);
    expect(meter.see(0)).to.equal(undefined);
    await clock.advance(400);
    expect(meter.see(20)).to.equal(undefined);
    await clock.advance(600);
    expect(meter.see(50)).to.equal(50);
    await clock.advance(10_000);
    expect(meter.see(50)).to.equal(undefined);
    await clock.advance(1000);
    expect(meter.see(50)).to.equal(0);
  });
});

describe('Job', () => {
  const start = { id: 'j', kind: 'retry', who: 'anna', request: { selection: 'all' }, queues: ['q'] } as const;
  const planned = Array.from({ length: 10 }, () => ({}) as never);

  it('counts over all of its phases', async () => {
    const clock = new FakeClock();
    const job = new Job(start, clock);
    expect(job.json()).to.include({ phase: 'looking', sent: 0, total: 0, left: 0 });
    job.foundStaged(3);
    expect(job.json().total).to.equal(3);
    job.progress({ phase: 'resuming', sent: 2, total: 2 });
    job.planned(planned);
    job.progress({ phase: 'canary', sent: 2, total: 2 });
    job.progress({ phase: 'waiting', sent: 0, total: 2 });
    expect(job.json()).to.include({ phase: 'waiting', sent: 4, total: 12, left: 8 });
    await clock.advance(1000);
    job.progress({ phase: 'sending', sent: 8, total: 8 });
    expect(job.json()).to.include({ phase: 'sending', sent: 12, total: 12, left: 0 });
    job.ended({ left: 0, canary: undefined, stopped: undefined, failure: undefined });
    expect(job.json()).to.include({ phase: 'done', endedAt: clock.now(), rateNow: undefined });
  });

  it('says why it stopped, without what is masked', () => {
    const job = new Job(start, new FakeClock());
    job.scrub = (key, text) => `${key} ${text.replace('secret', '***')}`;
    job.planned(planned);
    const outcomes = ['a', 'b'].map((key) => ({ key, outcome: 'recovered', listener: 'L', error: 'secret' }));
    job.ended({
      left: 8,
      canary: { sent: 2, handled: 0, failed: 2, silent: 0, outcomes },
      stopped: 'canary-failed',
      failure: undefined,
    });
    expect(job.json()).to.deep.include({
      ...{ phase: 'stopped', stopped: 'canary-failed', left: 8 },
      canary: { sent: 2, handled: 0, failed: 2, silent: 0, errors: ['a ***', 'b ***'] },
    });
  });

  it('says what it failed with', () => {
    const job = new Job(start, new FakeClock());
    job.failed(new LeveretError('LEV_OPERATION_INTERRUPTED', 'the connection was lost'));
    expect(job.isRunning).to.equal(false);
    expect(job.json()).to.deep.include({
      phase: 'failed',
      error: { code: 'LEV_OPERATION_INTERRUPTED', message: 'the connection was lost' },
    });
  });
});

describe('Discards', () => {
  it('are kept for as long as they can be undone', async () => {
    const clock = new FakeClock();
    const discards = new Discards(clock);
    const facts = { discarded: 1, queues: ['q'], who: 'anna' };
    expect(discards.keep({ ...facts, undo: 'a' }, 1000).undoUntil).to.equal(clock.now() + 1000);
    await clock.advance(500);
    discards.keep({ ...facts, undo: 'b' }, 1000);
    expect(discards.all.map(({ undo }) => undo)).to.eql(['b', 'a']);
    await clock.advance(500);
    expect(discards.all.map(({ undo }) => undo)).to.eql(['b']);
    discards.undone('b');
    expect(discards.all).to.eql([]);
  });

  it('are shown with those of others, of the queues that are shown', () => {
    const clock = new FakeClock();
    const discards = new Discards(clock);
    const own = discards.keep({ discarded: 1, queues: ['q'], who: 'anna', undo: 'own' }, 1000);
    const undoUntil = clock.now() + 2000;
    const found = [
      { undo: 'own', messages: 1, queues: ['q'], undoUntil: own.undoUntil },
      { undo: 'partly', messages: 2, queues: ['q', 'hidden'], undoUntil },
      { undo: 'other', messages: 3, queues: ['q', 'r'], undoUntil },
    ];
    expect(discards.withFound(found, ['q', 'r'])).to.eql([
      { undo: 'other', discarded: 3, queues: ['q', 'r'], undoUntil },
      own,
    ]);
  });
});

describe('AuditLog', () => {
  const entry = { who: 'anna', role: 'operate', what: 'errors.discard', ids: ['a'], ok: true } as const;
  const auditOf = (write: () => Promise<void>, clock = new FakeClock()) => {
    const noted: string[] = [];
    const sink = { write, close: async () => {} };
    return {
      audit: new AuditLog({ clock, logger: silentLogger, sink, onEntry: ({ what }) => noted.push(what) }),
      noted,
      clock,
    };
  };

  it('lets nothing begin that it cannot keep', async () => {
    const { audit, clock } = auditOf(() => Promise.reject(new Error('disk full')));
    const error = await audit.begin(entry).catch((caught: unknown) => caught);
    expect(error).to.include({ status: 503 });
    expect((error as Error).message).to.include('disk full');
    // What has been done already is told to the log at least.
    await audit.note(entry);
    const { audit: hanging } = auditOf(() => new Promise(() => {}), clock);
    const begun = hanging.begin(entry).catch((caught: unknown) => caught);
    await clock.advance(10_000);
    expect(await begun).to.include({ status: 503 });
  });

  it('keeps the last 500, and a hundred ids of each', async () => {
    const { audit } = auditOf(async () => {});
    for (let index = 0; index < 501; index++)
      await audit.note({ ...entry, what: `${index}`, ids: Array.from({ length: 101 }, String) });
    expect(audit.last).to.have.length(500);
    expect(audit.last[0]?.what).to.equal('500');
    expect(audit.last[0]?.ids).to.have.length(100);
  });

  it('is not filled by people who are not logged in', async () => {
    const { audit, noted, clock } = auditOf(async () => {});
    const { role: _role, ...stranger } = entry;
    for (let index = 0; index < 100; index++) await audit.note({ ...stranger, ok: false });
    expect(noted).to.have.length(59);
    await audit.note(entry);
    expect(noted).to.have.length(60);
    await clock.advance(60_001);
    await audit.note({ ...stranger, ok: false });
    expect(noted).to.have.length(61);
  });
});
