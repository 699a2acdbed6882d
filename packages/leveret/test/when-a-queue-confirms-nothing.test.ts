import { PublishError } from '@leveret/core';
import { expect } from 'chai';
import { before, describe, it } from 'mocha';
import { RawClient } from './support/raw-client.js';
import { sharedCluster } from './support/shared-cluster.js';
import { startPublisher } from './support/start-publisher.js';
import { unique } from './support/unique.js';

describe('when a queue confirms nothing, for it has lost its majority', function () {
  this.timeout(240_000);
  let url = '';
  const [stuck, good] = [unique('stuck'), unique('good')];

  const cluster = sharedCluster();
  before('kill two nodes', async () => {
    const [first, ...others] = cluster().nodes;
    url = first?.url ?? '';
    await using raw = await RawClient.connect(url);
    await raw.declare(stuck, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
    await raw.declare(good, { durable: true });
    for (const node of others) await node.kill();
  });

  for (const [what, window] of [
    ['few messages in flight', 256],
    ['so many that the broker stops reading the connection', 1_000],
  ] as const) {
    it(`publishes everything else, after a hiccup, with ${what}`, async () => {
      await using running = startPublisher(url, { window, confirmTimeout: '4s', retry: { maxAttempts: 2 } });
      const { publisher } = running;
      const toStuck = Array.from({ length: 2 * window }, (_, i) => publisher.sendToQueue(stuck, i));
      const failures = Promise.allSettled(toStuck);
      let slowest = 0;
      const until = performance.now() + 8_000;
      let published = 0;
      for (; performance.now() < until; published++) {
        const began = performance.now();
        await publisher.sendToQueue(good, published);
        slowest = Math.max(slowest, performance.now() - began);
      }
      expect(slowest, 'milliseconds of the slowest').to.be.below(5_000);
      expect(published).to.be.greaterThan(300);
      expect(publisher.stats.apart).to.equal(1);
      const errors = (await failures).map((result) => result.status === 'rejected' && result.reason);
      for (const error of errors) {
        expect(error)
          .to.be.instanceOf(PublishError)
          .and.to.include({ code: 'LEV_PUBLISH_CONFIRM_TIMEOUT', stuck: true });
      }
      // What was never written can be told from what was.
      const fates = new Set(errors.map((error) => (error as PublishError).fate));
      expect([...fates]).to.have.members(['unknown', 'not-sent']);
      expect(publisher.stats).to.include({ held: 0, channelErrors: 0 });
    });
  }
});
