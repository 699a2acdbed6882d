import { expect } from 'chai';
import { describe, it } from 'mocha';
import { headerEdit } from './header-edit.js';
import { jobText } from './job-text.js';
import { matches } from './matches.js';

const job = { phase: 'sending', sent: 340, total: 1000, left: 660 };

describe('jobText', () => {
  it('says what a retry is doing', () => {
    expect(jobText({ ...job, phase: 'looking' })).to.equal('Looking for the messages');
    expect(jobText({ ...job, phase: 'resuming', sent: 1 })).to.equal(
      'Going on with what was on its way: 1 message sent',
    );
    expect(jobText({ ...job, phase: 'canary', sent: 2 })).to.equal('Sending the canary: 2 of 1,000 messages');
    expect(jobText({ ...job, rateNow: 49.83 })).to.equal('Sending: 340 of 1,000 messages, 49.8 a second');
    expect(jobText({ ...job, phase: 'done', sent: 1000, left: 0 })).to.equal('All 1,000 messages sent');
  });

  it('says what was heard of the canary', () => {
    expect(jobText({ ...job, phase: 'waiting' })).to.equal(
      'Waiting for what becomes of the canary: nothing was heard yet',
    );
    const canary = { sent: 5, handled: 2, failed: 1, silent: 2 };
    expect(jobText({ ...job, phase: 'waiting', canary })).to.equal(
      'Waiting for what becomes of the canary: 3 of 5 heard of',
    );
  });

  it('says why it stopped, and what that means for the others', () => {
    const stopped = {
      phase: 'stopped',
      sent: 5,
      total: 1000,
      left: 995,
      canary: { sent: 5, handled: 0, failed: 5, silent: 0 },
    };
    expect(jobText({ ...stopped, stopped: 'canary-failed' })).to.equal(
      'Stopped: 5 of 5 canary messages failed again. The other 995 are untouched.',
    );
    const silent = { ...stopped, canary: { sent: 5, handled: 3, failed: 0, silent: 2 }, stopped: 'canary-silent' };
    expect(jobText(silent)).to.equal(
      'Stopped: nothing was heard of 2 of 5 canary messages. Is their service running, and a service of leveret? The other 995 are untouched.',
    );
    expect(jobText({ ...stopped, stopped: 'aborted', sent: 999, left: 1 })).to.equal(
      'Stopped after 999 messages. The other one is untouched.',
    );
    expect(jobText({ ...stopped, stopped: 'refused', error: { message: 'The queue is full.' } })).to.equal(
      'Stopped: the broker refused a message after 5. The queue is full. The other 995 are untouched.',
    );
    expect(jobText({ ...stopped, phase: 'failed', left: 0, error: { message: 'The broker is gone.' } })).to.equal(
      'Failed after 5 messages: The broker is gone. Nothing is left.',
    );
  });
});

describe('headerEdit', () => {
  const before = { tenant: 'acme', count: 2, list: [1] };

  it('tells what changes, and what was taken away', () => {
    expect(headerEdit(before, '{"tenant":"other","list":[1],"new":true}')).to.deep.equal({
      headers: { tenant: 'other', count: null, new: true },
    });
    expect(headerEdit(before, JSON.stringify(before))).to.deep.equal({ headers: undefined });
  });

  it('takes __proto__ for a name like any other', () => {
    const { headers } = headerEdit({}, '{"__proto__": "x"}');
    expect(Object.entries(headers ?? {})).to.deep.equal([['__proto__', 'x']]);
  });

  it('says what cannot be read', () => {
    expect(headerEdit(before, '{').fault).to.match(/^The headers are no JSON: /);
    for (const text of ['[]', 'null', '1'])
      expect(headerEdit(before, text).fault).to.match(/^Expected the headers as a JSON object/);
  });
});

describe('matches', () => {
  it('wants every word somewhere, whatever its case', () => {
    expect(matches('', [])).to.equal(true);
    expect(matches('TYPE billing', ['TypeError', undefined, 'billing.dlq'])).to.equal(true);
    expect(matches('type stock', ['TypeError', 'billing.dlq'])).to.equal(false);
  });
});
