import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { RateLimit } from './rate-limit.js';

describe('RateLimit', () => {
  it('lets as many begin at once as it may, and the next when the first is `per` ago', async () => {
    const clock = new FakeClock();
    const limit = new RateLimit({ messages: 3, perMs: 1000 }, clock);
    for (let n = 0; n < 3; n++) {
      expect(limit.waitMs).to.equal(0);
      limit.take();
      await clock.advance(100);
    }
    expect(limit.waitMs).to.equal(700);
    await clock.advance(700);
    expect(limit.waitMs).to.equal(0);
    limit.take();
    expect(limit.waitMs).to.equal(100);
  });

  it('lets what follows wait for what was taken without asking', () => {
    const limit = new RateLimit({ messages: 1, perMs: 1000 }, new FakeClock());
    for (let n = 0; n < 3; n++) limit.take();
    expect(limit.waitMs).to.equal(3000);
  });

  it('never lets more begin in any stretch of `per`, and none fewer than it may', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 0, max: 30 }), { maxLength: 60 }),
        async (messages, perMs, gaps) => {
          const clock = new FakeClock();
          const limit = new RateLimit({ messages, perMs }, clock);
          const began: number[] = [];
          for (const gap of gaps) {
            await clock.advance(gap);
            const waitMs = limit.waitMs;
            // Not earlier than it has to be, either.
            if (waitMs > 0)
              expect(began.filter((at) => at > clock.monotonic() + waitMs - perMs - 1)).to.have.length(messages);
            await clock.advance(waitMs);
            limit.take();
            began.push(clock.monotonic());
          }
          for (const at of began) {
            const within = began.filter((other) => other > at - perMs && other <= at);
            expect(within.length).to.be.at.most(messages);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
});
