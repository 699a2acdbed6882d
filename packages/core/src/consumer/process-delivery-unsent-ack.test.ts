import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import type { Message } from '../message/message.js';
import { aDelivery, RecordingChannel } from '../transport/delivery.support.test.js';
import { ACK, Journey } from './journey.support.test.js';
import type { ListenerParts } from './listener-harness.support.test.js';
import { DeliveryProcess } from './process-delivery.js';

const OF = { messageId: 'm-1' };

/** A delivery whose channel is gone while its handler is at work; then the message comes again. */
async function twice(parts: ListenerParts, again: Partial<Message> = { ...OF, redelivered: true }, of = OF) {
  let calls = 0;
  const lost = new RecordingChannel();
  const journey: Journey = new Journey({
    ...parts,
    handle: async (context: DeliveryContext) => {
      calls++;
      if (calls === 1) {
        lost.close();
        process.interrupt('channel-gone');
      }
      await turn();
      return parts.handle?.(context);
    },
  });
  const process = new DeliveryProcess(aDelivery({ of, channel: lost }), journey.env);
  await process.run();
  await journey.next(again).run();
  return { journey, calls };
}

describe('a message that was handled when its channel was gone', () => {
  it('is acknowledged when it comes again, and not handled again', async () => {
    const { journey, calls } = await twice({});
    expect([calls, journey.frames]).to.deep.equal([1, [ACK]]);
    expect(journey.types).to.deep.equal(['received', 'channel-gone', 'received', 'duplicate']);
    expect(journey.event('duplicate').key).to.equal('m-1');
    expect(journey.counted).to.deep.equal({ received: 2, channelGone: 1, duplicates: 1 });
    await journey.next({ ...OF, redelivered: true }).run();
    expect(journey.frames).to.deep.equal([ACK, ACK]);
    expect(journey.counts.handled).to.equal(1);
  });

  it('is acknowledged, too, when its handler answered at once', async () => {
    const lost = new RecordingChannel();
    const journey = new Journey({ handle: () => lost.close() }, OF);
    await new DeliveryProcess(aDelivery({ of: OF, channel: lost }), journey.env).run();
    expect(journey.next({ redelivered: true }).run()).to.equal(undefined);
    expect([journey.frames, journey.counts.duplicates]).to.deep.equal([[ACK], 1]);
  });

  for (const [when, parts, again] of [
    ['its handler failed', { handle: fail }],
    ['its handler has seen the signal, and may have given up', { handle: ({ signal }) => void signal.aborted }],
    ['it is a handler of manual mode', { acknowledge: 'manual', handle: (context) => void context.ack() }],
    ['it comes as a new message', {}, OF],
    ['another comes with the same id', {}, { ...OF, redelivered: true, body: Buffer.from('other') }],
  ] as [string, ListenerParts, Partial<Message>?][]) {
    it(`is handled again when ${when}`, async () => {
      const { calls } = await twice(parts, again);
      expect(calls).to.equal(2);
    });
  }

  it('is handled again without an id', async () => {
    const { calls } = await twice({}, { redelivered: true }, {} as typeof OF);
    expect(calls).to.equal(2);
  });

  it('is not remembered when its ack may have been sent', async () => {
    let calls = 0;
    const lost = new RecordingChannel();
    lost.ack = () => {
      lost.close();
      return false;
    };
    const journey = new Journey({ handle: () => void calls++ }, OF);
    await new DeliveryProcess(aDelivery({ of: OF, channel: lost }), journey.env).run();
    await journey.next({ redelivered: true }).run();
    expect(calls).to.equal(2);
  });

  /** Everything a broker and two processes can do to a few messages that are alike in everything. */
  it('is never the reason that of messages alike more are acknowledged than were handled', async () => {
    const steps = fc.array(
      fc.record({
        process: fc.nat(1),
        channelIsLost: fc.constantFrom('before', 'during', 'never'),
        fails: fc.boolean(),
      }),
      { maxLength: 30 },
    );
    const property = fc.asyncProperty(fc.integer({ min: 1, max: 4 }), steps, async (copies, all) => {
      let handled = 0;
      let acked = 0;
      const queue = Array.from({ length: copies }, () => ({ redelivered: false }));
      let now = { channel: new RecordingChannel(), loses: false, fails: false };
      const handle = () => {
        if (now.loses) now.channel.close();
        if (now.fails) fail();
        handled++;
      };
      const processes = [new Journey({ handle }, OF), new Journey({ handle }, OF)];
      for (const { process, channelIsLost, fails } of all) {
        const message = queue.shift();
        if (message === undefined) break;
        now = { channel: new RecordingChannel(), loses: channelIsLost === 'during', fails };
        if (channelIsLost === 'before') now.channel.close();
        const { env } = processes[process] as Journey;
        await new DeliveryProcess(aDelivery({ of: { ...OF, ...message }, channel: now.channel }), env).run();
        if (now.channel.frames.includes(ACK)) acked++;
        else queue.push({ redelivered: true });
        expect(acked).to.be.at.most(handled);
      }
    });
    await fc.assert(property, { numRuns: 300, endOnFailure: true });
  });
});

function fail(): never {
  throw new Error('broken');
}
