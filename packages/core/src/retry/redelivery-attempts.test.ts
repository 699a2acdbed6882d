import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { RedeliveryAttempts } from './redelivery-attempts.js';

describe('RedeliveryAttempts', () => {
  it('counts the failures of a message over its redeliveries', () => {
    const attempts = new RedeliveryAttempts();
    const last = new Error('second');
    attempts.record('a', new Error('first'), 100);
    const second = attempts.record('a', last, 250);
    expect(second).to.deep.equal(attempts.find('a', true));
    attempts.record('b', new Error('other'), 300);
    expect(attempts.find('a', true)).to.deep.equal({
      failures: 2,
      firstFailedAt: 100,
      lastFailedAt: 250,
      lastError: last,
    });
    expect(attempts.find('unknown', true)).to.equal(undefined);
  });

  it('starts anew for a message that is no redelivery, although its id is known [spring 35]', () => {
    const attempts = new RedeliveryAttempts();
    attempts.record('a', new Error('first'), 100);
    expect(attempts.find('a', false)).to.equal(undefined);
    expect(attempts.find('a', true)).to.equal(undefined);
    expect(attempts.size).to.equal(0);
  });

  it('forgets a message that is done with [spring 32, 33]', () => {
    const attempts = new RedeliveryAttempts();
    attempts.record('a', new Error('first'), 100);
    attempts.forget('a');
    attempts.forget('a');
    expect([attempts.size, attempts.find('a', true)]).to.deep.equal([0, undefined]);
  });

  it('keeps the wait for the next attempt with what it remembers, and remembers nothing for it', () => {
    const attempts = new RedeliveryAttempts();
    attempts.record('a', 'fault', 100);
    attempts.waits('a', 150, 2000);
    attempts.waits('unknown', 150, 2000);
    expect(attempts.find('a', true)).to.include({ failures: 1, firstFailedAt: 100, lastFailedAt: 100 });
    expect(attempts.find('a', true)?.waiting).to.deep.equal({ since: 150, delayMs: 2000 });
    expect(attempts.size).to.equal(1);
    expect(attempts.record('a', 'fault', 3000), 'the next failure has not waited').not.to.have.property('waiting');
  });

  it('lets the message fall out that failed longest ago, and not the one that failed first', () => {
    const attempts = new RedeliveryAttempts(2);
    attempts.record('a', 1, 1);
    attempts.record('b', 1, 2);
    attempts.record('a', 2, 3);
    attempts.record('c', 1, 4);
    expect(['a', 'b', 'c'].map((id) => attempts.find(id, true)?.failures)).to.deep.equal([2, undefined, 1]);
  });

  it('remembers a thousand messages unless told otherwise', () => {
    const attempts = new RedeliveryAttempts();
    for (let i = 0; i < 1500; i++) attempts.record(`id-${i}`, 1, i);
    expect(attempts.size).to.equal(1000);
  });

  it('agrees with a list that is kept by hand', () => {
    const steps = fc.array(
      fc.record({
        id: fc.constantFrom('a', 'b', 'c', 'd', 'e', '__proto__'),
        step: fc.constantFrom('record', 'forget', 'new'),
      }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 4 }), (all, capacity) => {
        const attempts = new RedeliveryAttempts(capacity);
        let list: { id: string; failures: number }[] = [];
        for (const { id, step } of all) {
          const known = list.find((entry) => entry.id === id);
          list = list.filter((entry) => entry.id !== id);
          if (step === 'record') {
            attempts.record(id, new Error(), 1);
            list = [...list, { id, failures: (known?.failures ?? 0) + 1 }].slice(-capacity);
          } else if (step === 'forget') attempts.forget(id);
          else attempts.find(id, false);
        }
        expect(attempts.size).to.equal(list.length);
        for (const { id, failures } of list) expect(attempts.find(id, true)?.failures).to.equal(failures);
      }),
    );
  });
});
