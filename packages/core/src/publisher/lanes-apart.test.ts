import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { LanePlaces } from './lane-places.js';
import { LanesApart } from './lanes-apart.js';
import { PublishJob, PublishWrite } from './publish-job.js';
import { aPublication, aSlot } from './publish-job.support.test.js';
import type { PublishLane } from './publish-lane.js';
import { RetryWaits } from './retry-waits.js';

/** A lane as far as others are set apart from it. */
class FakeLane {
  readonly places = new LanePlaces(new RetryWaits(new FakeClock(), () => undefined));
  readonly told: string[] = [];
  readonly isApart: boolean;
  isHealthy = false;
  adopted: string[] = [];

  constructor(isApart: boolean) {
    this.isApart = isApart;
  }

  get isEmpty(): boolean {
    return this.places.isEmpty;
  }

  adopt({ written, waiting }: { written: readonly PublishWrite[]; waiting: readonly PublishJob[] }): void {
    this.adopted.push(
      ...[...written.map(({ job }) => job), ...waiting].map(({ publication: p }) => `${p.exchange}/${p.routingKey}`),
    );
  }

  replaceChannel(): void {
    this.told.push('replace');
  }

  rest(): void {
    this.told.push('rest');
  }

  async close(failure: (sent: boolean) => { kind: string; sent?: boolean }): Promise<void> {
    this.told.push(`close ${JSON.stringify(failure(true))}`);
  }
}

function setUp({ window = 8, separates = true, confirmTimeoutMs = 10_000 } = {}) {
  const clock = new FakeClock();
  const main = new FakeLane(false);
  const opened: FakeLane[] = [];
  const moved: PublishJob[] = [];
  const warned: [Record<string, unknown>, string][] = [];
  const apart = new LanesApart({
    main: main as unknown as PublishLane,
    open: () => {
      const lane = new FakeLane(true);
      opened.push(lane);
      return lane as unknown as PublishLane;
    },
    moved: (job) => void moved.push(job),
    separates,
    options: { window, confirmTimeoutMs } as never,
    clock,
    logger: { debug() {}, info() {}, error() {}, warn: (fields, text) => void warned.push([fields as never, text]) },
  });
  const slot = aSlot();
  const job = (exchange: string, routingKey = 'k', lane: FakeLane = main) => {
    const ignore = () => undefined;
    return new PublishJob({ ...aPublication(), exchange, routingKey }, lane as never, 0, ignore, ignore);
  };
  const write = (exchange: string, routingKey = 'k') => {
    const written = job(exchange, routingKey);
    const one = new PublishWrite(written, slot, clock.monotonic());
    written.sent(one);
    main.places.inFlight.push(one);
    return written;
  };
  const laneOf = (exchange: string, routingKey = 'k') =>
    apart.laneFor({ ...aPublication(), exchange, routingKey }) as unknown as FakeLane;
  return { apart, main, opened, moved, warned, clock, job, write, laneOf };
}

describe('LanesApart', () => {
  it('replaces the channel of the main lane once a second has passed without an answer, where others wait', async () => {
    const { apart, main, clock, write } = setUp();
    apart.onSlow();
    write('stuck');
    write('stuck');
    await clock.advance(999);
    apart.onSlow();
    await clock.advance(1);
    apart.onSlow();
    expect(main.told, 'nobody is held up').to.deep.equal([]);
    write('good');
    apart.onSlow();
    expect(main.told).to.deep.equal(['replace']);
  });

  it('takes the same exchange with another key for another', async () => {
    const { apart, main, clock, write } = setUp();
    write('x', 'a');
    write('x', 'b');
    await clock.advance(1000);
    apart.onSlow();
    expect(main.told).to.deep.equal(['replace']);
  });

  it('does nothing one at a time, or where nothing is set apart, and waits no longer than a confirm may take', async () => {
    for (const options of [{ window: 1 }, { separates: false }, { confirmTimeoutMs: 300 }]) {
      const { apart, main, clock, write, job, opened } = setUp(options);
      write('stuck');
      write('good');
      await clock.advance(300);
      apart.onSlow();
      expect(main.told).to.deep.equal('confirmTimeoutMs' in options ? ['replace'] : []);
      apart.refused(job('gone'));
      expect(opened).to.have.length('separates' in options ? 0 : 1);
    }
  });

  it('sets apart what has no answer when the channel is replaced, with all that is to go there', async () => {
    const { apart, main, clock, write, job, opened, moved, warned, laneOf } = setUp();
    const stuck = [write('stuck'), write('stuck')];
    await clock.advance(1000);
    write('good');
    const waiting = job('stuck');
    waiting.queue(main.places.queue, 0);
    job('stuck', 'other').queue(main.places.queue, 0);
    apart.onReplaced();
    expect([opened.length, apart.size, apart.lanes]).to.deep.equal([1, 1, opened]);
    expect(opened[0]?.adopted).to.deep.equal(['stuck/k', 'stuck/k', 'stuck/k']);
    expect(moved).to.deep.equal([...stuck, waiting]);
    expect(warned).to.deep.equal([
      [
        { exchange: 'stuck', routingKey: 'k', messages: 2 },
        'a destination confirms nothing: its messages are published apart from all others',
      ],
    ]);
    expect([laneOf('stuck'), laneOf('stuck', 'other'), laneOf('good')]).to.deep.equal([opened[0], main, main]);
  });

  it('sets apart where a message was refused, once, and not what is apart already', () => {
    const { apart, job, opened, warned } = setUp();
    apart.refused(job('gone'));
    apart.refused(job('gone'));
    apart.refused(job('other', 'k', new FakeLane(true)));
    expect([opened.length, warned[0]?.[1]]).to.deep.equal([
      ...[1, 'a destination is refused: its messages are published apart from all others'],
    ]);
  });

  it('takes an exchange for one destination behind sixteen of its keys, but never the default exchange', () => {
    const { apart, job, opened, warned, laneOf } = setUp();
    for (let n = 0; n < 16; n++) apart.refused(job('x', `${n}`));
    expect([opened.length, laneOf('x', 'new').isApart]).to.deep.equal([16, false]);
    apart.refused(job('x', '16'));
    apart.refused(job('x', '17'));
    expect([opened.length, laneOf('x', 'new'), laneOf('x', '0')]).to.deep.equal([17, opened[16], opened[16]]);
    expect(warned.at(-1)?.[0]).to.deep.equal({ exchange: 'x', messages: 0 });
    for (let n = 0; n < 18; n++) apart.refused(job('', `${n}`));
    expect([opened.length, laneOf('', 'new').isApart]).to.deep.equal([35, false]);
  });

  it('has a hundred lanes at most, and takes the place of one that is empty', async () => {
    const { apart, job, opened, laneOf } = setUp();
    for (let n = 0; n < 101; n++) apart.refused(job(`x${n}`));
    expect([opened.length, apart.size, laneOf('x100').isApart]).to.deep.equal([100, 100, false]);
    apart.onEmpty(opened[5] as never);
    apart.refused(job('x100'));
    expect([opened.length, apart.size, laneOf('x100').isApart, laneOf('x5').isApart]).to.deep.equal([
      101,
      100,
      true,
      false,
    ]);
    expect(opened[5]?.told).to.deep.equal(['rest', 'close {"kind":"closed","error":{},"sent":true}']);
  });

  it('ends a lane that is empty and was answered, at once', () => {
    const { apart, job, opened, laneOf, clock } = setUp();
    apart.refused(job('x'));
    const [lane] = opened as [FakeLane];
    lane.isHealthy = true;
    apart.onEmpty(new FakeLane(true) as never);
    expect(apart.size).to.equal(1);
    apart.onEmpty(lane as never);
    expect([apart.size, laneOf('x').isApart, clock.waits, lane.told[0]?.startsWith('close')]).to.deep.equal([
      0,
      false,
      [],
      true,
    ]);
  });

  it('forgets one that is not well a minute after its last message', async () => {
    const { apart, job, opened, clock } = setUp();
    apart.refused(job('x'));
    apart.refused(job('y'));
    const [x, y] = opened as [FakeLane, FakeLane];
    apart.onEmpty(x as never);
    expect([x.told, clock.waits]).to.deep.equal([['rest'], [60_000]]);
    await clock.advance(30_000);
    apart.onEmpty(x as never);
    job('y').queue(y.places.queue, 0);
    await clock.advance(30_000);
    expect([apart.size, clock.waits]).to.deep.equal([2, [30_000]]);
    await clock.advance(30_000);
    expect([apart.lanes, clock.waits]).to.deep.equal([[y], []]);
  });

  it('forgets all of them, and leaves no timer, when it stops', () => {
    const { apart, job, opened, laneOf, clock } = setUp();
    apart.refused(job('x'));
    apart.onEmpty(opened[0] as never);
    apart.stop();
    expect([apart.size, laneOf('x').isApart, clock.waits]).to.deep.equal([0, false, []]);
  });

  it('takes an exchange that was apart as a whole back when that confirms again', async () => {
    const { apart, main, opened, clock, write, laneOf } = setUp();
    for (let key = 0; key < 17; key++) write('stuck', `k${key}`);
    await clock.advance(1000);
    apart.onReplaced();
    const whole = laneOf('stuck', 'another key');
    expect(whole).to.equal(opened.at(-1));
    for (const lane of opened) {
      lane.isHealthy = true;
      apart.onEmpty(lane as never);
    }
    expect([apart.size, laneOf('stuck', 'k0') === main, laneOf('stuck', 'another key') === main]).to.deep.equal([
      ...[0, true, true],
    ]);
  });
});
