import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { aMessage } from '../message/message.support.test.js';
import { StillAtWork, type Work } from './still-at-work.js';

function work(of: Parameters<typeof aMessage>[0]) {
  let end: (error?: Error) => void = () => undefined;
  const ended = new Promise<void>((resolve, reject) => {
    end = (error) => (error === undefined ? resolve() : reject(error));
  });
  ended.catch(() => undefined);
  return { message: aMessage(of), ended, end: (error?: Error) => end(error) };
}
const again = (of: Parameters<typeof aMessage>[0]) => aMessage({ ...of, redelivered: true });

describe('StillAtWork', () => {
  it('knows a message that comes again by its id', () => {
    const still = new StillAtWork();
    const one = work({ messageId: 'a', text: '1' });
    still.add(one);
    expect(still.onThe(again({ messageId: 'a', text: '2' }))).to.equal(one.ended);
    expect(still.onThe(aMessage({ messageId: 'a' }))).to.equal(undefined);
    expect(still.onThe(again({ messageId: 'b', text: '1' }))).to.equal(undefined);
    expect(still.onThe(again({ text: '1' }))).to.equal(undefined);
  });

  it('knows one without an id by what it says, and the way it came', () => {
    const still = new StillAtWork();
    const way = { exchange: 'x', routingKey: 'k', text: '1' };
    const one = work(way);
    still.add(one);
    expect(still.onThe(again(way))).to.equal(one.ended);
    for (const other of [{ exchange: 'y' }, { routingKey: 'l' }, { text: '2' }, { messageId: 'a' }]) {
      expect(still.onThe(again({ ...way, ...other })), JSON.stringify(other)).to.equal(undefined);
    }
  });

  it('forgets what has ended, however it did', async () => {
    const still = new StillAtWork();
    const [one, two] = [work({ messageId: 'a' }), work({ messageId: 'b' })];
    for (const each of [one, two]) still.add(each);
    one.end();
    two.end(new Error('broken'));
    await turn();
    expect(['a', 'b'].map((messageId) => still.onThe(again({ messageId })))).to.deep.equal([undefined, undefined]);
  });

  it('counts what workers work at, also when they have left, until it ends', async () => {
    const still = new StillAtWork();
    const [one, two] = [work({ messageId: 'a' }), work({ messageId: 'b' })];
    const worker: { works: Work[] } = { works: [] };
    still.join(worker);
    worker.works = [one, two];
    expect(still.onThe(again({ messageId: 'b' }))).to.equal(two.ended);
    worker.works = [one];
    expect(still.onThe(again({ messageId: 'b' }))).to.equal(undefined);
    still.leave(worker);
    worker.works = [one, two];
    expect(still.onThe(again({ messageId: 'b' }))).to.equal(undefined);
    expect(still.onThe(again({ messageId: 'a' }))).to.equal(one.ended);
    one.end();
    await turn();
    expect(still.onThe(again({ messageId: 'a' }))).to.equal(undefined);
  });
});
