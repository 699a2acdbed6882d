import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type Busy, type RestOptions, untilAtRest } from './until-at-rest.js';

const busy: Busy = { key: 'handler', text: 'a handler runs' };

/** An application that is busy until it has been looked at so often. */
function busyFor(looks: number, rest: Partial<RestOptions> = {}): RestOptions {
  let left = looks;
  return {
    look: () => (left-- > 0 ? [busy] : []),
    activity: () => 0,
    quietMs: 0,
    endMs: performance.now() + 1000,
    ...rest,
  };
}

describe('untilAtRest', () => {
  it('answers nothing once nothing goes on', async () => {
    expect(await untilAtRest(busyFor(0))).to.deep.equal([]);
    expect(await untilAtRest(busyFor(200))).to.deep.equal([]);
  });

  it('answers what is left at its end', async () => {
    expect(await untilAtRest(busyFor(Number.POSITIVE_INFINITY, { endMs: performance.now() + 20 }))).to.deep.equal([
      busy,
    ]);
  });

  it('looks for several turns of the event loop before it believes in rest', async () => {
    let looks = 0;
    const busyAgain = () => (++looks === 5 ? [busy] : []);
    await untilAtRest(busyFor(0, { look: busyAgain }));
    expect(looks).to.be.above(5 + 5);
  });

  it('begins again with everything that happens', async () => {
    let activity = 0;
    const options = busyFor(0, { activity: () => ++activity, endMs: performance.now() + 20 });
    expect((await untilAtRest(options)).map(({ key }) => key)).to.deep.equal(['activity']);
  });

  it('waits until it has been quiet for long enough', async () => {
    const began = performance.now();
    await untilAtRest(busyFor(0, { quietMs: 30 }));
    expect(performance.now() - began).to.be.at.least(29);
  });

  it('gives up early on what does nothing, when told to', async () => {
    const began = performance.now();
    expect(await untilAtRest(busyFor(Number.POSITIVE_INFINITY, { graceMs: 20 }))).to.deep.equal([busy]);
    expect(performance.now() - began).to.be.within(19, 2000);
  });

  it('does not wait for what is tolerated', async () => {
    const options = busyFor(Number.POSITIVE_INFINITY, { tolerated: new Set(['handler']) });
    expect(await untilAtRest(options)).to.deep.equal([]);
  });

  it('takes a process that stood still for no handler that does nothing', async () => {
    let looks = 0;
    const look = () => {
      if (++looks === 3) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150);
      return looks < 10 ? [{ key: 'handler', text: 'a handler is at work' }] : [];
    };
    const endMs = performance.now() + 10_000;
    expect(await untilAtRest({ look, activity: () => 0, quietMs: 0, endMs, graceMs: 100 })).to.deep.equal([]);
  });
});
