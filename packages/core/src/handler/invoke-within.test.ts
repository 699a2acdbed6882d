import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { LeveretError } from '../errors/leveret-error.js';
import { invokeWithin } from './invoke-within.js';

describe('invokeWithin', () => {
  const never = (error: unknown) => expect.fail(String(error));

  it('answers what the handler answers, at once or later, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    expect(await invokeWithin(clock, 100, () => 'value', never)).to.equal('value');
    expect(await invokeWithin(clock, 100, async () => 'value', never)).to.equal('value');
    expect(clock.waits).to.deep.equal([]);
  });

  it('fails with what the handler throws, at once or later, and leaves no timer behind', async () => {
    const clock = new FakeClock();
    const fault = new Error('broken');
    const thrown = (invoke: () => unknown) => invokeWithin(clock, 100, invoke, never).catch((error: unknown) => error);
    const sync = () => {
      throw fault;
    };
    expect(await thrown(sync)).to.equal(fault);
    expect(await thrown(() => Promise.reject(fault))).to.equal(fault);
    expect(clock.waits).to.deep.equal([]);
  });

  it('fails when the time is up, and says so once', async () => {
    const clock = new FakeClock();
    const told: LeveretError[] = [];
    const attempt = invokeWithin(
      clock,
      100,
      () => new Promise(() => {}),
      (error) => told.push(error),
    ).catch((error: unknown) => error);
    expect(clock.waitsForUs, 'somebody waits for its end').to.deep.equal([100]);
    await clock.advance(99);
    expect(told).to.deep.equal([]);
    await clock.advance(1);
    expect(await attempt).to.equal(told[0]);
    expect(told).to.have.lengthOf(1);
    expect(told[0]).to.include({ code: 'LEV_HANDLER_TIMEOUT' });
    expect(told[0]?.message).to.contain('timeout of 100 ms');
  });

  it('tells of the end of the handler once, be it in time or long after its result', async () => {
    const clock = new FakeClock();
    let ends = 0;
    const onEnd = () => ends++;
    await invokeWithin(clock, 100, () => 'value', never, onEnd);
    expect(ends).to.equal(1);
    await invokeWithin(clock, 100, () => Promise.reject(new Error('broken')), never, onEnd).catch(() => {});
    expect(ends).to.equal(2);
    let end: () => void = () => {};
    const running = new Promise<void>((resolve) => {
      end = resolve;
    });
    const attempt = invokeWithin(
      clock,
      100,
      () => running,
      () => {},
      onEnd,
    ).catch(() => {});
    await clock.advance(100);
    await attempt;
    expect(ends, 'it runs on').to.equal(2);
    end();
    await turn();
    expect(ends).to.equal(3);
  });

  it('takes no notice of how the handler ends after that', async () => {
    const clock = new FakeClock();
    let fail: (error: Error) => void = () => {};
    const attempt = invokeWithin(
      clock,
      100,
      () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
      () => fail(new Error('aborted by the signal')),
    ).catch((error: LeveretError) => error.code);
    await clock.advance(100);
    await turn();
    expect(await attempt).to.equal('LEV_HANDLER_TIMEOUT');
  });
});
