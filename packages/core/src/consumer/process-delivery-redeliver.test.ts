import { expect } from 'chai';
import { describe, it } from 'mocha';
import { LeveretError } from '../errors/leveret-error.js';
import { RetryAfter } from '../retry/retry-after.js';
import { aDelivery } from '../transport/delivery.support.test.js';
import { ACK, endsWhenTaken, fails, finish, Journey, REJECT, REQUEUE, start, travel } from './journey.support.test.js';
import type { ListenerParts } from './listener-harness.support.test.js';
import { DeliveryProcess } from './process-delivery.js';

const REDELIVER = { delaysMs: [1000, 4000], jitter: 0, native: true };
const redelivering = { policy: { redeliver: REDELIVER }, handle: fails() };

describe('the journey of a delivery that waits at the broker', () => {
  it('is acknowledged once the broker has the copy, and says so', async () => {
    const journey = await travel({ ...redelivering, retry: { maxAttempts: 2 } }, { messageId: 'm' });
    expect(journey.frames).to.deep.equal([ACK]);
    const [sent] = journey.redeliveries.sent;
    expect(sent).to.include({ delayMs: 1000 });
    expect(sent?.record).to.include({ redeliveries: 1, attempts: 2 });
    expect(sent?.record.history).to.have.lengthOf(1);
    expect(journey.event('redelivery')).to.include({ way: 'ladder', delayMs: 1000, redeliveries: 1 });
    expect(journey.counted).to.deep.equal({ received: 1, failed: 2, retried: 1, redeliveries: 1 });
    expect(journey.attempts.size).to.equal(0);
  });

  it('is requeued behind a pause, and not before, when what becomes of it cannot be decided', async () => {
    const bug = new Error('bug');
    const broken = new Proxy(REDELIVER, {
      get: () => {
        throw bug;
      },
    });
    const journey = new Journey({ policy: { redeliver: broken }, handle: fails() });
    for (const [before, about] of [1_000, 2_000].entries()) {
      const state = start(journey.next());
      await journey.clock.advance(0);
      const [pauseMs = 0] = journey.clock.waits;
      expect(pauseMs).to.be.within(about * 0.7, about * 1.3);
      await journey.clock.advance(pauseMs - 1);
      expect([state.ended, journey.frames.length]).to.deep.equal([false, before]);
      await journey.clock.advance(1.1);
      expect(state.ended).to.equal(true);
    }
    expect(journey.frames).to.deep.equal([REQUEUE, REQUEUE]);
    expect((journey.event('undecided').error as Error).cause).to.equal(bug);
    expect(journey.counted).to.include({ received: 2, undecided: 2, requeued: 2 });
    expect(journey.clock.waits).to.deep.equal([]);
  });

  it('goes on counting when it comes back, and ends with the recoverer', async () => {
    const seen: number[] = [];
    const parts: ListenerParts = {
      ...redelivering,
      handle: ({ attempt, redeliveries }) => {
        seen.push(attempt, redeliveries);
        throw new Error('broken');
      },
    };
    const journey = new Journey(parts, {});
    const record = { redeliveries: 2, attempts: 4, firstFailedAt: 7, history: ['first'] };
    const delivery = { ...aDelivery({ of: {}, channel: journey.channel }), waited: record };
    await finish(journey, new DeliveryProcess(delivery, journey.env));
    expect(journey.frames).to.deep.equal([REJECT]);
    expect(journey.event('failed').attempt).to.equal(5);
    expect(seen, 'the handler knows').to.deep.equal([5, 2]);
    expect(journey.redeliveries.sent).to.deep.equal([]);
  });

  it('is rejected to be held back where its queue does that, with no copy', async () => {
    const journey = new Journey(redelivering, { redelivered: true, headers: { 'x-delivery-count': 1 } });
    journey.redeliveries.isNative = true;
    await finish(journey, journey.next());
    expect(journey.frames).to.deep.equal([REQUEUE]);
    expect(journey.redeliveries.sent).to.deep.equal([]);
    expect(journey.event('redelivery')).to.include({ way: 'native', delayMs: 4000, redeliveries: 2 });
    expect(journey.event('failed').attempt).to.equal(2);
  });

  it('counts what the broker says only where the queue holds it back, and only of a redelivery', async () => {
    const headers = { 'x-delivery-count': 2 };
    const copied = await travel(redelivering, { redelivered: true, headers });
    expect(copied.redeliveries.sent[0]?.record.redeliveries).to.equal(1);
    const first = new Journey(redelivering, { headers });
    first.redeliveries.isNative = true;
    await finish(first, first.next());
    expect(first.event('redelivery').redeliveries).to.equal(1);
  });

  it('takes the count of its queue along when it waits as a copy, and waits as copies from then on', async () => {
    const headers = { 'x-delivery-count': 1 };
    const parts = { ...redelivering, handle: fails(new RetryAfter('90s')) };
    const asked = new Journey(parts, { redelivered: true, headers });
    asked.redeliveries.isNative = true;
    await finish(asked, asked.next());
    expect(asked.redeliveries.sent[0]?.record).to.include({ redeliveries: 2, attempts: 2 });
    const back = new Journey(redelivering);
    back.redeliveries.isNative = true;
    const waited = { redeliveries: 1, attempts: 2, firstFailedAt: 7, history: [] };
    const delivery = { ...aDelivery({ of: {}, channel: back.channel }), waited };
    await finish(back, new DeliveryProcess(delivery, back.env));
    expect(back.redeliveries.sent[0]).to.include({ delayMs: 4000 });
    expect(back.frames).to.deep.equal([ACK]);
  });

  it('is requeued after a pause when the broker does not take the copy', async () => {
    const journey = new Journey(redelivering);
    journey.redeliveries.fails = new Error('nacked');
    const state = start(journey.next());
    await journey.clock.advance(0);
    expect(journey.frames).to.deep.equal([]);
    await journey.clock.advance(2000);
    expect(state.ended).to.equal(true);
    expect(journey.frames).to.deep.equal([REQUEUE]);
    expect(journey.event('redelivery-failed').error).to.have.property('code', 'LEV_REDELIVERY_FAILED');
    expect(journey.counted).to.include({ redeliveryFailed: 1, requeued: 1 });
  });

  it('begins its attempts anew where the broker did not take the copy, and goes straight there where the broker retries', async () => {
    for (const [retry, calls] of [
      [{ maxAttempts: 2 }, 4],
      [{ maxAttempts: 1, stateless: false }, 1],
    ] as const) {
      let called = 0;
      const journey = new Journey(
        {
          policy: { redeliver: REDELIVER },
          retry,
          handle: () => {
            called++;
            throw new Error('broken');
          },
        },
        { messageId: 'm', redelivered: true },
      );
      journey.redeliveries.fails = new Error('nacked');
      await finish(journey, journey.next());
      await finish(journey, journey.next());
      expect([called, journey.counts.redeliveryFailed]).to.deep.equal([calls, 2]);
    }
  });

  it('counts the attempts of all deliveries that its queue held back, and when the first of them failed', async () => {
    const journey = new Journey(
      { ...redelivering, retry: { maxAttempts: 3 } },
      { redelivered: true, headers: { 'x-delivery-count': 2 } },
    );
    journey.redeliveries.isNative = true;
    await finish(journey, journey.next());
    expect(journey.event('failed').attempt).to.equal(7);

    const first = await travel(redelivering);
    expect(first.redeliveries.sent[0]?.record.firstFailedAt).to.equal(first.clock.now() - first.clock.elapsed);
    const back = new Journey(redelivering);
    const waited = { redeliveries: 1, attempts: 2, firstFailedAt: 7, history: [] };
    const delivery = { ...aDelivery({ of: {}, channel: back.channel }), waited };
    await finish(back, new DeliveryProcess(delivery, back.env));
    expect(back.redeliveries.sent[0]?.record.firstFailedAt).to.equal(7);
  });

  it('goes to the recoverer when no frame holds the headers of its wait', async () => {
    const journey = new Journey(redelivering);
    journey.redeliveries.fails = new LeveretError('LEV_PUBLISH_UNENCODABLE', 'too large');
    await finish(journey, journey.next());
    expect(journey.frames).to.deep.equal([REJECT]);
    expect(journey.counted).to.include({ recovered: 1 });
  });

  it('settles nothing when its channel went meanwhile: it comes twice, with the same id', async () => {
    const journey = new Journey(redelivering);
    journey.redeliveries.send = async () => {
      journey.channel.close();
      return 'ladder';
    };
    await finish(journey, journey.next());
    expect(journey.frames).to.deep.equal([]);
    expect(journey.types.at(-1)).to.equal('channel-gone');
  });

  it('waits as a copy when the handler says how long, in manual mode too, unless it has settled', async () => {
    const asked = await travel({ policy: { acknowledge: 'manual' }, handle: fails(new RetryAfter('90s')) });
    expect(asked.frames).to.deep.equal([ACK]);
    expect(asked.redeliveries.sent[0]?.delayMs).to.equal(90_000);
    const settled = await travel({
      policy: { acknowledge: 'manual' },
      handle: (context) => {
        context.reject();
        throw new RetryAfter('90s');
      },
    });
    expect(settled.frames).to.deep.equal([REJECT]);
    expect(settled.redeliveries.sent).to.deep.equal([]);
  });

  it('does not count what asks not to be counted', async () => {
    const journey = await travel({ ...redelivering, handle: fails(new RetryAfter('1s', { counts: false })) });
    expect(journey.redeliveries.sent[0]?.record).to.include({ redeliveries: 0, attempts: 1 });
  });

  it('tries again here on a stream, which nothing leaves', async () => {
    const consumerArguments = { 'x-stream-offset': 'first' };
    const journey = await travel({ definition: { consumerArguments }, handle: fails(new RetryAfter('1s')) });
    expect(journey.frames).to.deep.equal([REQUEUE]);
    expect(journey.redeliveries.sent).to.deep.equal([]);
  });

  it('shows no secret of the error in what goes along', async () => {
    const journey = await travel({ ...redelivering, handle: fails(new Error('amqp://joe:secret@host is down')) });
    expect(journey.redeliveries.sent[0]?.record.history.join()).not.to.contain('secret');
  });
});

describe('the journey of a delivery that is given to somebody else', () => {
  const REFUSED = new LeveretError('LEV_PUBLISH_UNENCODABLE', 'too large');
  const ways: readonly [string, ListenerParts, string][] = [
    ['a recoverer, behind its attempts', { handle: fails(), retry: { maxAttempts: 1 } }, 'recover'],
    ['a recoverer, as it cannot be read', { route: { convert: fails() }, policy: { invalid: 'recover' } }, 'recover'],
    ['where it waits', redelivering, 'redeliver'],
    ['a recoverer, as no frame holds the headers of its wait', redelivering, 'refused'],
  ];
  it('ends when that has it: where it waits, as it has had its attempts before', async () => {
    let taken: () => void = () => {};
    const taking = new Promise<void>((resolve) => {
      taken = resolve;
    });
    const journey = new Journey(
      { ...redelivering, handle: () => expect.fail('it has had its attempts'), retry: { maxAttempts: 1 } },
      { messageId: 'm', redelivered: true },
    );
    journey.attempts.record('m', new Error('before'), journey.clock.now());
    journey.redeliveries.send = async () => taking.then(() => 'ladder' as const);
    await endsWhenTaken(journey, () => taken());
  });

  for (const [to, parts, how] of ways) {
    it(`ends when that has it: ${to}`, async () => {
      let taken: () => void = () => {};
      const taking = new Promise<void>((resolve) => {
        taken = resolve;
      });
      const journey = new Journey({ ...parts, recover: () => taking });
      if (how === 'refused') journey.redeliveries.fails = REFUSED;
      if (how === 'redeliver') journey.redeliveries.send = async () => taking.then(() => 'ladder' as const);
      await endsWhenTaken(journey, () => taken());
    });
  }
});
