import { expect } from 'chai';
import { describe, it } from 'mocha';
import { TopicMatcher } from './topic-matcher.js';

const PATTERNS = ['#', '*', 'a.#', '#.a', 'a.*', '*.*', 'a.#.b', '#.#', 'a..b', 'a.*.b', '*.#', 'A', ''];

/** As observed on RabbitMQ 3.10.8, 4.0.5 and 4.3.6. */
const OBSERVED: readonly (readonly [key: string, matching: readonly string[]])[] = [
  ['', ['#', '#.#', '']],
  ['a', ['#', '*', 'a.#', '#.a', '#.#', '*.#']],
  ['a.b', ['#', 'a.#', 'a.*', '*.*', 'a.#.b', '#.#', '*.#']],
  ['a.x.b', ['#', 'a.#', 'a.#.b', '#.#', 'a.*.b', '*.#']],
  ['a.x.y.b', ['#', 'a.#', 'a.#.b', '#.#', '*.#']],
  ['a..b', ['#', 'a.#', 'a.#.b', '#.#', 'a..b', 'a.*.b', '*.#']],
  ['.', ['#', '*.*', '#.#', '*.#']],
  ['A', ['#', '*', '#.#', '*.#', 'A']],
  ['x.a', ['#', '#.a', '*.*', '#.#', '*.#']],
  ['b', ['#', '*', '#.#', '*.#']],
];

function matching(matcher: TopicMatcher<string>, key: string): string[] {
  const found = new Set<string>();
  matcher.match(key, (value) => found.add(value));
  return PATTERNS.filter((pattern) => found.has(pattern));
}

describe('TopicMatcher', () => {
  const matcher = new TopicMatcher<string>();
  for (const pattern of PATTERNS) matcher.add(pattern, pattern);

  for (const [key, expected] of OBSERVED) {
    it(`matches the key '${key}' as RabbitMQ does`, () => {
      expect(matching(matcher, key)).to.have.members(expected);
    });
  }

  it('does not take wildcards in a routing key for wildcards', () => {
    const exact = new TopicMatcher<string>();
    exact.add('a.b', 'a.b');
    exact.add('a.*', 'a.*');
    const found: string[] = [];
    exact.match('a.#', (value) => found.push(value));
    expect(found).to.deep.equal(['a.*']);
  });

  it('forgets what is removed and keeps the rest', () => {
    const some = new TopicMatcher<string>();
    some.add('a.#', 'one');
    some.add('a.#.b', 'two');
    some.remove('a.#', 'one');
    some.remove('never.there', 'x');
    const found: string[] = [];
    some.match('a.b', (value) => found.push(value));
    expect(found).to.deep.equal(['two']);
  });

  it('stays quick with many wildcards', () => {
    const slow = new TopicMatcher<string>();
    slow.add(`${'#.a.'.repeat(12)}z`, 'never');
    const start = performance.now();
    slow.match('a.'.repeat(80), () => {});
    expect(performance.now() - start).to.be.below(1_000);
  });
});
