import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { lazyPolicy, type PolicyOptions, policyMatches, resolvePolicy } from './policy-options.js';

function resolve(options: unknown): { policy: ReturnType<typeof resolvePolicy>; faults: readonly string[] } {
  const problems = new Problems();
  return { policy: resolvePolicy(options, problems), faults: problems.list };
}

describe('resolvePolicy', () => {
  it('applies to queues with priority 0 unless told otherwise', () => {
    const { policy, faults } = resolve({ name: 'ttl', pattern: '^a', definition: { 'message-ttl': 5 } });
    expect(faults).to.deep.equal([]);
    expect(policy).to.deep.equal({
      name: 'ttl',
      pattern: '^a',
      definition: { 'message-ttl': 5 },
      applyTo: 'queues',
      priority: 0,
    });
    expect(resolve({ ...policy, applyTo: 'exchanges', priority: 7 }).policy).to.include({
      applyTo: 'exchanges',
      priority: 7,
    });
  });

  const good: PolicyOptions = { name: 'p', pattern: '.*', definition: { a: 1 } };
  const faulty: readonly (readonly [unknown, RegExp])[] = [
    ['p', /a policy must be an object/],
    [{ ...good, name: '' }, /name must not be empty/],
    [{ ...good, name: undefined }, /name must be a string/],
    [{ ...good, pattern: '(' }, /pattern "\(" is not a regular expression/],
    [{ ...good, pattern: /a/ }, /pattern must be a regular expression as text.*got an instance of RegExp/],
    [{ ...good, definition: {} }, /definition is empty/],
    [{ ...good, definition: undefined }, /definition must be an object/],
    [{ ...good, applyTo: 'queue' }, /applyTo must be one of "queues"/],
    [{ ...good, priority: 1.5 }, /priority must be a whole number; got 1.5/],
    [{ ...good, vhost: '/' }, /unknown option "vhost" of a policy/],
  ];
  for (const [options, text] of faulty) {
    it(`refuses ${String(text)}`, () => {
      const { faults } = resolve(options);
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(text);
    });
  }
});

describe('lazyPolicy', () => {
  it('is the policy of rabbitmqctl set_policy Lazy', () => {
    expect(resolve(lazyPolicy('^lazy-queue$')).policy).to.deep.equal({
      name: 'Lazy',
      pattern: '^lazy-queue$',
      definition: { 'queue-mode': 'lazy' },
      applyTo: 'queues',
      priority: 0,
    });
    expect(lazyPolicy('^a', 'Other').name).to.equal('Other');
  });
});

describe('policyMatches', () => {
  const matches = (pattern: string, name: string) => policyMatches(resolve(lazyPolicy(pattern)).policy!, name);

  it('finds the pattern anywhere in a name unless it is anchored', () => {
    expect(matches('queue', 'lazy-queue-1')).to.equal(true);
    expect(matches('^lazy-queue$', 'lazy-queue')).to.equal(true);
    expect(matches('^lazy-queue$', 'lazy-queue-1')).to.equal(false);
  });

  it('reads the leading flags of PCRE', () => {
    expect(matches('(?i)^LAZY', 'lazy-queue')).to.equal(true);
  });

  it('fits nothing when JavaScript cannot read the pattern', () => {
    expect(policyMatches({ ...resolve(lazyPolicy('a')).policy!, pattern: '(' }, 'a')).to.equal(false);
  });
});
