import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { MemoryIdempotencyStore } from '../idempotency/memory-store.js';
import { checkCrashLoop } from './check-crash-loop.js';
import { aDefinition, aQueueDeclaration, type ListenerParts } from './listener-harness.support.test.js';

const store = new MemoryIdempotencyStore();
const crashLoop = { after: 3, withinMs: 1, store };
const quorum = (limit?: number) =>
  aQueueDeclaration({ type: 'quorum', arguments: limit === undefined ? {} : { 'x-delivery-limit': limit } });

function check(parts: ListenerParts) {
  const problems = new Problems();
  const warnings = checkCrashLoop(aDefinition(parts), problems);
  return { kinds: warnings.map(({ kind }) => kind), texts: warnings.map(({ text }) => text), problems: problems.list };
}

describe('checkCrashLoop', () => {
  it('says that it cannot know without a store, and what happens then', () => {
    const classic = check({ definition: { crashLoop: { after: 3, withinMs: 1 } } });
    expect(classic.kinds).to.deep.equal(['crash-loop-unknowable']);
    expect(classic.texts[0]).to.contain('cannot know').and.contain('again and again');
    const counted = check({ definition: { crashLoop: { after: 3, withinMs: 1 }, queueDeclaration: quorum() } });
    expect(counted.texts[0]).to.contain('runs alone');
    expect(check({ definition: { crashLoop } }).kinds).to.deep.equal([]);
  });

  it('says with the numbers what a low delivery limit costs messages that nobody has seen', () => {
    const { texts } = check({ definition: { queueDeclaration: quorum(3), prefetch: 50, concurrency: 2 } });
    expect(texts[0])
      .to.contain('delivery limit of 3')
      .and.contain('4 ends of a process')
      .and.contain('the 100 messages');
    expect(texts[0]).to.contain('Raise deliveryLimit to 4 or more, set crashLoop, or lower prefetch.');
    expect(texts[0]).not.to.contain('its own attempts');
    const [told] = check({ definition: { queueDeclaration: quorum(2), crashLoop } }).texts;
    expect(told).to.contain('3 ends of a process').and.contain('Raise deliveryLimit to 3 or more or lower prefetch.');
    const least = (prefetch: number) => check({ definition: { queueDeclaration: quorum(0), prefetch } }).kinds;
    expect([least(1), least(2)]).to.deep.equal([[], ['delivery-limit-too-low']]);
  });

  it('counts the attempts that go through the broker', () => {
    const retry = { stateless: false, maxAttempts: 5 };
    const [alone] = check({ retry, definition: { queueDeclaration: quorum(3), prefetch: 1 } }).texts;
    expect(alone).to.contain('attempts cost 4').and.not.contain('ends of a process');
    const [both] = check({ retry, definition: { queueDeclaration: quorum(7) } }).texts;
    expect(both).to.contain('attempts cost 4, and 4 ends of a process').and.contain('Raise deliveryLimit to 8');
    expect(check({ retry, definition: { queueDeclaration: quorum(8) } }).kinds).to.deep.equal([]);
  });

  it('says nothing where the limit is high enough, or there is none', () => {
    for (const definition of [
      { queueDeclaration: quorum(5) },
      { queueDeclaration: quorum() },
      { queueDeclaration: quorum(-1) },
      { queueDeclaration: quorum(3), crashLoop },
      { queueDeclaration: quorum(1), prefetch: 1 },
      { queueDeclaration: aQueueDeclaration({ arguments: { 'x-delivery-limit': 1 } }) },
    ]) {
      expect(check({ definition }).kinds, JSON.stringify(definition)).to.deep.equal([]);
    }
  });

  it('refuses what it can never see', () => {
    expect(check({ policy: { acknowledge: 'none' }, definition: { crashLoop } }).problems).to.have.length(1);
    const stream = aQueueDeclaration({ type: 'stream' });
    expect(check({ definition: { crashLoop, queueDeclaration: stream } }).problems).to.have.length(1);
  });
});
