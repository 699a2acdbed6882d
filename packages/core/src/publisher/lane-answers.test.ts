import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { ChannelEnd, PublishOutcome } from '../transport/transport.js';
import { Isolation } from './isolation.js';
import { LaneAnswers } from './lane-answers.js';
import { type PublishJob, PublishWrite } from './publish-job.js';
import { aJob, aLane, aSlot } from './publish-job.support.test.js';

function setUp({ isApart = false, maxAttempts = 3 } = {}) {
  const clock = new FakeClock();
  const beganAt = clock.monotonic();
  const told: unknown[] = [];
  const warned: unknown[] = [];
  const stats = { lateConfirms: 0, channelErrors: 0, republished: 0 };
  const current = { slot: undefined as unknown };
  const tell = (name: string) => (job: PublishJob, more?: unknown) =>
    void told.push([name, job, ...(more === undefined ? [] : [more])]);
  const lane = {
    ...aLane,
    isApart,
    unsure: 0,
    hasConnectionSuspects: false,
    pump: () => void told.push('pump'),
    putBack: tell('put back'),
  };
  const answers = new LaneAnswers({
    ...{ lane, isApart, clock, stats, isolation: new Isolation() },
    options: { retry: { maxAttempts } },
    logger: { debug() {}, info() {}, error() {}, warn: (...line: unknown[]) => void warned.push(line) },
    settlement: {
      confirmed: tell('confirmed'),
      returned: tell('returned'),
      nacked: (job: PublishJob, _: unknown, byChannel: boolean) => told.push(['nacked', job, byChannel]),
      failed: (job: PublishJob, { kind }: { kind: string }) => told.push([kind, job]),
      refused: tell('refused'),
    },
    looks: { forget: (exchange: string) => told.push(['forget', exchange]) },
    keeper: { isCurrent: (slot: unknown) => slot === current.slot, replace: () => told.push('replace') },
    pace: { confirmed: () => told.push('pace') },
    limits: { expectConfirms: (now: number) => told.push(['expect', now - beganAt]) },
    onChannelEnd: (cause: Error) => told.push(['ended', cause.message]),
  } as never);
  Object.assign(lane, { answers });
  const write = (slot = aSlot(undefined, beganAt)) => {
    const job = Object.assign(aJob(), { lane });
    const one = new PublishWrite(job, slot, clock.monotonic());
    job.sent(one);
    return { job, write: one, slot };
  };
  return { clock, answers, told: () => told.splice(0), stats, warned, current, write };
}

const LOST: ChannelEnd = { kind: 'connection-lost', error: new Error('reset'), replyCode: undefined };
const ACK: PublishOutcome = { kind: 'ack', returned: undefined };

describe('LaneAnswers', () => {
  it('settles what somebody waits for, and goes on sending', () => {
    const { answers, told, write } = setUp();
    const one = write();
    answers.outcome(one.write, ACK);
    expect(told()).to.deep.equal(['pace', ['confirmed', one.job], 'pump']);
    const returned = { replyCode: 312, replyText: 'NO_ROUTE' } as never;
    const two = write();
    answers.outcome(two.write, { kind: 'ack', returned });
    expect(told()).to.deep.equal(['pace', ['returned', two.job, returned], 'pump']);
  });

  it('expects the next confirm of a lane of one destination from now on', async () => {
    const { answers, told, write, clock } = setUp({ isApart: true });
    await clock.advance(70);
    const one = write();
    answers.outcome(one.write, ACK);
    expect(told()).to.deep.equal(['pace', ['expect', 70], ['confirmed', one.job], 'pump']);
  });

  it('welcomes an ack that comes late, as long as somebody waits; a return or a nack then says nothing', () => {
    const { answers, told, stats, write } = setUp();
    const [waits, settled, nacked] = [write(), write(), write()];
    for (const { write: each } of [waits, settled, nacked]) each.abandon();
    settled.job.settle();
    answers.outcome(waits.write, ACK);
    expect([told(), stats.lateConfirms]).to.deep.equal([[['confirmed', waits.job], 'pump'], 0]);
    answers.outcome(settled.write, ACK);
    expect([told(), stats.lateConfirms]).to.deep.equal([['pump'], 1]);
    answers.outcome(nacked.write, { kind: 'nack', returned: undefined });
    expect([told(), stats.lateConfirms]).to.deep.equal([['pump'], 1]);
  });

  it('asks another channel behind a nack on one that is not fresh, and takes the last attempt for none where none was asked', async () => {
    const nackOf = async (
      age: number,
      parts: { attempts?: number; isCurrent?: boolean; again?: boolean; failed?: string },
    ) => {
      const { answers, told, write, clock, current } = setUp();
      const { job, slot, write: one } = write();
      if (parts.isCurrent !== false) current.slot = slot;
      if (parts.again === true) job.nackedOn = aSlot();
      job.attempts = parts.attempts ?? 0;
      if (parts.failed !== undefined) job.failures = [{ kind: parts.failed, error: new Error('nack') } as never];
      await clock.advance(age);
      answers.outcome(one, { kind: 'nack', returned: undefined });
      return told()
        .filter((each) => each === 'replace' || (Array.isArray(each) && each[0] === 'nacked'))
        .map((each) => (Array.isArray(each) ? each[2] : each));
    };
    expect(await nackOf(999, { attempts: 2 })).to.deep.equal([false]);
    expect(await nackOf(1000, {})).to.deep.equal(['replace', false]);
    expect(await nackOf(1000, { isCurrent: false })).to.deep.equal([false]);
    expect(await nackOf(1000, { attempts: 2 })).to.deep.equal(['replace', true]);
    expect(await nackOf(1000, { attempts: 1 })).to.deep.equal(['replace', false]);
    expect(await nackOf(1000, { attempts: 2, again: true })).to.deep.equal(['replace', false]);
    expect(await nackOf(1000, { attempts: 2, failed: 'nacked' })).to.deep.equal(['replace', true]);
    expect(await nackOf(1000, { attempts: 2, failed: 'nacked-by-channel' }), 'once').to.deep.equal(['replace', false]);
  });

  it('waits for the end of a channel before it judges what was lost, and judges at once what is lost behind it', () => {
    const { answers, told, write } = setUp();
    const one = write();
    answers.outcome(one.write, { kind: 'lost', closed: LOST });
    expect([told(), one.slot.lost]).to.deep.equal([[], [one.write]]);
    answers.ended(one.slot, LOST);
    expect(told()).to.deep.equal([['channel-lost', one.job], 'pump', ['ended', 'reset']]);
    one.slot.end = LOST;
    const two = write(one.slot as never);
    answers.outcome(two.write, { kind: 'lost', closed: LOST });
    expect(told()).to.deep.equal([['channel-lost', two.job], 'pump']);
    const abandoned = write();
    abandoned.write.abandon();
    answers.outcome(abandoned.write, { kind: 'lost', closed: LOST });
    expect([told(), abandoned.slot.lost]).to.deep.equal([[], []]);
  });

  it('leaves alone what an earlier write has settled meanwhile', () => {
    const { answers, told, write } = setUp();
    const one = write();
    one.slot.lost.push(one.write);
    one.job.settle();
    answers.ended(one.slot, LOST);
    expect([told(), one.slot.lost]).to.deep.equal([['pump', ['ended', 'reset']], []]);
  });

  it('tells of a channel that the broker closed, and looks again for an exchange that is missing', () => {
    const { answers, told, write, stats, warned } = setUp();
    const one = write();
    one.slot.lost.push(one.write);
    const replyText = "NOT_FOUND - no exchange 'x' in vhost '/'";
    answers.ended(one.slot, { kind: 'channel-error', replyCode: 404, replyText, error: new Error(replyText) });
    expect(told()[0]).to.deep.equal(['forget', 'x']);
    expect([stats.channelErrors, warned]).to.deep.equal([
      1,
      [[{ replyCode: 404, inFlight: 1 }, `the broker closed a publishing channel: ${replyText}`]],
    ]);
  });
});
