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

  it('tells no password of a URL, and what the application takes out', () => {
    const error = new Error('card 4111 at db://u:hunter2@h');
    expect(String(remoteFailureReply(error).body)).to.include('db://u:***@h');
    const told = String(remoteFailureReply(error, (text) => text.replace('4111', '****')).body);
    expect(told).to.include('card ****').and.not.include('4111');
  });

  it('reads an error as Spring writes it', () => {
    const body =
      '{"exception":{"cause":null,"localizedMessage":"card declined","message":"card declined","stackTrace":[]}}';
    expect(readRemoteFailure(reply(body))?.message).to.equal('card declined');
  });

  it('reads one that names its value, which is none, in any order and however it is written', () => {
    for (const body of [
      '{"exception":{"message":"card declined","stackTrace":[]},"value":null}',
      '{"value":null,"exception":{"message":"card declined","cause":{"message":"x"}}}',
      ' \n{ "exception" : {"message":null,"localizedMessage":"card declined"} }',
    ]) {
      expect(readRemoteFailure(reply(body)), body).to.deep.include({ message: 'card declined', code: undefined });
    }
    expect(readRemoteFailure(reply('{"exception":{"message":null},"value":null}'))?.message).to.equal(
      'no reason given',
    );
  });

  it('takes everything else for a value', () => {
    for (const body of [
      '',
      'null',
      '{"total":3}',
      '{"exception":"none","total":3}',
      '{"exception":{}',
      '{"exception":1}',
      '{"exception":null,"value":null}',
      '{"exception":null,"value":{"total":3}}',
      '{"exception":{"message":"x"},"value":1}',
      '{"exception":{"message":"x"},"value":null,"total":3}',
      '{"exception":[1],"value":null}',
      '[{"exception":{"message":"x"}}]',
      '"\\"exception\\""',
      `{"exception":${'['.repeat(100_000)}`,
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
