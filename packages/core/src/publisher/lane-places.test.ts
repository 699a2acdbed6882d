import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { LanePlaces } from './lane-places.js';
import { type PublishJob, PublishWrite, type Suspicion } from './publish-job.js';
import { aJob, aSlot } from './publish-job.support.test.js';
import { RetryWaits } from './retry-waits.js';

function setUp() {
  const places = new LanePlaces(new RetryWaits(new FakeClock(), () => undefined));
  const slot = aSlot();
  const write = (at: number, suspicion: Suspicion = 'none', job = aJob()): PublishJob => {
    const written = new PublishWrite(job, slot, at);
    job.suspicion = suspicion;
    job.sent(written);
    places.inFlight.push(written);
    return job;
  };
  return { places, write };
}

describe('LanePlaces', () => {
  it('is empty only when no job is in any of them', () => {
    const { places, write } = setUp();
    expect(places.isEmpty).to.equal(true);
    const job = aJob();
    for (const list of [places.queue, places.suspects, places.lookedFor]) {
      job.queue(list, 0);
      expect(places.isEmpty).to.equal(false);
    }
    job.settle();
    expect(places.isEmpty).to.equal(true);
    places.retries.add(job, 10);
    expect(places.isEmpty).to.equal(false);
    job.settle();
    write(0, 'none', job);
    expect(places.isEmpty).to.equal(false);
  });

  it('isolates while the last that was written is a suspect, which is innocent when it has ended nothing in time', () => {
    const { places, write } = setUp();
    expect([places.isIsolating, places.hasConnectionSuspects]).to.deep.equal([false, false]);
    write(10);
    expect(places.isIsolating).to.equal(false);
    const suspect = write(20, 'connection');
    expect([places.isIsolating, places.hasConnectionSuspects]).to.deep.equal([true, true]);
    places.acquit(19);
    expect(places.isIsolating).to.equal(true);
    places.acquit(20);
    expect([suspect.suspicion, places.isIsolating, places.hasConnectionSuspects]).to.deep.equal(['none', false, false]);
    write(30, 'channel');
    expect([places.isIsolating, places.hasConnectionSuspects]).to.deep.equal([true, false]);
  });

  it('knows suspects of the connection that wait to be written', () => {
    const { places } = setUp();
    const [innocent, suspect] = [aJob(), aJob()];
    expect([places.placeOf(innocent), places.placeOf(suspect)]).to.deep.equal([places.queue, places.queue]);
    suspect.suspicion = 'channel';
    expect(places.placeOf(suspect)).to.equal(places.suspects);
    suspect.queue(places.suspects, 0);
    expect(places.hasConnectionSuspects).to.equal(false);
    suspect.suspicion = 'connection';
    expect(places.hasConnectionSuspects).to.equal(true);
  });

  it('finds jobs wherever they are, and takes those between two attempts out of there', () => {
    const { places, write } = setUp();
    const written = [write(10), write(20)] as const;
    const [queued, suspect, lookedFor, retried, other] = [aJob(), aJob(), aJob(), aJob(), aJob()] as const;
    queued.queue(places.queue, 0);
    suspect.queue(places.suspects, 0);
    lookedFor.queue(places.lookedFor, 0);
    places.retries.add(retried, 10);
    places.retries.add(other, 10);
    const found = places.find((job) => job !== other && job !== written[1]);
    expect(found.written.map(({ job }) => job)).to.deep.equal([written[0]]);
    expect(found.waiting).to.deep.equal([suspect, lookedFor, queued, retried]);
    expect([places.retries.size, places.queue.size, places.inFlight.size]).to.deep.equal([1, 1, 2]);
    expect([...places.unconfirmed(false)]).to.deep.equal([...written, other]);
    expect([...places.unconfirmed(true)]).to.deep.equal([...written, other, suspect, lookedFor, queued]);
    const isThere = [...written, queued, suspect, lookedFor, other, retried].map((job) =>
      places.some((it) => it === job),
    );
    expect(isThere).to.deep.equal([true, true, true, true, true, false, false]);
  });

  it('knows what has no answer since a moment', () => {
    const { places, write } = setUp();
    const jobs = [write(10), write(20), write(30)];
    expect([9, 10, 20, 99].map((time) => places.unansweredSince(time))).to.deep.equal(
      [0, 1, 2, 3].map((count) => jobs.slice(0, count)),
    );
  });
});
