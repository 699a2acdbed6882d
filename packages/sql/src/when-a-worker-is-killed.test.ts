import { expect } from 'chai';
import { after, before, describe, it } from 'mocha';
import { needs } from '../../../tools/scripts/needs.mjs';
import type { SqlDatabase } from './database/sql-database.js';
import { CrashLane, type LaneReport } from './test-support/crash-lane.js';
import { DATABASE_KINDS, type DatabaseKind, TestDatabase } from './test-support/test-database.js';
import { bundleWorker, WorkerProcess } from './test-support/worker-process.js';

/** Times the usual number of kills; `LEVERET_CRASH_ROUNDS=60` for an hour of it. */
const ROUNDS = Number(process.env['LEVERET_CRASH_ROUNDS'] ?? 1);
/** Kills of each lane: as many as a database has steps, or a little more. Lanes have a database of their own each. */
const LANES: Readonly<Record<string, readonly number[]>> = {
  PostgreSQL: [45, 45],
  MariaDB: [70],
  'SQLite in a file': [40],
};
const KINDS = DATABASE_KINDS.filter(({ shared }) => shared);
// On an idle machine a tenth of it is enough: processes start, and little else.
const LIMIT_MS = 600_000 * Math.max(1, ROUNDS);

/** No unique key: an effect that happened twice can be counted. */
const EFFECTS = 'CREATE TABLE effects (listener varchar(50) NOT NULL, message_id varchar(100) NOT NULL)';

async function inDatabase<T>(
  kind: DatabaseKind,
  work: (made: TestDatabase, database: SqlDatabase<unknown>) => Promise<T>,
) {
  const made = await TestDatabase.create(kind);
  try {
    const database = made.open();
    await database.query(EFFECTS);
    return await work(made, database);
  } finally {
    await made.dispose();
  }
}

/** How often each message took effect, as `orders order-1` → 1. */
async function effectsOf(database: SqlDatabase<unknown>): Promise<Map<string, number>> {
  const { rows } = await database.query(
    'SELECT listener, message_id, count(*) AS n FROM effects GROUP BY listener, message_id',
  );
  return new Map(rows.map((row) => [`${row['listener']} ${row['message_id']}`, Number(row['n'])]));
}

async function runLane(kind: DatabaseKind, atLeastKills: number, every = 1, plant?: string) {
  return inDatabase(kind, async (made, database) => {
    const lane = new CrashLane(made.url, plant);
    try {
      const report = await lane.run(atLeastKills, every);
      return { report, effects: await effectsOf(database) };
    } finally {
      lane.destroy();
    }
  });
}

function wrongEffects({ orders }: LaneReport, effects: Map<string, number>): string[] {
  const expected = orders.flatMap((id) => [`orders ${id}`, `mails ${id}-mail`]);
  const wrong = expected.filter((each) => effects.get(each) !== 1).map((each) => `${each}: ${effects.get(each) ?? 0}`);
  return [...wrong, ...[...effects.keys()].filter((each) => !expected.includes(each))];
}

let kills = 0;

for (const kind of KINDS) {
  describe(`when a worker on ${kind.name} is killed`, () => {
    if (kind.service !== undefined) before(needs(kind.service));
    before(bundleWorker);

    it('at any step, each message takes effect once, and what it publishes too', async function () {
      this.timeout(LIMIT_MS);
      const wanted = LANES[kind.name] ?? [];
      const lanes = await Promise.all(wanted.map((atLeastKills) => runLane(kind, atLeastKills * ROUNDS)));
      for (const { report, effects } of lanes) {
        expect(wrongEffects(report, effects)).to.deep.equal([]);
        expect(report.orders.length).to.be.greaterThan(15);
        // The relay died behind a publish and before its delete: the broker has such messages twice.
        expect(report.published.length).to.be.greaterThan(report.orders.length);
      }
      for (const { report } of lanes) kills += report.kills;
    });

    it('and 50 copies of one message come to 4 processes at once, it takes effect once', async function () {
      this.timeout(60_000);
      await inDatabase(kind, async (made, database) => {
        const workers = Array.from({ length: 4 }, () => new WorkerProcess(made.url));
        after(() => {
          for (const worker of workers) worker.destroy();
        });
        const copies = [13, 13, 12, 12];
        const endings = await Promise.all(
          workers.map((worker, index) =>
            worker.order({ type: 'deliver', listener: 'mails', id: 'm1', copies: copies[index] ?? 0 }),
          ),
        );
        const kinds = endings.flatMap((ending) => (ending.type === 'settled' ? ending.kinds : []));
        expect(kinds).to.have.lengthOf(50);
        expect(kinds.filter((each) => each === 'handled')).to.have.lengthOf(1);
        // One that waited too long comes again.
        expect(kinds.filter((each) => !['handled', 'duplicate', 'in-progress'].includes(each))).to.deep.equal([]);
        expect(await effectsOf(database)).to.deep.equal(new Map([['mails m1', 1]]));
        await Promise.all(workers.map((worker) => worker.end()));
      });
    });
  });
}

describe('the crash test itself', () => {
  before(needs('postgres'));
  before(needs('mariadb'));
  before(bundleWorker);

  it('has killed at least 200 workers', () => {
    expect(kills).to.be.at.least(200 * ROUNDS);
  });

  it('finds the messages that are lost when the inbox row is written outside of the transaction', async function () {
    this.timeout(LIMIT_MS);
    const [kind] = KINDS;
    const { report, effects } = await runLane(kind as DatabaseKind, 1, 4, 'row outside of the transaction');
    expect(wrongEffects(report, effects)).to.not.deep.equal([]);
  });
});
