import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Publication } from '../message/message.js';
import type { ChannelEnd } from '../transport/transport.js';
import { channelEndError, guiltyOf } from './guilty-of.js';
import type { Suspicion } from './publish-job.js';

function to(exchange: string, routingKey = 'key', suspicion: Suspicion = 'none', connectionEnds = 0) {
  return { publication: { exchange, routingKey } as Publication, suspicion, connectionEnds };
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
    expect(guiltyOf(closedWith(406, 'PRECONDITION_FAILED'), jobs)).to.deep.equal({
      kind: 'suspects',
      jobs,
      innocent: [],
      of: 'channel',
    });
  });

  it('only suspects a message in flight alone while messages given up before may be to blame', () => {
    const jobs = [to('a')];
    expect(guiltyOf(closedWith(406, 'PRECONDITION_FAILED'), jobs, { others: true, bystanders: false }).kind).to.equal(
      'suspects',
    );
    expect(guiltyOf(closedWith(404, "NOT_FOUND - no exchange 'gone' in vhost '/'"), jobs).kind).to.equal('suspects');
  });

  it('blames a suspect that ends a channel alone, whatever the reason says', () => {
    const jobs = [to('a', 'key', 'channel')];
    const verdict = guiltyOf(closedWith(404, "NOT_FOUND - no exchange 'gone' in vhost '/'"), jobs, {
      others: true,
      bystanders: false,
    });
    expect(verdict).to.deep.equal({ kind: 'named', guilty: jobs, innocent: [] });
  });

  it('blames the suspect that was published by itself, not what had no answer before it', () => {
    const [silent, suspect] = [to('stuck'), to('a', 'key', 'channel')];
    expect(guiltyOf(closedWith(406, 'PRECONDITION_FAILED'), [silent, suspect])).to.deep.equal({
      kind: 'named',
      guilty: [suspect],
      innocent: [silent],
    });
  });

  describe('when the broker closes the connection with an error', () => {
    const error = new Error('INTERNAL_ERROR');
    const ended = (replyCode?: number): ChannelEnd => ({ kind: 'connection-lost', error, replyCode });

    it('suspects all that were in flight, and one alone no less: it may be chance', () => {
      for (const jobs of [[to('a')], [to('a'), to('b')], [to('a', 'key', 'connection', 1)]]) {
        for (const code of [501, 502, 505, 506, 540, 541]) {
          expect(guiltyOf(ended(code), jobs)).to.deep.equal({
            kind: 'suspects',
            jobs,
            innocent: [],
            of: 'connection',
          });
        }
      }
    });

    it('blames what was in flight at three ends, alone at the last', () => {
      const job = to('a', 'key', 'connection', 2);
      expect(guiltyOf(ended(541), [job])).to.deep.equal({ kind: 'named', guilty: [job], innocent: [] });
      expect(guiltyOf(ended(541), [job, to('b', 'key', 'connection', 2)]).kind).to.equal('suspects');
    });

    it('blames nobody of a lane that only stood by, nor for what an operator did', () => {
      const jobs = [to('a', 'key', 'connection', 2)];
      const aside = { others: false, bystanders: true };
      expect(guiltyOf(ended(541), jobs, aside)).to.deep.equal({ kind: 'named', guilty: [], innocent: jobs });
      expect(guiltyOf(ended(320), jobs)).to.deep.equal({ kind: 'lost', jobs });
      expect(guiltyOf(ended(undefined), jobs)).to.deep.equal({ kind: 'lost', jobs });
    });
  });
});

describe('channelEndError', () => {
  it('is the error of the end, or says what has ended', () => {
    const error = new Error('reset');
    const text = (end: ChannelEnd) => channelEndError(end).message;
    expect(channelEndError({ kind: 'connection-lost', error, replyCode: undefined })).to.equal(error);
    expect(text({ kind: 'connection-lost', error: undefined, replyCode: undefined })).to.equal(
      'the connection was lost',
    );
    expect(text({ kind: 'closed' })).to.equal('the channel was closed on this side');
  });
});
