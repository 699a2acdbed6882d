import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Publication } from '../message/message.js';
import type { ChannelEnd } from '../transport/transport.js';
import { guiltyOf } from './guilty-of.js';

function to(exchange: string, routingKey = 'key', suspect = false) {
  return { publication: { exchange, routingKey } as Publication, suspect };
}

function closedWith(replyCode: number, replyText: string): ChannelEnd {
  return { kind: 'channel-error', replyCode, replyText, error: new Error(replyText) };
}

describe('guiltyOf', () => {
  it('blames nobody for a lost connection', () => {
    const jobs = [to('a'), to('b')];
    expect(guiltyOf({ kind: 'connection-lost', error: undefined }, jobs)).to.deep.equal({ kind: 'lost', jobs });
    expect(guiltyOf({ kind: 'closed' }, jobs)).to.deep.equal({ kind: 'lost', jobs });
  });

  it('blames every message to the exchange that a 404 names', () => {
    const [first, good, second] = [to("or'ders"), to('good'), to("or'ders")];
    const verdict = guiltyOf(closedWith(404, "NOT_FOUND - no exchange 'or'ders' in vhost '/'"), [first, good, second]);
    expect(verdict).to.deep.equal({ kind: 'named', guilty: [first, second], innocent: [good] });
  });

  it('blames by exchange and key when topic permissions refuse a key', () => {
    const [allowed, refused] = [to('topic', 'a.b'), to('topic', 'c.d')];
    const text = "ACCESS_REFUSED - access to topic 'c.d' in exchange 'topic' in vhost '/' refused for user 'guest'";
    expect(guiltyOf(closedWith(403, text), [allowed, refused])).to.deep.equal({
      kind: 'named',
      guilty: [refused],
      innocent: [allowed],
    });
  });

  it('blames the only message in flight when the reason names nobody', () => {
    const job = to('a');
    const verdict = guiltyOf(closedWith(406, "PRECONDITION_FAILED - invalid expiration 'x'"), [job]);
    expect(verdict).to.deep.equal({ kind: 'named', guilty: [job], innocent: [] });
  });

  it('suspects all of several', () => {
    const jobs = [to('a'), to('b')];
    expect(guiltyOf(closedWith(406, 'PRECONDITION_FAILED'), jobs)).to.deep.equal({ kind: 'suspects', jobs });
  });

  it('only suspects a message in flight alone while messages given up before may be to blame', () => {
    const jobs = [to('a')];
    expect(guiltyOf(closedWith(406, 'PRECONDITION_FAILED'), jobs, true).kind).to.equal('suspects');
    expect(guiltyOf(closedWith(404, "NOT_FOUND - no exchange 'gone' in vhost '/'"), jobs).kind).to.equal('suspects');
  });

  it('blames a suspect that ends a channel alone, whatever the reason says', () => {
    const jobs = [to('a', 'key', true)];
    const verdict = guiltyOf(closedWith(404, "NOT_FOUND - no exchange 'gone' in vhost '/'"), jobs, true);
    expect(verdict).to.deep.equal({ kind: 'named', guilty: jobs, innocent: [] });
  });
});
