import { getEventListeners } from 'node:events';
import { LeveretError, systemClock } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { rejectionOf } from '../test-support/rejection-of.js';
import { askForLogin, type CredentialsSource } from './login.js';

describe('askForLogin', () => {
  let timers: sinon.SinonFakeTimers;
  beforeEach(() => {
    timers = sinon.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => timers.restore());

  const { signal } = new AbortController();
  const ask = (source: unknown, at: AbortSignal = signal) =>
    askForLogin(source as CredentialsSource, { clock: systemClock, timeoutMs: 1000, signal: at });

  it('takes what the function answers, now or later, and reckons when it ends from when it was asked', async () => {
    await timers.tickAsync(500);
    expect(await ask(() => ({ username: 'pay', password: 's', expiresIn: '5m' }))).to.deep.equal({
      username: 'pay',
      password: 's',
      expiresAt: 300_500,
    });
    expect(await ask(async () => ({ password: 's' }))).to.deep.equal({
      username: 'guest',
      password: 's',
      expiresAt: undefined,
    });
  });

  const faults: readonly (readonly [string, unknown, string])[] = [
    [
      'throws',
      () => {
        throw new Error('vault is sealed');
      },
      'vault is sealed',
    ],
    ['rejects', () => Promise.reject(new Error('vault is sealed')), 'vault is sealed'],
    ['rejects with nothing', () => Promise.reject(undefined), 'connection.credentials gave nothing'],
    ['answers nothing', () => undefined, 'got nothing'],
    ['answers a text', () => 'hunter2', 'password: undefined'],
    ['answers no password', () => ({ username: 'hunter2' }), 'password: undefined'],
    ['answers an empty password', () => ({ password: '' }), 'not empty'],
    ['answers a password that is no text', () => ({ password: { hunter2: 1 } }), 'password: object'],
    ['answers a user that is no text', () => ({ username: 5, password: 'hunter2' }), 'username: number'],
    ['answers an expiry that is none', () => ({ password: 'hunter2', expiresIn: -5 }), 'expiresIn must be'],
  ];
  for (const [how, source, text] of faults) {
    it(`is a failed attempt when the function ${how}, and shows no secret`, async () => {
      const error = await rejectionOf(ask(source));
      expect(LeveretError.is(error) && error.code).to.equal('LEV_CONNECTION_FAILED');
      expect((error as Error).message)
        .to.include(text)
        .and.not.include('hunter2');
    });
  }

  it('waits no longer than the time given', async () => {
    const asked = rejectionOf(ask(() => new Promise(() => {})));
    await timers.tickAsync(1000);
    expect(((await asked) as Error).message).to.include('no answer within 1000 ms');
  });

  it('is done with a function that fails later, and listens to the signal no longer than it waits', async () => {
    const listening = () => getEventListeners(signal, 'abort').length;
    let fail = (_error: Error) => {};
    const failing = new Promise((_resolve, reject) => {
      fail = reject;
    });
    const asked = rejectionOf(ask(() => failing));
    expect(listening()).to.equal(1);
    await timers.tickAsync(1000);
    await asked;
    fail(new Error('nobody asks any more'));
    await timers.tickAsync(0);
    await ask(() => ({ password: 's' }));
    expect([listening(), timers.countTimers()]).to.deep.equal([0, 0]);
  });

  it('takes the shortest time that credentials may last', async () => {
    expect(await ask(() => ({ password: 's', expiresIn: 1 }))).to.include({ expiresAt: performance.now() + 1 });
    expect(await rejectionOf(ask(() => ({ password: 's', expiresIn: 0 })))).to.match(
      /expiresIn must be a duration above 0/,
    );
  });

  it('ends at once when the connection is closed meanwhile, or was before', async () => {
    const controller = new AbortController();
    let calls = 0;
    const never = () => {
      calls++;
      return new Promise(() => {});
    };
    const asked = rejectionOf(ask(never, controller.signal));
    controller.abort();
    expect(await asked).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(await rejectionOf(ask(never, controller.signal))).to.include({ code: 'LEV_CONNECTION_FAILED' });
    expect(calls).to.be.at.most(2);
    expect(timers.countTimers()).to.equal(0);
  });
});
