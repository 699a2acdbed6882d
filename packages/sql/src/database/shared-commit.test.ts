import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { rejection } from '../test-support/rejection.js';
import { SharedCommit } from './shared-commit.js';
import { ClosingFailed, type Opened, SharedCommitFailed } from './together.js';

const ANSWER = { result: { rows: [], rowCount: 1 } };
const MARK = 'leveret_shared';
const [MARKED, RELEASED] = [`SAVEPOINT ${MARK}`, `RELEASE ${MARK}`];
const UNDONE = `ROLLBACK TO ${MARK}; ${RELEASED}`;

describe('SharedCommit', () => {
  let now: number;
  let log: string[];
  let fails: (what: string) => Error | undefined;
  let shared: SharedCommit<object>;

  beforeEach(() => {
    [now, log, fails] = [0, [], () => undefined];
    sinon.stub(performance, 'now').callsFake(() => now);
    const told = (what: string) => {
      log.push(what);
      const error = fails(what);
      if (error !== undefined) throw error;
    };
    shared = new SharedCommit(
      {},
      {
        begin: () => told('BEGIN'),
        beginWith: (savepoint, { text }) => {
          told(`SAVEPOINT ${savepoint}`);
          told(text);
          return ANSWER;
        },
        query: ({ text }) => {
          told(text);
          return ANSWER;
        },
        commit: async (text) => told(text),
        exec: told,
        rollBackIfOpen: () => void log.push('roll back'),
      },
    );
  });
  afterEach(() => sinon.restore());

  /** Work that takes so long; answers what becomes of its commit. */
  const run = async (nextJoins: boolean, ms = 0, error?: Error, text = '') => {
    const work = async (_lent: object, opened: Opened | undefined) => {
      expect(opened).to.equal(text === '' ? undefined : ANSWER);
      now += ms;
      if (error !== undefined) throw error;
      return 'done';
    };
    const { value, committed } = await shared.run({ text }, work, () => nextJoins);
    let how = 'waits';
    Promise.resolve(committed).then(
      () => {
        how = 'committed';
      },
      (fault: unknown) => {
        how = fault instanceof SharedCommitFailed ? 'shared failed' : 'failed';
      },
    );
    return {
      value,
      how: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        return how;
      },
    };
  };

  it('commits at once where nobody joins, and again for the next', async () => {
    for (let n = 0; n < 2; n++) {
      const one = await run(false);
      expect([one.value, await one.how()]).to.deep.equal(['done', 'committed']);
    }
    expect(log).to.deep.equal(['BEGIN', 'COMMIT', 'BEGIN', 'COMMIT']);
  });

  it('lets the next join, and has both wait for one commit', async () => {
    const first = await run(true);
    expect(await first.how()).to.equal('waits');
    const second = await run(false);
    expect([await first.how(), await second.how()]).to.deep.equal(['committed', 'committed']);
    expect(log).to.deep.equal(['BEGIN', MARKED, RELEASED, MARKED, RELEASED, 'COMMIT']);
  });

  it('sends the first statement behind the savepoint, whose release commits one that is alone', async () => {
    await run(false, 0, undefined, 'INSERT');
    expect(log.splice(0)).to.deep.equal(['SAVEPOINT leveret', 'INSERT', 'RELEASE leveret']);
    await run(true, 0, undefined, 'INSERT');
    expect(log).to.deep.equal(['BEGIN', MARKED, 'INSERT', RELEASED]);
  });

  it('says of one that was alone that it has ended its transaction', async () => {
    fails = (what) => (what === 'RELEASE leveret' ? new Error('no such savepoint: leveret') : undefined);
    expect(await rejection(run(false, 0, undefined, 'INSERT'))).to.be.instanceOf(ClosingFailed);
    expect(log.at(-1)).to.equal('roll back');
  });

  for (const [ms, goesOn] of [
    [0.9, true],
    [1, false],
  ] as const) {
    it(`${goesOn ? 'waits' : 'does not wait'} for the next behind work of ${ms} ms`, async () => {
      expect(await (await run(true, ms)).how()).to.equal(goesOn ? 'waits' : 'committed');
    });
  }

  it('waits no longer than 5 ms behind its begin, each time anew', async () => {
    for (let n = 0; n < 2; n++) {
      for (let joined = 0; joined < 5; joined++) expect(await (await run(true, 0.9)).how()).to.equal('waits');
      now += 0.5;
      expect(await (await run(true)).how()).to.equal('committed');
    }
    expect(log.filter((each) => each === 'COMMIT')).to.have.lengthOf(2);
  });

  it('has 64 share it at most', async () => {
    for (let n = 1; n < 64; n++) expect(await (await run(true)).how()).to.equal('waits');
    expect(await (await run(true)).how()).to.equal('committed');
  });

  it('undoes the work of one that failed, and of no other', async () => {
    const first = await run(true);
    const fault = new Error('no stock');
    expect(await rejection(run(false, 0, fault))).to.equal(fault);
    expect(await first.how()).to.equal('committed');
    expect(log).to.deep.equal([...['BEGIN', MARKED, RELEASED, MARKED, UNDONE, 'COMMIT']]);
    log.length = 0;
    expect(await rejection(run(true, 0, fault))).to.equal(fault);
    expect(log, 'one that was the first').to.deep.equal(['BEGIN', MARKED, UNDONE]);
    expect(await (await run(false)).how()).to.equal('committed');
  });

  it('tells each why a commit failed: by itself where it was alone', async () => {
    const fault = new Error('disk full');
    fails = (what) => (what === 'COMMIT' ? fault : undefined);
    expect(await rejection(run(false))).to.equal(fault);
    const first = await run(true);
    const second = await run(false);
    expect([await first.how(), await second.how()]).to.deep.equal(['shared failed', 'shared failed']);
    expect(log.filter((each) => each === 'roll back')).to.have.lengthOf(2);
    fails = () => undefined;
    expect(await (await run(false)).how(), 'as useful as before').to.equal('committed');
  });

  it('tells those that waited when one has ended the transaction', async () => {
    const first = await run(true);
    fails = (what) => (what.startsWith('RELEASE') ? new Error('no such savepoint') : undefined);
    await rejection(run(false));
    expect(await first.how()).to.equal('shared failed');
    expect(log.at(-1)).to.equal('roll back');
    fails = () => undefined;
    expect(await (await run(false)).how()).to.equal('committed');
  });
});
