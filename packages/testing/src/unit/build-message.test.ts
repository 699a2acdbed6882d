import { expect } from 'chai';
import { describe, it } from 'mocha';
import { buildMessage } from './build-message.js';

describe('buildMessage', () => {
  it('makes a message as leveret would have published it', () => {
    const { body, messageId, ...rest } = buildMessage({ id: 7 });
    expect(body.toString()).to.equal('{"id":7}');
    expect(messageId).to.be.a('string');
    expect(rest).to.deep.include({
      contentType: 'application/json',
      deliveryMode: 2,
      headers: {},
      exchange: '',
      redelivered: false,
    });
  });

  it('takes what is given over what it would make', () => {
    const body = Buffer.from('{ broken');
    const message = buildMessage(undefined, { body, headers: { 'x-tenant': 'north' }, exchange: 'pay.direct' });
    expect(message).to.include({ body, exchange: 'pay.direct' });
    expect(message.headers).to.deep.equal({ 'x-tenant': 'north' });
  });

  it('gives each message an id of its own', () => {
    expect(buildMessage().messageId).to.not.equal(buildMessage().messageId);
  });
});
