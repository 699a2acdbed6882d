import { expect } from 'chai';
import { describe, it } from 'mocha';
import { decodeMethod, encodeMethod, MalformedMethodError, methodId, methodName, methodNumber } from './methods.js';

describe('the method table', () => {
  it('encodes and decodes bits that share an octet', () => {
    const bytes = encodeMethod('queue.declare', {
      queue: 'q',
      durable: true,
      nowait: true,
      arguments: [['x', { tag: 'S', value: 'y' }]],
    });
    const method = decodeMethod(methodId('queue.declare'), bytes, 4, bytes.length);
    const flags = ['passive', 'durable', 'exclusive', 'autoDelete', 'nowait'].map((name) => method.flag(name));
    expect(flags).to.deep.equal([false, true, false, false, true]);
    expect(method.text('queue')).to.equal('q');
    expect(method.table('arguments')).to.deep.equal([['x', { tag: 'S', value: 'y' }]]);
  });

  it('knows that exchange.unbind-ok is method 51', () => {
    expect(methodName(methodNumber(40, 51))).to.equal('exchange.unbind-ok');
    expect(methodName(methodNumber(40, 41))).to.equal(undefined);
  });

  it('carries delivery tags beyond 32 bits', () => {
    const bytes = encodeMethod('basic.ack', { deliveryTag: 2 ** 40 + 1, multiple: true });
    const method = decodeMethod(methodId('basic.ack'), bytes, 4, bytes.length);
    expect(method.number('deliveryTag')).to.equal(2 ** 40 + 1);
  });

  it('refuses fields that are too short or too long', () => {
    const bytes = encodeMethod('basic.qos', { prefetchCount: 3 });
    const id = methodId('basic.qos');
    expect(() => decodeMethod(id, bytes, 4, bytes.length - 1)).to.throw(MalformedMethodError);
    const longer = Buffer.concat([bytes, Buffer.from([0])]);
    expect(() => decodeMethod(id, longer, 4, longer.length)).to.throw(MalformedMethodError);
  });
});
