import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { JobJson } from '../contract/contract.js';
import type { AuditEntry } from './audit-log.js';
import { Jobs } from './jobs.js';

const ANNA = { role: 'operate', who: 'anna' } as const;

describe('Jobs', () => {
  let clock: FakeClock;
  let noted: AuditEntry[];
  let told: JobJson[];
  let forgotten: string[];
  let connects: ((error: Error) => void)[];
  let jobs: Jobs;

  beforeEach(() => {
    clock = new FakeClock();
    [noted, told, forgotten, connects] = [[], [], [], []];
    jobs = new Jobs({
      // A job goes on for as long as there is no connection.
      link: { session: () => new Promise((_resolve, reject) => connects.push(reject)) },
      list: { lookForStaged: async () => new Map([['staged', 3]]) },
      looks: { forget: (queues: readonly string[]) => forgotten.push(...queues) },
      audit: { note: async (entry: AuditEntry) => void noted.push(entry) },
      tell: (job: JobJson) => told.push(job),
      ...{ clock, mask: undefined, limits: undefined },
    } as never);
  });
  const begin = (...queues: string[]) => jobs.retry({ selection: 'all' } as never, queues, ANNA);
  const end = async (error: Error = new LeveretError('LEV_CONNECTION_FAILED', 'away')) => {
    for (const reject of connects.splice(0)) reject(error);
    for (let n = 0; n < 5; n++) await turn();
  };

  it('shows what was begun, the newest first, and with what is staged already', async () => {
    const first = begin('staged', 'q');
    expect(first).to.include({ kind: 'retry', who: 'anna', phase: 'looking', sent: 0 });
    const second = jobs.resume({} as never, ['r'], ANNA);
    await turn();
    expect(jobs.all.map(({ id }) => id)).to.deep.equal([second.id, first.id]);
    expect(jobs.get(first.id)).to.include({ total: 3 });
    expect([jobs.get(second.id)?.kind, jobs.get('none'), jobs.stop('none')]).to.deep.equal([
      'resume',
      undefined,
      undefined,
    ]);
    await end();
  });

  it('tells how one ended, notes it, and forgets what was seen of its queues', async () => {
    const { id } = begin('q');
    await turn();
    await end();
    expect(jobs.get(id)).to.include({ phase: 'failed' });
    expect(told.at(-1)).to.deep.include({ id, error: { code: 'LEV_CONNECTION_FAILED', message: 'away' } });
    expect(forgotten).to.deep.equal(['q']);
    expect(noted).to.deep.equal([
      {
        ...{ ...ANNA, what: 'errors.retry.end', ids: [], count: 0, ok: false },
        detail: `job ${id}: failed, ${jobs.get(id)?.left} left, away`,
      },
    ]);
  });

  it('begins none on a queue that another is at work on, until that has ended', async () => {
    begin('a', 'b');
    for (const act of [() => begin('c', 'b'), () => jobs.resume({} as never, ['a'], ANNA)]) {
      expect(act)
        .to.throw(/Another job is at work on queue "[ab]"/)
        .with.property('status', 409);
    }
    await turn();
    await end();
    begin('b');
    expect(jobs.all).to.have.lengthOf(2);
    await turn();
    await end();
  });

  it('has ten at work at once', async () => {
    for (let n = 0; n < 10; n++) begin(`q${n}`);
    expect(() => begin('more')).to.throw('There are 10 jobs at work already.');
    await turn();
    await end();
    begin('more');
    await turn();
    await end();
  });

  it('keeps the last fifty, and all that are at work', async () => {
    const { id } = begin('at work');
    await turn();
    const [stays] = connects.splice(0);
    for (let n = 0; n < 60; n++) {
      begin('q');
      await turn();
      await end();
    }
    expect(jobs.all).to.have.lengthOf(50);
    expect(jobs.get(id)).to.include({ phase: 'looking' });
    stays?.(new Error('x'));
    await end();
  });

  it('stops all of them when it closes, waits for their end, and begins no more', async () => {
    const { id } = begin('q');
    await turn();
    let isClosed = false;
    const closing = jobs.close().then(() => {
      isClosed = true;
    });
    expect(() => begin('other')).to.throw('The console is closing.');
    await turn();
    expect(isClosed).to.equal(false);
    await end();
    await closing;
    expect(jobs.get(id)?.endedAt).to.equal(clock.now());
  });

  it('waits ten seconds for their end', async () => {
    begin('q');
    let isClosed = false;
    const closing = jobs.close().then(() => {
      isClosed = true;
    });
    await clock.advance(9_999);
    expect(isClosed).to.equal(false);
    await clock.advance(1);
    await closing;
    await end();
  });
});
