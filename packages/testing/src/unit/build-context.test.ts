import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type BuiltContext, buildContext } from './build-context.js';
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

  for (const [how, settle] of [
    ['ack', (context: BuiltContext) => context.ack()],
    ['requeue', (context: BuiltContext) => context.requeue()],
    ['give-back', (context: BuiltContext) => context.requeue({ failed: false })],
    ['reject', (context: BuiltContext) => context.reject()],
  ] as const) {
    it(`is settled once, as a real delivery is (${how})`, () => {
      const context = buildContext();
      expect([settle(context), settle(context)]).to.deep.equal([true, false]);
      expect(() => (how === 'ack' ? context.reject() : context.ack()))
        .to.throw()
        .include({ code: 'LEV_ALREADY_SETTLED' });
      expect(context.settlements).to.deep.equal([how]);
    });

    it(`sends nothing behind the end of its channel (${how})`, () => {
      const context = buildContext();
      context.loseChannel();
      expect([settle(context), context.settlements]).to.deep.equal([false, []]);
    });
  }

  it('fires its signal when it is told to', () => {
    const context = buildContext();
    context.abort('time is up');
    expect(context.signal).to.include({ aborted: true, reason: 'time is up' });
  });
});
