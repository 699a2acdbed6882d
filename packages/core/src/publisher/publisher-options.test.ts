import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { type PublisherOptions, resolvePublisherOptions } from './publisher-options.js';

function resolve(raw?: PublisherOptions) {
  const problems = new Problems();
  return { options: resolvePublisherOptions(raw, problems), problems: problems.list };
}

describe('resolvePublisherOptions', () => {
  it('has defaults that favour not losing messages', () => {
    const { options, problems } = resolve();
    expect(problems).to.deep.equal([]);
    expect(options).to.deep.include({
      confirms: 'correlated',
      returns: true,
      createMessageIds: true,
      persistent: true,
      retry: {
        maxAttempts: 3,
        backoff: { initialIntervalMs: 1_000, multiplier: 1, maxIntervalMs: 10_000, jitter: 0 },
      },
      confirmTimeoutMs: 10_000,
      connectionTimeoutMs: 10_000,
      buffer: { maxMessages: 10_000, maxBytes: 67_108_864, whenFull: 'wait', waitTimeoutMs: 30_000 },
      blockedTimeoutMs: 30_000,
    });
    expect(Object.isFrozen(options)).to.equal(true);
  });

  it('makes one attempt with retry off, however that is said', () => {
    expect(resolve({ retry: false }).options.retry.maxAttempts).to.equal(1);
    expect(resolve({ retry: { enabled: false, maxAttempts: 5 } }).options.retry.maxAttempts).to.equal(1);
    expect(resolve({ retry: true }).options.retry.maxAttempts).to.equal(3);
    expect(resolve({ retry: { maxAttempts: 5 } }).options.retry.maxAttempts).to.equal(5);
  });

  it('never shortens the first wait without being told to', () => {
    const { backoff } = resolve({ retry: { initialInterval: '20s' } }).options.retry;
    expect(backoff).to.include({ initialIntervalMs: 20_000, maxIntervalMs: 20_000 });
  });

  it('has one in flight with simple', () => {
    expect(resolve({ confirms: 'simple', window: 99 }).options.window).to.equal(1);
  });

  it('puts the application id on every message, unless the defaults say otherwise', () => {
    expect(resolve({ appId: 'shop' }).options.defaults).to.deep.equal({ appId: 'shop' });
    expect(resolve({ appId: 'shop', defaults: { appId: 'till' } }).options.defaults.appId).to.equal('till');
  });

  it('refuses what is no object', () => {
    for (const given of ['fast', 7, [], () => 1]) {
      const problems = new Problems();
      resolvePublisherOptions(given as never, problems);
      expect(problems.list[0], String(given)).to.match(/^the options of the publisher must be an object; got /);
    }
  });

  it('reports every fault at once and goes on with the default', () => {
    const { options, problems } = resolve({
      confirms: 'sometimes',
      window: 0,
      confirmTimeout: 0,
      returns: 'yes',
      retry: { multiplier: 0.5, maxAttempts: 1.5, initialInterval: 'soon' },
      buffer: { maxMessages: 0, whenFull: 'drop' },
      validate: 'always',
      defaults: 3,
      confrims: true,
    } as unknown as PublisherOptions);
    expect(problems[0]).to.match(/^unknown option "confrims" of the publisher. Did you mean "confirms"\?/);
    expect(problems.slice(1)).to.have.ordered.members([
      "confirms must be one of 'correlated', 'simple', 'none'; got \"sometimes\"",
      'returns must be true or false; got "yes"',
      'retry.maxAttempts must be a whole number from 1; got 1.5',
      "retry.initialInterval must be milliseconds as a number from 0 to 2147483647, or text such as '500ms', '1s', '2m'; got \"soon\"",
      'retry.multiplier must be a number from 1; got 0.5',
      'confirmTimeout must be more than 0 ms; got 0',
      'window must be a whole number from 1 to 65535; got 0',
      'buffer.maxMessages must be a whole number from 1; got 0',
      "buffer.whenFull must be one of 'wait', 'fail'; got \"drop\"",
      'validate must be a function; got "always"',
      'the options of defaults must be an object; got 3',
    ]);
    expect(options.confirms).to.equal('correlated');
    expect(options.confirmTimeoutMs).to.equal(10_000);
  });

  it('takes a multiplier that is a finite number from 1, and nothing else', () => {
    for (const multiplier of [1, 1.5, 1e6]) {
      const problems = new Problems();
      expect(resolvePublisherOptions({ retry: { multiplier } }, problems).retry.backoff).to.include({ multiplier });
      expect(problems.list).to.deep.equal([]);
    }
    for (const multiplier of [0.99, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, '2' as never]) {
      const problems = new Problems();
      const { backoff } = resolvePublisherOptions({ retry: { multiplier } }, problems).retry;
      expect(backoff).to.include({ multiplier: 1 });
      expect(problems.list.join()).to.match(/^retry\.multiplier must be a number from 1/);
    }
  });

  it('takes each number up to its bounds', () => {
    const faultsOf = (given: object) => {
      const problems = new Problems();
      resolvePublisherOptions(given, problems);
      return problems.list;
    };
    for (const given of [
      { window: 1 },
      { window: 65_535 },
      { buffer: { maxMessages: 1, maxBytes: 1, waitTimeout: 1 } },
      { retry: { maxAttempts: 1, multiplier: 1, initialInterval: 0, maxInterval: 0 } },
      { confirmTimeout: 1, connectionTimeout: 1, blockedTimeout: 1, closeTimeout: 1, requestTimeout: 1 },
    ]) {
      expect(faultsOf(given), JSON.stringify(given)).to.deep.equal([]);
    }
    for (const given of [
      ...[{ window: 0 }, { window: 65_536 }, { buffer: { maxMessages: 0 } }, { buffer: { maxBytes: 0 } }],
      ...[{ buffer: { waitTimeout: 0 } }, { retry: { maxAttempts: 0 } }, { retry: { multiplier: 0.99 } }],
      ...['confirmTimeout', 'connectionTimeout', 'blockedTimeout', 'closeTimeout', 'requestTimeout'].map((name) => ({
        [name]: 0,
      })),
    ]) {
      expect(faultsOf(given), JSON.stringify(given)).to.have.length(1);
    }
  });
});
