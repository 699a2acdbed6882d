import { expect } from 'chai';
import { it } from 'mocha';
import { runFuzz } from './fuzz/run-fuzz.js';
import { onEachBroker } from './support/private-broker.js';

// The short form of `npm run fuzz`, with the broker in the same process and whatever else the machine does.
const SLOW_MS = 3_000;

onEachBroker('when strangers send anything', (broker) => {
  for (const seed of [1, 2]) {
    it(`handles or rejects each message, and loses no connection (seed ${seed})`, async () => {
      const report = await runFuzz({
        ...{ url: broker.url, seed, from: 0, seconds: 15, messages: 300, slowMs: SLOW_MS },
        progress: () => {},
      });
      expect(report.findings).to.deep.equal([]);
      expect(report.handled).to.be.above(10);
      expect(report.rejected).to.be.above(10);
    }).timeout(60_000);
  }
});
