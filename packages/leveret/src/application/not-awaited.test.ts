import { ConfigurationError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeTransport } from '../test-support/fake-transport.js';
import { Leveret } from './leveret.js';

describe('an application whose start is not awaited', () => {
  it('says so wherever it is used, and is a promise like any other', async () => {
    const starting = Leveret.start({ transport: new FakeTransport(), logger: 'silent' });
    const members = starting as unknown as Record<string | symbol, unknown>;
    for (const name of ['publisher', 'listeners', 'health', 'close', 'on', 'state', Symbol.asyncDispose]) {
      expect(() => members[name], String(name))
        .to.throw(/was asked of a promise.* const app = await Leveret\.start\(/)
        .with.property('code', 'LEV_INVALID_STATE');
    }
    expect(Object.keys(starting)).to.deep.equal([]);
    const app = await starting;
    expect(app.state).to.equal('running');
    await app.close();
  });

  it('rejects as before', async () => {
    const error = await Leveret.start({ nonsense: true } as never).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(ConfigurationError);
  });
});
