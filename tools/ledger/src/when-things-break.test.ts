import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { defaultVersion } from '../../scripts/brokers.mjs';
import { needs } from '../../scripts/needs.mjs';
import { PLANTS, type Plant } from './controls/plants.js';
import { runControl } from './controls/run-controls.js';
import { tableOf } from './report/table.js';
import { Grounds } from './run/grounds.js';
import { runLedger } from './run/run-ledger.js';
import { whyNoPostgres } from './services/private-postgres.js';
import { readRow } from './workload/row.js';

/** It takes 25 s on an idle machine. */
const LIMIT_MS = 400_000;
/** Quick ones, of which each breaks an invariant of its own; `npm run ledger:controls` runs all, one behind the other. */
const CONTROLS = ['ack-before-handler', 'confirm-ignored'];

/** The ledger in small: one row, three kinds of faults, two planted bugs. `npm run ledger` is the real thing. */
describe('when things break', function () {
  this.timeout(LIMIT_MS);
  let grounds: Grounds;

  before(needs('private brokers'));
  before('start a broker and a database', async function () {
    const reason = whyNoPostgres();
    if (reason !== undefined) {
      if (process.env['CI'] === 'true') throw new Error(`expected a PostgreSQL to start with CI=true: ${reason}`);
      console.log(`    skipped: ${reason}`);
      this.skip();
    }
    grounds = await Grounds.start({ version: defaultVersion(), nodes: 1, redis: false });
  });
  after('remove them', () => grounds?.remove());

  it('loses and doubles nothing while connections are cut, and consumers and the broker are killed', async () => {
    const { report, world } = await runLedger({
      row: readRow('quorum'),
      version: grounds.version,
      grounds,
      seed: 1,
      minutes: 2,
      faults: ['tcp-cut', 'consumer-kill', 'broker-kill'],
      inOrder: true,
      rate: 500,
      quiet: true,
      shape: { consumers: 2, publishers: 1 },
    });
    await world.remove({ keepLedgers: false });
    expect(report.verdict.violations, tableOf(report)).to.deep.equal([]);
    expect(report.verdict.messages.confirmed).to.be.above(100);
    expect(report.verdict.windows.map(({ kind }) => kind)).to.deep.equal(['tcp-cut', 'consumer-kill', 'broker-kill']);
  });

  it('finds two bugs that are planted together: an ack before the handler, and a confirm that is not waited for', async () => {
    const plants = PLANTS.filter(({ name }) => CONTROLS.includes(name)) as [Plant, Plant];
    const results = await runControl(plants, grounds, 1, 2);
    expect(
      results.map(({ name, isFound }) => [name, isFound]),
      `found ${results[0]?.found.join(', ') || 'nothing'}`,
    ).to.deep.equal(CONTROLS.map((name) => [name, true]));
  });
});
