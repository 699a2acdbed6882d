import { ConfigurationError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type HarnessOptions, resolveHarnessOptions } from './harness-options.js';

const real = 'amqp://user:secret@rabbit.example';

function faultsOf(options: object, env: Record<string, string> = {}): readonly string[] {
  try {
    resolveHarnessOptions(options as HarnessOptions, env);
    return [];
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigurationError);
    return (error as ConfigurationError).problems;
  }
}

describe('resolveHarnessOptions', () => {
  it('chooses the embedded broker, unless the environment names a real one', () => {
    expect(resolveHarnessOptions({}, {})).to.deep.include({ broker: { options: {} }, timeoutMs: 1500 });
    expect(resolveHarnessOptions({}, { LEVERET_TEST_AMQP_URL: '' }).broker).to.deep.equal({ options: {} });
    expect(resolveHarnessOptions({}, { LEVERET_TEST_AMQP_URL: real })).to.deep.include({
      broker: { url: real },
      timeoutMs: 5000,
    });
  });

  it('lets the option win over the environment', () => {
    const env = { LEVERET_TEST_AMQP_URL: real };
    expect(resolveHarnessOptions({ broker: 'embedded' }, env).broker).to.deep.equal({ options: {} });
    const options = { version: '3.10' } as const;
    expect(resolveHarnessOptions({ broker: options }, env).broker).to.deep.equal({ options });
    expect(resolveHarnessOptions({ broker: 'amqps://other' }, env).broker).to.deep.equal({ url: 'amqps://other' });
  });

  it('hands everything else to leveret', () => {
    const { application } = resolveHarnessOptions({ timeout: 1, mismatch: 'fail', expectFailures: true }, {});
    expect(application).to.deep.equal({ mismatch: 'fail' });
  });

  it('expects nothing, everything, or what is said', () => {
    const expected = (expectFailures: HarnessOptions['expectFailures']) =>
      resolveHarnessOptions({ ...(expectFailures !== undefined && { expectFailures }) }, {}).expected;
    expect([expected(undefined), expected(false)]).to.deep.equal([undefined, undefined]);
    expect(expected(true)?.(1)).to.equal(true);
    expect([expected(/stock/)?.(new Error('no stock')), expected(/stock/)?.(new Error('other'))]).to.deep.equal([
      true,
      false,
    ]);
  });

  it('tells all faults, and no password', () => {
    const faults = faultsOf(
      { overrides: 3, timeout: -1, transport: {}, shutdownHooks: true },
      {
        LEVERET_TEST_AMQP_URL: 'http://user:secret@rabbit.example',
      },
    );
    expect(faults).to.have.lengthOf(5);
    expect(faults.join('\n')).to.contain('LEVERET_TEST_AMQP_URL must be').and.not.contain('secret');
  });
});
