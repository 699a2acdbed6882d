import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Message } from '../message/message.js';
import { readRemoteFailure, remoteFailureReply } from './remote-failure.js';

function reply(body: string, headers: Message['headers'] = {}): Message {
  return { body: Buffer.from(body), headers, exchange: '', routingKey: '', redelivered: false };
}

describe('readRemoteFailure', () => {
  it('reads what remoteFailureReply wrote', () => {
    const error = Object.assign(new TypeError('wrong'), { code: 'LEV_MESSAGE_INVALID' });
    const written = remoteFailureReply(error);
    expect(readRemoteFailure({ ...reply(''), ...written })).to.deep.equal({
      name: 'TypeError',
      message: 'wrong',
      code: 'LEV_MESSAGE_INVALID',
    });
  });

  it('reads an error as Spring writes it', () => {
    const body =
      '{"exception":{"cause":null,"localizedMessage":"card declined","message":"card declined","stackTrace":[]}}';
    expect(readRemoteFailure(reply(body))?.message).to.equal('card declined');
  });

  it('takes everything else for a value', () => {
    for (const body of [
      '',
      'null',
      '{"total":3}',
      '{"exception":"none","total":3}',
      '{"exception":{}',
      '{"exception":1}',
    ]) {
      expect(readRemoteFailure(reply(body)), body).to.equal(undefined);
    }
  });

  it('knows an error by its header even when the body says nothing', () => {
    expect(readRemoteFailure(reply('{', { 'x-leveret-error': 'Error' }))?.message).to.equal('no reason given');
  });

  it('writes what is thrown without being an error', () => {
    expect(JSON.parse(remoteFailureReply('oops').body.toString())).to.deep.equal({ exception: { message: 'oops' } });
  });
});
