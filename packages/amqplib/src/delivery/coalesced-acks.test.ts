import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { type AckFrame, CoalescedAcks } from './coalesced-acks.js';

/** What a broker makes of the frames: which of the tags that it delivered are still unsettled. */
class Model {
  readonly unsettled = new Set<number>();
  readonly open = new Set<number>();
  readonly unsent = new Set<number>();

  deliver(tag: number): void {
    this.unsettled.add(tag);
    this.open.add(tag);
  }

  /** @throws {Error} where a broker would close the channel, or where a frame stands for what is open */
  receive({ deliveryTag, multiple }: AckFrame): void {
    if (!this.unsettled.has(deliveryTag)) throw new Error(`unknown delivery tag ${deliveryTag}`);
    for (const tag of multiple ? [...this.unsettled].filter((each) => each <= deliveryTag) : [deliveryTag]) {
      if (this.open.has(tag)) throw new Error(`ack of ${tag}, which is open`);
      this.unsettled.delete(tag);
      this.unsent.delete(tag);
    }
  }
}

type Step = { readonly does: 'deliver' | 'skip' | 'send' | 'ack' | 'settle'; readonly which: number };

const step = (weight: number, does: Step['does'], which: fc.Arbitrary<number> = fc.constant(0)) => ({
  weight,
  arbitrary: fc.record<Step>({ does: fc.constant(does), which }),
});

const steps = fc.array(
  fc.oneof(
    step(6, 'deliver'),
    // A delivery of a consumer that is not known here.
    step(1, 'skip'),
    step(2, 'send'),
    // Most handlers end in the order of their deliveries.
    step(4, 'ack'),
    step(3, 'ack', fc.nat(20)),
    step(1, 'settle', fc.nat(20)),
  ),
  { maxLength: 200 },
);

function play(all: readonly Step[]): void {
  const acks = new CoalescedAcks();
  const model = new Model();
  const seen = new Set<number>();
  let last = 0;
  const send = () => {
    const firstOpen = Math.min(...model.open, Number.POSITIVE_INFINITY);
    const before = [...model.unsent].filter((tag) => tag < firstOpen).length;
    const behind = model.unsent.size - before;
    const frames = acks.take();
    for (const frame of frames) model.receive(frame);
    // All that were finished are settled now, by as few frames as can stand for them.
    expect([...model.unsent]).to.deep.equal([]);
    expect(frames.length).to.equal(behind + Math.min(before, 1));
    expect(acks.size).to.equal(0);
  };
  for (const { does, which } of all) {
    if (does === 'deliver' || does === 'skip') {
      last++;
      model.deliver(last);
      if (does === 'deliver') seen.add(last);
    } else if (does === 'send') send();
    else {
      const tags = [...seen];
      const tag = tags[which % Math.max(tags.length, 1)];
      if (tag === undefined) continue;
      seen.delete(tag);
      if (does === 'settle') send();
      model.open.delete(tag);
      if (does === 'ack') {
        model.unsent.add(tag);
        expect(acks.finished(tag)).to.equal(true);
      } else {
        expect(acks.settled(tag)).to.equal(true);
        model.unsettled.delete(tag);
      }
      expect(acks.finished(tag)).to.equal(false);
      expect(acks.settled(tag)).to.equal(false);
      expect(acks.size).to.equal(model.unsent.size);
    }
  }
  send();
}

describe('CoalescedAcks', () => {
  it('settles what is finished, once, and never what is open', () => {
    fc.assert(fc.property(steps, play), { numRuns: 2000 });
  });

  it('stands for all up to the first open one, and for each behind it', () => {
    const acks = new CoalescedAcks();
    for (const tag of [2, 1, 3, 6, 5]) acks.finished(tag);
    expect(acks.take()).to.deep.equal([
      { deliveryTag: 3, multiple: true },
      { deliveryTag: 5, multiple: false },
      { deliveryTag: 6, multiple: false },
    ]);
    acks.finished(7);
    acks.finished(4);
    expect(acks.take()).to.deep.equal([{ deliveryTag: 7, multiple: true }]);
  });

  it('says nothing of others where one waits', () => {
    const acks = new CoalescedAcks();
    acks.finished(1);
    expect(acks.take()).to.deep.equal([{ deliveryTag: 1, multiple: false }]);
    expect(acks.take()).to.deep.equal([]);
  });

  it('stands for a delivery that was rejected meanwhile, which the broker has settled', () => {
    const acks = new CoalescedAcks();
    acks.settled(2);
    acks.finished(1);
    acks.finished(3);
    expect(acks.take()).to.deep.equal([{ deliveryTag: 3, multiple: true }]);
  });

  it('takes the tags of a broker that counts from elsewhere one by one', () => {
    const acks = new CoalescedAcks();
    acks.finished(71);
    acks.finished(72);
    expect(acks.take().map(({ multiple }) => multiple)).to.deep.equal([false, false]);
  });
});
