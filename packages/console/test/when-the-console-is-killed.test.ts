import { expect } from 'chai';
import { after, before, it } from 'mocha';
import { onEachNode } from '../../../tools/scripts/each-broker.mjs';
import { ErrorQueues, TYPES } from './support/error-queues.js';
import { killConsoles } from './support/killed-console.js';

// Ten of them, on every version: tools/operations/prove-console.mjs.
const KILLS = 3;

onEachNode('when the console is killed', (node) => {
  let queues: ErrorQueues;

  before(async () => {
    queues = await ErrorQueues.open(node.url);
  });
  after(async () => {
    await queues?.close();
  });

  for (const type of TYPES) {
    it(`loses nothing of a ${type} queue: the next one says what is on its way, and goes on`, async function () {
      this.timeout(180_000);
      const report = await killConsoles(queues, {
        ...{ amqp: node.url, management: node.managementUrl, type },
        ...{ messages: 150, kills: KILLS },
      });
      expect(report.lost).to.eql([]);
      expect(report.left).to.equal(0);
      expect(report.offers).to.be.at.least(1);
    });
  }
});
