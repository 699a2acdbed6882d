import { expect } from 'chai';
import { describe, it } from 'mocha';
import { asError, brokerReply, channelErrorEnd, errorText } from './broker-reply.js';

describe('brokerReply', () => {
  it('reads the close frame out of every form in which amqplib shows it', () => {
    const text = `NOT_FOUND - no queue 'a "b"' in vhost '/'`;
    for (const prefix of [
      'Operation failed: QueueDeclare;',
      'Channel closed by server:',
      'Connection closed:',
      'Handshake terminated by server:',
    ]) {
      expect(brokerReply(new Error(`${prefix} 404 (NOT-FOUND) with message "${text}"`))).to.deep.equal({
        code: 404,
        text,
      });
    }
  });

  it('is nothing for other errors', () => {
    expect(brokerReply(new Error('Channel ended, no reply will be forthcoming'))).to.equal(undefined);
    expect(brokerReply('404')).to.equal(undefined);
  });
});

describe('channelErrorEnd', () => {
  it('carries code, text and an error', () => {
    const end = channelErrorEnd(
      new Error('Channel closed by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - no"'),
    );
    expect(end).to.include({ kind: 'channel-error', replyCode: 403, replyText: 'ACCESS_REFUSED - no' });
    expect(end).to.nested.include({ 'error.code': 'LEV_CHANNEL_CLOSED' });
  });

  it('takes the code from the error when amqplib closed the channel itself', () => {
    const error = Object.assign(new Error('Expected headers frame after delivery'), { code: 505 });
    expect(channelErrorEnd(error)).to.include({ replyCode: 505, replyText: 'Expected headers frame after delivery' });
    expect(channelErrorEnd(new Error('odd'))).to.include({ replyCode: 541 });
  });
});

describe('errorText', () => {
  it('falls back to the code of errors without a text', () => {
    expect(errorText(Object.assign(new Error(''), { code: 'ECONNREFUSED' }))).to.equal('ECONNREFUSED');
    expect(errorText(new Error(''))).to.equal('Error');
    expect(errorText(new Error('text'))).to.equal('text');
    expect(errorText(7)).to.equal('7');
  });
});

describe('asError', () => {
  it('leaves errors alone and wraps the rest', () => {
    const error = new Error('x');
    expect(asError(error)).to.equal(error);
    expect(asError('y')).to.be.instanceOf(Error).with.property('message', 'y');
  });
});
