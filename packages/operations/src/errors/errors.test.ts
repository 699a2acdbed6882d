import { expect } from 'chai';
import { describe, it } from 'mocha';
import { queueView } from '../management/views.js';
import { parkedMessages } from '../parked/parked-message.js';
import { aMessage } from '../test-support/a-message.js';
import { editedId } from './edit.js';
import { errorQueuesOf } from './find-error-queues.js';
import { planRetry } from './plan-retry.js';
import { canaryReport, judgeCanary } from './retry.js';

describe('errorQueuesOf', () => {
  it('finds queues that take dead letters and queues that are named so, not those that messages wait in', () => {
    const queue = (name: string, args: Record<string, unknown> = {}, type = 'classic') =>
      queueView({ name, type, arguments: args });
    const found = errorQueuesOf(
      [
        queue('orders', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'attic' }),
        queue('attic'),
        queue('error.queue'),
        queue('orders.dlq'),
        queue('terror'),
        queue('leveret.wait.1000', { 'x-message-ttl': 1000, 'x-dead-letter-exchange': '' }),
        queue('leveret.retrying.error.queue'),
        queue('errors.stream', {}, 'stream'),
        queue('my.wait', { 'x-message-ttl': 5, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'orders' }),
      ],
      [],
      [],
    );
    expect(found.map(({ name }) => name)).to.eql(['attic', 'error.queue', 'orders.dlq']);
    expect(found[0]?.because).to.equal('dead letters of orders');
  });
});

describe('planRetry', () => {
  it('tells each reason once, with how many it is about', () => {
    const messages = parkedMessages('q', [aMessage(), aMessage({ messageId: '2' }), aMessage({ messageId: '3' })]);
    const { planned, faults } = planRetry(messages, {}, () => undefined);
    expect(planned).to.eql([]);
    expect(faults).to.have.length(1);
    expect(faults[0]).to.match(/^3 messages such as /);
  });
});

describe('judgeCanary', () => {
  const outcome = (key: string, word: string) => ({ key, outcome: word, listener: undefined, error: undefined });

  it('lets the others follow only when every one of the first was handled', () => {
    const judged = (...words: string[]) =>
      judgeCanary(
        canaryReport(
          3,
          words.map((word, index) => outcome(String(index), word)),
        ),
        false,
      );
    expect(judged('handled', 'duplicate', 'acknowledged')).to.equal(undefined);
    expect(judged('handled', 'handled')).to.equal('canary-silent');
    expect(judged('handled', 'recovered', 'handled')).to.equal('canary-failed');
    expect(judged('rejected')).to.equal('canary-failed');
    expect(judgeCanary(canaryReport(3, []), true)).to.equal('aborted');
  });
});

describe('editedId', () => {
  const [message] = parkedMessages('q', [aMessage({ messageId: 'm' })]);

  it('is the same for the same change, a UUID, and another for another', () => {
    const id = (text: string) => editedId(message as never, { body: Buffer.from(text) });
    expect(id('a')).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(id('a')).to.equal(id('a'));
    expect(id('a')).to.not.equal(id('b'));
    expect(editedId(message as never, {})).to.not.equal(editedId(message as never, { properties: { type: 'T' } }));
  });
});
