import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { claimGuard } from '../idempotency/claim-guard.js';
import { MemoryIdempotencyStore } from '../idempotency/memory-store.js';
import { setUp, watch } from '../publisher/fake-publish-transport.support.test.js';
import { PublishError } from '../publisher/publish-error.js';
import { fails, Journey, REQUEUE, start } from './journey.support.test.js';
import { ListenerContainer } from './listener-container.js';
import { aDefinition, ListenerHarness } from './listener-harness.support.test.js';
import { ScriptedTransport, SlowHandler } from './scripted-transport.support.test.js';

const HOUR = 3_600_000;
const never = () => new Promise<never>(() => {});

for (const [how, jumpMs] of [
  ['back', -HOUR],
  ['forward', HOUR],
] as const) {
  const jump = (clock: FakeClock) => clock.setWall(clock.now() + jumpMs);

  describe(`when the wall clock is set ${how} an hour`, () => {
    it('tries again after the interval of the retry, and stamps what failed with the wall', async () => {
      let calls = 0;
      const journey = new Journey({
        retry: { maxAttempts: 2 },
        handle: () => {
          calls++;
          throw new Error('broken');
        },
        recover: ({ lastFailedAt }) => void expect(lastFailedAt).to.equal(journey.clock.now()),
      });
      const state = start(journey.next());
      await turn();
      jump(journey.clock);
      await journey.clock.advance(999);
      expect(calls).to.equal(1);
      await journey.clock.advance(1);
      expect([calls, state.ended]).to.deep.equal([2, true]);
    });

    it('holds a redelivery of stateful retry for its interval', async () => {
      const journey = new Journey({ retry: { stateless: false, maxAttempts: 3 }, handle: fails() }, { messageId: 'a' });
      start(journey.next());
      await turn();
      jump(journey.clock);
      start(journey.next({ redelivered: true }));
      await journey.clock.advance(1000);
      expect(journey.frames).to.deep.equal([REQUEUE, REQUEUE]);
    });

    it('lets a handler run for its timeout', async () => {
      const journey = new Journey({ definition: { timeoutMs: 1000 }, handle: never });
      const state = start(journey.next());
      await turn();
      jump(journey.clock);
      await journey.clock.advance(999);
      expect(state.ended).to.equal(false);
      await journey.clock.advance(1);
      expect(state.ended).to.equal(true);
    });

    it('counts the time that a handler took', async () => {
      const journey: Journey = new Journey({
        handle: () => new Promise((resolve) => journey.clock.after(250, () => resolve(undefined))),
      });
      start(journey.next());
      await turn();
      jump(journey.clock);
      await journey.clock.advance(250);
      expect(journey.event('handled').durationMs).to.equal(250);
    });

    it('gives back after as long as ever what another holds', async () => {
      const inProgress = { run: () => Promise.resolve({ kind: 'in-progress' as const, retryAfterMs: 1000 }) };
      const heldFor = async (jumpAfterMs: number | undefined) => {
        const journey = new Journey({ guard: inProgress, keyPolicy: { key: () => 'k' } });
        const state = start(journey.next());
        await turn();
        for (let ms = 0; ; ms += 500) {
          if (state.ended) return ms;
          if (ms === jumpAfterMs) jump(journey.clock);
          await journey.clock.advance(500);
        }
      };
      expect(await heldFor(2000)).to.equal(await heldFor(undefined));
    });

    it('stops a listener within its time', async () => {
      const slow = new SlowHandler();
      const parts = { handle: slow.handle as () => unknown };
      const { clock, logger, events, publisher } = new ListenerHarness(parts);
      const transport = new ScriptedTransport();
      const container = new ListenerContainer(aDefinition(parts), { transport, publisher, clock, logger, events });
      await container.start();
      transport.last.deliver('a');
      await turn();
      // The jump comes while the cancel is under way: what is left is reckoned afterwards.
      const { last } = transport;
      const cancel = last.cancel.bind(last);
      last.cancel = () => {
        jump(clock);
        return cancel();
      };
      const stopped = watch(container.stop({ timeoutMs: 2000 }));
      await clock.advance(1999);
      expect(stopped.settlements).to.equal(0);
      await clock.advance(1);
      await turn();
      expect(stopped.value).to.deep.equal({ abandoned: 1 });
    });

    describe('a publisher', () => {
      it('waits for confirms in flight as long as ever', async () => {
        const { publisher, clock, transport } = setUp({ retry: false, confirmTimeout: '5s' });
        const lost = watch(publisher.publish('orders', 'paid', 'x'));
        await clock.advance(3000);
        const acked = watch(publisher.publish('orders', 'paid', 'y'));
        await turn();
        jump(clock);
        // The timer of the first looks at the second, too.
        await clock.advance(2000);
        expect([lost.settlements, acked.settlements]).to.deep.equal([1, 0]);
        await clock.advance(2000);
        transport.channel.ack(2);
        await turn();
        expect(acked.value).to.include({ confirmed: true, confirmMs: 4000 });
        expect((lost.error as PublishError).code).to.equal('LEV_PUBLISH_CONFIRM_TIMEOUT');
      });

      it('tries again after the interval of the retry', async () => {
        const { publisher, clock, transport } = setUp({ retry: { maxAttempts: 2, initialInterval: '1s' } });
        const publishing = watch(publisher.publish('orders', 'paid', 'x'));
        await turn();
        transport.channel.nack();
        jump(clock);
        await clock.advance(999);
        expect(transport.channel.sent).to.have.length(1);
        await clock.advance(1);
        expect(transport.channel.sent).to.have.length(2);
        transport.channel.ack();
        await turn();
        expect(publishing.value).to.include({ attempts: 2 });
      });

      it('opens a channel again after its pause', async () => {
        const { publisher, clock, transport } = setUp({ retry: { maxAttempts: 2, initialInterval: '1s' } });
        transport.openings.push(new Error('connect ECONNREFUSED'));
        const publishing = watch(publisher.publish('orders', 'paid', 'x'));
        await turn();
        jump(clock);
        await clock.advance(1000);
        expect(transport.tries).to.equal(2);
        transport.channel.ack();
        await turn();
        expect(publishing.settlements).to.equal(1);
      });

      it('gives up what the broker blocks after `blockedTimeout`, and what waits for room after its time', async () => {
        const { publisher, clock, transport } = setUp({
          retry: false,
          blockedTimeout: '3s',
          buffer: { maxMessages: 1, waitTimeout: '2s' },
        });
        transport.block();
        const blocked = watch(publisher.publish('orders', 'paid', 'x'));
        const waiting = watch(publisher.publish('orders', 'paid', 'y'));
        await turn();
        jump(clock);
        await clock.advance(1900);
        expect([blocked.settlements, waiting.settlements]).to.deep.equal([0, 0]);
        await clock.advance(200);
        expect(waiting.error).to.be.instanceOf(PublishError);
        expect(blocked.settlements).to.equal(0);
        await clock.advance(1000);
        expect((blocked.error as PublishError).code).to.equal('LEV_PUBLISH_BLOCKED');
      });

      it('closes within its time', async () => {
        const { publisher, clock } = setUp();
        const publishing = watch(publisher.publish('orders', 'paid', 'x'));
        await turn();
        const closing = watch(publisher.close({ timeout: '2s' }));
        jump(clock);
        await clock.advance(1999);
        expect(closing.settlements).to.equal(0);
        await clock.advance(1);
        expect(closing.settlements).to.equal(1);
        expect(publishing.error).to.be.instanceOf(PublishError).and.to.include({ code: 'LEV_PUBLISHER_CLOSED' });
      });
    });

    it('keeps a lease for as long as the store gave it', async () => {
      const clock = new FakeClock();
      const store = new MemoryIdempotencyStore({ now: () => clock.monotonic() });
      let renewals = 0;
      const slowlyRenewing = Object.assign(Object.create(store) as MemoryIdempotencyStore, {
        claim: store.claim.bind(store),
        complete: store.complete.bind(store),
        release: store.release.bind(store),
        // The jump comes between the question and the answer.
        async renew(...[claim, options]: Parameters<MemoryIdempotencyStore['renew']>) {
          renewals++;
          jump(clock);
          return store.renew(claim, options);
        },
      });
      const guard = claimGuard(slowlyRenewing, { lease: 3000, clock });
      let lost: AbortSignal | undefined;
      const running = watch(
        guard.run('a', '1', (_, claimLost) => {
          lost = claimLost;
          return new Promise((resolve) => clock.after(10_000, () => resolve('done')));
        }),
      );
      await clock.advance(9999);
      expect([lost?.aborted, renewals]).to.deep.equal([false, 9]);
      await clock.advance(1);
      expect(running.value).to.include({ kind: 'handled', value: 'done' });
    });
  });
}
