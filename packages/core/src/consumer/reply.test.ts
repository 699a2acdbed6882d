import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { ReplyPolicy } from '../handler/handler.js';
import type { Message } from '../message/message.js';
import { aMessage } from '../message/message.support.test.js';
import { readRemoteFailure } from '../publisher/remote-failure.js';
import { buildErrorReply, buildReply, parseReplyAddress } from './reply.js';

const policy = (sendTo?: string): ReplyPolicy => ({
  sendTo: sendTo === undefined ? undefined : parseReplyAddress(sendTo),
  encode: (value) => ({
    body: Buffer.from(JSON.stringify(value)),
    contentType: 'application/json',
    contentEncoding: 'UTF-8',
    headers: { __TypeId__: 'Total' },
  }),
});

describe('parseReplyAddress', () => {
  const cases: readonly [string, string, string][] = [
    ['replies', '', 'replies'],
    ['/replies', '', 'replies'],
    ['pay.direct/reply', 'pay.direct', 'reply'],
    ['pay.direct/', 'pay.direct', ''],
    ['pay.direct/a/b', 'pay.direct', 'a/b'],
    ['/', '', ''],
    ['amq.rabbitmq.reply-to', '', 'amq.rabbitmq.reply-to'],
    ['amq.rabbitmq.reply-to.g1/2+3==', '', 'amq.rabbitmq.reply-to.g1/2+3=='],
  ];
  for (const [text, exchange, routingKey] of cases) {
    it(`reads ${text} as "${routingKey}" at "${exchange}"`, () => {
      expect(parseReplyAddress(text)).to.deep.equal({ exchange, routingKey });
    });
  }

  it('loses no letter of what it reads', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const { exchange, routingKey } = parseReplyAddress(text);
        expect([routingKey, `/${routingKey}`, `${exchange}/${routingKey}`]).to.include(text);
      }),
    );
  });
});

describe('buildReply', () => {
  const request = aMessage({ replyTo: 'replies', correlationId: 'c-1', messageId: 'm-1' });

  it('addresses the requester and carries the value', () => {
    const reply = buildReply(request, { total: 7 }, policy());
    expect(reply).to.deep.include({
      exchange: '',
      routingKey: 'replies',
      mandatory: true,
      headers: { __TypeId__: 'Total' },
    });
    expect(reply?.body.toString()).to.equal('{"total":7}');
    expect(reply?.properties).to.deep.include({
      contentType: 'application/json',
      contentEncoding: 'UTF-8',
      deliveryMode: 2,
      correlationId: 'c-1',
    });
    expect(reply?.properties.messageId).to.match(/^[0-9a-f-]{36}$/);
  });

  it('correlates by the message id when the request has no correlation id, as Spring does', () => {
    const correlation = (of: Parameters<typeof aMessage>[0]) =>
      buildReply(aMessage({ replyTo: 'replies', ...of }), 1, policy())?.properties.correlationId;
    expect(correlation({ messageId: 'm-1' })).to.equal('m-1');
    expect(correlation({ messageId: 'm-1', correlationId: '' })).to.equal('');
    expect([255, 256].map((bytes) => correlation({ correlationId: 'x'.repeat(bytes) })?.length)).to.deep.equal([
      ...[255, undefined],
    ]);
    expect(correlation({})).to.equal(undefined);
  });

  it('takes the address of the request before that of the handler', () => {
    const to = (replyTo: string | undefined, sendTo?: string) => {
      const reply = buildReply(aMessage({ replyTo }), 1, policy(sendTo));
      return reply === undefined ? undefined : `${reply.exchange}/${reply.routingKey}`;
    };
    expect(to('pay/asked', 'pay/default')).to.equal('pay/asked');
    expect(to(undefined, 'pay/default')).to.equal('pay/default');
    expect(to('', 'pay/default')).to.equal('pay/default');
    expect(to(undefined)).to.equal(undefined);
  });

  it('sends nothing for undefined, and everything else', () => {
    expect(buildReply(request, undefined, policy('x'))).to.equal(undefined);
    for (const value of [null, false, 0, '']) {
      expect(buildReply(request, value, policy())?.body.toString()).to.equal(JSON.stringify(value));
    }
  });

  it('does not ask for direct replies to be returned: brokers before 4.3 return what they delivered', () => {
    const direct = aMessage({ replyTo: 'amq.rabbitmq.reply-to.g1' });
    expect(buildReply(direct, 1, policy())).to.include({ mandatory: false, exchange: '' });
  });
});

describe('buildErrorReply', () => {
  it('tells the requester what failed, in a form that requesters read', () => {
    const request = aMessage({ replyTo: 'replies', correlationId: 'c-1' });
    const reply = buildErrorReply(request, new RangeError('no such order'));
    expect(reply).to.include({ exchange: '', routingKey: 'replies', mandatory: true });
    expect(reply?.properties).to.include({ contentType: 'application/json', correlationId: 'c-1', deliveryMode: 2 });
    const read = readRemoteFailure(aMessage({ body: reply?.body ?? Buffer.alloc(0), headers: reply?.headers ?? {} }));
    expect(read).to.include({ name: 'RangeError', message: 'no such order' });
  });

  it('is none when nobody asked for a reply', () => {
    expect(buildErrorReply(aMessage(), new Error('broken'))).to.equal(undefined);
    expect(buildErrorReply(aMessage({ replyTo: '' }), new Error('broken'))).to.equal(undefined);
  });
});

describe('the reply to an id that is no text', () => {
  const verbatimOf = (of: Partial<Message>) =>
    buildReply(aMessage({ replyTo: 'replies', ...of }), 1, policy())?.verbatim;
  const bytes = Buffer.from([0xff, 0xfe]);
  const only = (properties: object) => ({ fault: undefined, section: undefined, headers: [], properties });

  it('carries its bytes as correlation id', () => {
    const expected = { properties: { correlationId: bytes }, headers: [] };
    const correlated = { correlationId: '\uFFFD', messageId: 'm-1', verbatim: only({ correlationId: bytes }) };
    expect(verbatimOf(correlated)).to.deep.equal(expected);
    expect(verbatimOf({ messageId: '\uFFFD', verbatim: only({ messageId: bytes }) })).to.deep.equal(expected);
    expect(verbatimOf({ ...correlated, verbatim: only({ messageId: bytes }) })).to.equal(undefined);
  });
});
