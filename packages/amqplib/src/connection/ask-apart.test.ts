import { EventEmitter } from 'node:events';
import type { Channel } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { countMessages } from '../delivery/count-messages.js';
import { queueExists } from '../delivery/queue-exists.js';
import { lookForExchange } from '../publisher/look-for-exchange.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { askApart } from './ask-apart.js';
import type { Link } from './link.js';

const refusal = (code: number) =>
  new Error(`Operation failed: QueueDeclare; ${code} (NAME) with message "NAME - the broker's words"`);

/** A connection whose channels answer every question so, and note when they are closed. */
function linkThatAnswers(answer: () => Promise<unknown>) {
  const seen = { opened: [] as number[], closed: 0, asked: [] as unknown[] };
  const ask = (name: string) => {
    seen.asked.push(name);
    return answer();
  };
  const channel = Object.assign(new EventEmitter(), {
    checkQueue: ask,
    checkExchange: ask,
    close: async () => {
      seen.closed++;
      throw new Error('closed already, or the connection is gone');
    },
  });
  const openChannel = async (timeoutMs: number) => {
    seen.opened.push(timeoutMs);
    return channel as unknown as Channel;
  };
  return { link: { openChannel } as unknown as Link, seen };
}

const QUESTIONS = {
  'how many messages': { ask: countMessages, timeoutMs: 700, there: 3, missing: 'missing' },
  'whether a queue is there': { ask: queueExists, timeoutMs: 5000, there: true, missing: false },
};

describe('what is asked on a channel of its own', () => {
  it('is answered, and the channel closed, whatever the answer is', async () => {
    const { link, seen } = linkThatAnswers(async () => 'yes');
    const clock = new FakeClock();
    expect(await askApart(link, clock, 100, (channel) => channel.checkQueue('q'))).to.equal('yes');
    expect([seen, clock.waits]).to.deep.equal([{ opened: [100], closed: 1, asked: ['q'] }, []]);
    const no = refusal(403);
    const refusing = linkThatAnswers(() => Promise.reject(no));
    expect(await rejectionOf(askApart(refusing.link, clock, 100, (channel) => channel.checkQueue('q')))).to.equal(no);
    expect([refusing.seen.closed, clock.waits]).to.deep.equal([1, []]);
  });

  it('is given up in time, and leaves no channel behind', async () => {
    const { link, seen } = linkThatAnswers(() => new Promise(() => {}));
    const clock = new FakeClock();
    const asked = rejectionOf(askApart(link, clock, 100, (channel) => channel.checkQueue('q')));
    await clock.advance(0);
    await clock.advance(99);
    expect(seen.closed).to.equal(0);
    await clock.advance(1);
    expect(String(await asked)).to.contain('no answer within 100 ms');
    expect(seen.closed).to.equal(1);
  });

  for (const [what, { ask, timeoutMs, there, missing }] of Object.entries(QUESTIONS)) {
    it(`tells ${what}: there, not there, or nothing is known`, async () => {
      const clock = new FakeClock();
      const answerOf = (answer: () => Promise<unknown>) => ask('q', linkThatAnswers(answer).link, clock, timeoutMs);
      expect(await answerOf(async () => ({ messageCount: 3 }))).to.equal(there);
      expect(await answerOf(() => Promise.reject(refusal(404)))).to.equal(missing);
      const unknown = () => answerOf(() => Promise.reject(refusal(403)));
      if (ask === queueExists) expect(await unknown()).to.equal(undefined);
      else expect(await rejectionOf(unknown())).to.match(/403/);
      const silent = linkThatAnswers(() => new Promise(() => {}));
      const asked = ask('q', silent.link, clock, timeoutMs).catch(() => undefined);
      await clock.advance(0);
      await clock.advance(timeoutMs);
      expect(await asked).to.equal(undefined);
      expect(silent.seen).to.deep.equal({ opened: [timeoutMs], closed: 1, asked: ['q'] });
    });
  }

  it('tells whether an exchange is missing, with the words of the broker, and asks not for those that every broker has', async () => {
    const clock = new FakeClock();
    const there = linkThatAnswers(async () => ({}));
    expect(await lookForExchange(there.link, 'orders', clock, 50)).to.deep.equal({ missing: undefined });
    expect(there.seen).to.deep.equal({ opened: [50], closed: 1, asked: ['orders'] });
    for (const name of ['amq.direct', 'amq.fanout', 'amq.topic', 'amq.headers', 'amq.match']) {
      expect(await lookForExchange(there.link, name, clock, 50)).to.deep.equal({ missing: undefined });
    }
    expect(there.seen.asked).to.deep.equal(['orders']);
    const { missing } = await lookForExchange(
      linkThatAnswers(() => Promise.reject(refusal(404))).link,
      ...(['orders', clock, 50] as const),
    );
    expect(missing).to.deep.include({ replyText: "NAME - the broker's words" });
    expect(missing?.error).to.include({ code: 'LEV_CHANNEL_CLOSED' });
    const refused = linkThatAnswers(() => Promise.reject(refusal(403))).link;
    expect(await rejectionOf(lookForExchange(refused, 'orders', clock, 50))).to.match(/403/);
  });
});
