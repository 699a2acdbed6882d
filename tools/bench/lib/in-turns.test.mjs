import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { measureInTurns } from './in-turns.mjs';

/** Answers with the time of each turn, as often as it is told to, or does what the job says instead. */
const WORKER = `
const job = JSON.parse(process.argv[2]);
if (job.endsAtOnce) process.exit(3);
let turns = 0;
process.on('message', ({ count }) => {
  turns++;
  if (job.endsInTurn === turns) process.exit(4);
  if (job.isSilentInTurn === turns) return;
  process.send({ latencies: Array.from({ length: count }, () => job.latency) });
});
process.send({ isReady: true });
`;

describe('measuring in turns', function () {
  this.timeout(30_000);
  let folder;
  let worker;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'leveret-turns-'));
    worker = join(folder, 'worker.mjs');
    writeFileSync(worker, WORKER);
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const measure = (jobs, limitMs = 20_000, signal = new AbortController().signal) =>
    measureInTurns(
      worker,
      jobs.map((job) => ({ count: 10, atATime: 4, latency: 1, ...job })),
      { limitMs, signal },
    );

  it('answers what each process measured, in the order of the jobs', async () => {
    const results = await measure([{ latency: 1 }, { latency: 2 }, { latency: 3 }]);
    expect(results).to.deep.equal([
      { p50Ms: 1, p99Ms: 1 },
      { p50Ms: 2, p99Ms: 2 },
      { p50Ms: 3, p99Ms: 3 },
    ]);
  });

  it('goes on without one that ends', async () => {
    const results = await measure([{ endsAtOnce: true }, { latency: 2 }, { endsInTurn: 2 }]);
    expect(results).to.deep.equal([
      { error: 'ended with code 3', isTooLong: false },
      { p50Ms: 2, p99Ms: 2 },
      { error: 'ended with code 4', isTooLong: false },
    ]);
  });

  it('has an end when one does not answer', async () => {
    const [first, silent] = await measure([{}, { isSilentInTurn: 1 }], 2000);
    expect(silent).to.include({ isTooLong: true });
    expect(silent.error).to.match(/^did not answer within [12] s$/);
    expect(first).to.deep.equal({ error: 'no time was left', isTooLong: true });
  });

  it('ends when nobody waits for it any more', async () => {
    const stopped = new AbortController();
    const measured = measure([{ isSilentInTurn: 1 }], 20_000, stopped.signal);
    stopped.abort();
    expect(await measured).to.deep.equal([{ error: 'was stopped', isTooLong: false }]);
  });
});
