import { expect } from 'chai';
import { describe, it } from 'mocha';
import { buildContext } from './build-context.js';
import { buildMessage } from './build-message.js';

describe('buildContext', () => {
  it('makes the context of a first attempt at a payload', () => {
    const context = buildContext({ payload: { id: 7 } });
    expect(context).to.include({ attempt: 1, redelivered: false, brokerDeliveryCount: 0, deathCount: 0 });
    expect(context.payload).to.deep.equal({ id: 7 });
    expect(context.message.body.toString()).to.equal('{"id":7}');
    expect(context.signal.aborted).to.equal(false);
  });

  it('reads from the message what leveret reads from it', () => {
    const headers = { 'x-delivery-count': 2, 'x-death': [{ queue: 'orders', reason: 'rejected', count: 3 }] };
    const message = buildMessage({}, { headers, redelivered: true });
    const context = buildContext({ message, queue: 'orders', attempt: 4 });
    expect(context).to.include({ attempt: 4, redelivered: true, brokerDeliveryCount: 2, deathCount: 3 });
  });

  it('remembers how it was settled', () => {
    const context = buildContext();
    const answers = [context.ack(), context.requeue(), context.requeue({ failed: false }), context.reject()];
    expect(answers).to.deep.equal([true, true, true, true]);
    expect(context.settlements).to.deep.equal(['ack', 'requeue', 'give-back', 'reject']);
  });

  it('fires its signal when it is told to', () => {
    const context = buildContext();
    context.abort('time is up');
    expect(context.signal).to.include({ aborted: true, reason: 'time is up' });
  });
});
