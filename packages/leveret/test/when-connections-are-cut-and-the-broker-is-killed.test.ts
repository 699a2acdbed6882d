import { expect } from 'chai';
import { describe, it } from 'mocha';
import { runSoak } from './soak/run-soak.js';
import { isRight } from './soak/soak-ledger.js';
import { onEachMortalBroker } from './support/private-broker.js';

/** The short form of `npm run soak`. */
onEachMortalBroker('when connections are cut and the broker is killed, over and over', (broker) => {
  it('handles every message, acks none that was not handled, and parks what fails', async () => {
    const report = await runSoak({ node: broker, messages: 5000, cuts: 5, kills: 1 });
    expect(report.verdict).to.deep.equal({ lost: [], notParked: [], left: 0, ackedUnhandled: 0, refusedTogether: 0 });
    expect(report.handled).to.equal(5000);
    expect(report.resumedMs.cut).to.have.lengthOf(5);
    expect(report.resumedMs.kill).to.have.lengthOf(1);
    const { byCuts, byKills } = report.duplicates;
    expect(byCuts).to.be.at.most(report.duplicatesByCutsAtMost);
    console.log(`      handled again: ${byCuts} after cuts, ${byKills} after kills; ${report.seconds.toFixed(1)} s`);
  }).timeout(180_000);

  describe('the ledger notices', () => {
    it('an ack before the handling', async () => {
      const report = await runSoak({
        node: broker,
        messages: 600,
        cuts: 2,
        kills: 0,
        plant: 'ack-before-handling',
      });
      expect(report.verdict.ackedUnhandled).to.be.above(0);
      expect(isRight(report.verdict)).to.equal(false);
    }).timeout(120_000);

    it('an ack without any handling', async () => {
      const report = await runSoak({
        node: broker,
        messages: 300,
        cuts: 0,
        kills: 0,
        plant: 'ack-without-handling',
      });
      expect(report.verdict.lost).to.deep.equal([0, 50, 100, 150, 200, 250]);
      expect(report.verdict.ackedUnhandled).to.equal(6);
    }).timeout(120_000);
  });
});
