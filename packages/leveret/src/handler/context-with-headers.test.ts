import { expect } from 'chai';
import { describe, it } from 'mocha';
import { contextOf, sampleMessage } from '../test-support/sample-delivery.js';
import { ContextWithHeaders } from './context-with-headers.js';

describe('ContextWithHeaders', () => {
  it('is the context of the attempt, with the headers that were declared', () => {
    const asked: unknown[] = [];
    const facts = {
      ...{ payload: { id: 1 }, listenerId: 'L.m', queue: 'q', redelivered: true, deliveryTag: 2, consumerTag: 'c' },
      ...{ receivedAt: 3, attempt: 4, redeliveries: 5, brokerDeliveryCount: 6, deathCount: 7, transaction: { t: 1 } },
      signal: new AbortController().signal,
    };
    const message = sampleMessage({}, { headers: { tenant: 'a', size: '7' } });
    const context = {
      ...contextOf(message, undefined),
      ...facts,
      ack: () => asked.push('ack') > 0,
      requeue: (options?: object) => asked.push(['requeue', options]) > 0,
      reject: () => asked.push('reject') > 0,
    };
    const declared = [
      ['tenant', { name: 'tenant', required: true, default: undefined, as: undefined }],
      ['count', { name: 'size', required: true, default: undefined, as: 'number' }],
      ['none', { name: 'none', required: false, default: 9, as: undefined }],
    ] as never;
    const shown = new ContextWithHeaders(context, declared);
    expect(shown.headers).to.deep.equal({ tenant: 'a', count: 7, none: 9 });
    expect(shown.message).to.equal(message);
    for (const [name, value] of Object.entries(facts)) expect(shown[name as 'queue'], name).to.equal(value);
    expect([shown.ack(), shown.requeue({ failed: true }), shown.reject()]).to.deep.equal([true, true, true]);
    expect(asked).to.deep.equal(['ack', ['requeue', { failed: true }], 'reject']);
  });

  it('is refused where a header is missing that is required', () => {
    const declared = [['tenant', { name: 'tenant', required: true, default: undefined, as: undefined }]] as never;
    expect(() => new ContextWithHeaders(contextOf(sampleMessage({}), {}), declared)).to.throw(/"tenant" is required/);
  });
});
