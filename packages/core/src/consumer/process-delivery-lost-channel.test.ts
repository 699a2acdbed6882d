import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import type { Message } from '../message/message.js';
import { aDelivery, RecordingChannel } from '../transport/delivery.support.test.js';
import { ACK, endsWhenTaken, Journey, REJECT, REQUEUE, start } from './journey.support.test.js';
import type { ListenerParts } from './listener-harness.support.test.js';
import { DeliveryProcess } from './process-delivery.js';

/**
 * Delivers a message again each time that its channel is lost, `patienceMs` after it was delivered, as a broker does whose
 * delivery acknowledgement timeout passes. Answers what was sent, and when the handler was called.
 */
async function impatientBroker(parts: ListenerParts, patienceMs: number, of: Partial<Message>, deliveries = 12) {
  const calls: [number, number][] = [];
  const frames: string[] = [];
  const journey: Journey = new Journey({
    ...parts,
    handle: (context: DeliveryContext) => {
      calls.push([context.attempt, journey.clock.elapsed]);
      return parts.handle?.(context);
    },
  });
  for (let n = 0; n < deliveries && frames.length === 0; n++) {
    const channel = new RecordingChannel();
    const message = { ...of, redelivered: n > 0 };
    const process = new DeliveryProcess(aDelivery({ of: message, channel }), journey.env);
    const state = start(process);
    await turn();
    if (!state.ended) await journey.clock.advance(patienceMs);
    channel.close();
    process.interrupt('channel-gone');
    await turn();
    await turn();
    expect(state.ended).to.equal(true);
    frames.push(...channel.frames);
  }
  return { journey, frames, calls };
}

const broken = () => {
  throw new Error('broken');
};

describe('a message that has had its attempts and comes again', () => {
  it('is settled when its recoverer has taken it, and not before', async () => {
    let taken: () => void = () => {};
    const journey = new Journey(
      {
        retry: { maxAttempts: 1, stateless: false },
        handle: () => expect.fail('it has had its attempts'),
        recover: () =>
          new Promise<void>((resolve) => {
            taken = resolve;
          }),
      },
      { messageId: 'm', redelivered: true },
    );
    journey.attempts.record('m', new Error('broken'), journey.clock.now());
    await endsWhenTaken(journey, () => taken());
    expect(journey.counted).to.include({ received: 1, recovered: 1 });
  });
});

describe('a message that has ended the process too often', () => {
  it('is settled when its quarantine has taken it, and not before; no handler is called', async () => {
    let taken: () => void = () => {};
    const journey = new Journey({
      handle: () => expect.fail('it is not handled again'),
      recover: () =>
        new Promise<void>((resolve) => {
          taken = resolve;
        }),
    });
    const process = new DeliveryProcess(aDelivery({ channel: journey.channel }), journey.env, (work) => work(), 3);
    const state = start(process);
    await turn();
    expect([state.ended, journey.frames]).to.deep.equal([false, []]);
    taken();
    await turn();
    expect([state.ended, journey.frames]).to.deep.equal([true, [ACK]]);
    expect(journey.counted).to.deep.equal({ received: 1, crashLoops: 1, recovered: 1 });
  });
});

describe('local retry across a channel that is lost', () => {
  const retry = {
    maxAttempts: 3,
    backoff: { initialIntervalMs: 40_000, multiplier: 1, maxIntervalMs: 40_000, jitter: 0 },
  };

  for (const [what, of] of [
    ['with an id', { messageId: 'm-1' }],
    ['without an id', {}],
    ['with an empty id', { messageId: '' }],
  ] as const) {
    it(`counts attempts on, and comes to the recoverer ${what}`, async () => {
      const { journey, frames, calls } = await impatientBroker({ retry, handle: broken }, 30_000, of);
      expect(calls).to.deep.equal([
        [1, 0],
        [2, 30_000],
        [3, 60_000],
      ]);
      expect(frames).to.deep.equal([REJECT]);
      expect(journey.event('recovered')).to.include({ reason: 'exhausted' });
      expect(journey.attempts.size).to.equal(0);
    });
  }

  it('goes on with the wait of stateful retry that was cut short', async () => {
    const stateful = { ...retry, stateless: false };
    const { journey, frames, calls } = await impatientBroker({ retry: stateful, handle: broken }, 30_000, {
      messageId: 'm-1',
    });
    expect([calls, frames]).to.deep.equal([[[1, 0]], [REQUEUE]]);
    const began = journey.clock.elapsed;
    for (const channel of [new RecordingChannel(), journey.channel]) {
      const process = new DeliveryProcess(
        aDelivery({ of: { messageId: 'm-1', redelivered: true }, channel }),
        journey.env,
      );
      start(process);
      await journey.clock.advance(30_000);
      if (channel !== journey.channel) channel.close();
      if (channel !== journey.channel) process.interrupt('channel-gone');
      await turn();
    }
    expect(calls.at(-1)).to.deep.equal([2, began + 40_000]);
    expect(journey.frames).to.deep.equal([REQUEUE]);
  });

  it('forgets a message that is handled in the end', async () => {
    const handle = ({ attempt }: DeliveryContext) => (attempt < 2 ? broken() : undefined);
    const { journey, frames } = await impatientBroker({ retry, handle }, 30_000, { messageId: 'm-1' });
    expect([frames, journey.attempts.size]).to.deep.equal([[ACK], 0]);
    expect(journey.event('handled')).to.include({ attempts: 2 });
  });

  it('goes straight to the recoverer when the last attempt failed as the channel went', async () => {
    let closed = false;
    const channel = new RecordingChannel();
    const journey = new Journey({
      retry: { maxAttempts: 1 },
      handle: () => {
        if (closed) expect.fail('called again');
        closed = true;
        channel.close();
        broken();
      },
    });
    const of = { messageId: 'm-1' };
    await new DeliveryProcess(aDelivery({ of, channel }), journey.env).run();
    const next = journey.next({ ...of, redelivered: true });
    await next.run();
    expect(journey.frames).to.deep.equal([REJECT]);
    expect(journey.types.slice(-2)).to.deep.equal(['recovered', 'rejected']);
  });

  it('asks the recoverer again, and not the handler, when the channel went before its ack', async () => {
    let calls = 0;
    let recoveries = 0;
    const lost = new RecordingChannel();
    const journey = new Journey({
      retry: { maxAttempts: 1 },
      handle: () => {
        calls++;
        broken();
      },
      recover: () => {
        if (++recoveries === 1) lost.close();
      },
    });
    await new DeliveryProcess(aDelivery({ of: { messageId: 'm-1' }, channel: lost }), journey.env).run();
    await journey.next({ messageId: 'm-1', redelivered: true }).run();
    expect([calls, recoveries, journey.frames, journey.attempts.size]).to.deep.equal([1, 2, [ACK], 0]);
  });

  it('starts over when the recoverer failed and the message is requeued', async () => {
    const attempts: number[] = [];
    const journey = new Journey({
      retry: { maxAttempts: 1 },
      handle: ({ attempt, redelivered }) => {
        attempts.push(attempt);
        if (!redelivered) broken();
      },
      recover: broken,
    });
    for (const redelivered of [false, true]) {
      start(journey.next({ messageId: 'm-1', redelivered }));
      await journey.clock.advance(60_000);
    }
    expect([attempts, journey.frames]).to.deep.equal([
      [1, 1],
      [REQUEUE, ACK],
    ]);
  });

  it('does not count an attempt that failed because its signal fired', async () => {
    for (const fails of [
      (signal: AbortSignal) => signal.reason,
      (signal: AbortSignal) => new Error('request failed', { cause: signal.reason }),
      () => Object.assign(new Error('aborted'), { name: 'AbortError' }),
    ]) {
      const attempts: number[] = [];
      const handle = ({ attempt, signal }: DeliveryContext) => {
        attempts.push(attempt);
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(fails(signal))));
      };
      await impatientBroker({ retry, handle }, 1000, { messageId: 'm-1' }, 3);
      expect(attempts).to.deep.equal([1, 1, 1]);
    }
  });

  it('counts one that failed by itself while the channel went', async () => {
    const attempts: number[] = [];
    const handle = ({ attempt, signal }: DeliveryContext) => {
      attempts.push(attempt);
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('broken'))));
    };
    const soon = { ...retry, backoff: { ...retry.backoff, initialIntervalMs: 100 } };
    const { frames } = await impatientBroker({ retry: soon, handle }, 1000, { messageId: 'm-1' });
    expect([attempts, frames]).to.deep.equal([[1, 2, 3], [REJECT]]);
  });
});
