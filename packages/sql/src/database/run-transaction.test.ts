import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { rejection } from '../test-support/rejection.js';
import { runTransaction } from './run-transaction.js';

const OVER = { code: 'LEV_ATTEMPT_OVER' };

describe('runTransaction', () => {
  let log: string[];
  /** What still is asked of what was lent, while the transaction ends. */
  let late: unknown[];
  let lent: { query(text: string): Promise<string> } | undefined;
  let fails: (step: string) => Error | undefined;
  let answering: Promise<string>;

  beforeEach(() => {
    [log, late, lent] = [[], [], undefined];
    fails = () => undefined;
    answering = Promise.resolve('answer');
  });

  const step = (name: string) => async () => {
    log.push(name);
    if (lent !== undefined) late.push(await lent.query('late').catch((error: unknown) => error));
    const error = fails(name);
    if (error !== undefined) throw error;
  };
  const run = <T>(work: () => Promise<T>): Promise<T> =>
    runTransaction(
      { query: (_text: string) => answering },
      (given) => {
        lent = given;
        return work();
      },
      {
        begin: step('begin'),
        commit: step('commit'),
        rollback: step('rollback'),
        release: (destroy) => void log.push(destroy ? 'destroyed' : 'released'),
      },
      { of: 'connection' },
    );

  it('sends nothing any more of its work once that has returned: not before COMMIT, nor behind it', async () => {
    expect(await run(async () => 1)).to.equal(1);
    expect(log).to.deep.equal(['begin', 'commit', 'released']);
    expect(late).to.have.lengthOf(1);
    expect(late[0]).to.include(OVER);
    expect(await rejection(lent?.query('later') ?? Promise.resolve())).to.include(OVER);
  });

  it('sends nothing any more of its work once that has failed: not before ROLLBACK, nor behind it', async () => {
    const fault = new Error('no stock');
    expect(await rejection(run(() => Promise.reject(fault)))).to.equal(fault);
    expect(log).to.deep.equal(['begin', 'rollback', 'released']);
    expect(late[0]).to.include(OVER);
    expect(await rejection(lent?.query('later') ?? Promise.resolve())).to.include(OVER);
  });

  it('closes the connection instead of waiting for a statement that still runs', async () => {
    answering = new Promise(() => {});
    await rejection(
      run(async () => {
        void lent?.query('slow');
        throw new Error('a branch failed');
      }),
    );
    expect(log).to.deep.equal(['begin', 'destroyed']);
  });

  for (const failing of ['begin', 'commit', 'rollback']) {
    it(`closes the connection when ${failing} failed`, async () => {
      const fault = new Error('no stock');
      fails = (name) => (name === failing ? new Error(`${name} failed`) : undefined);
      const thrown = await rejection(run(() => (failing === 'rollback' ? Promise.reject(fault) : Promise.resolve(1))));
      expect(thrown.message).to.equal(failing === 'rollback' ? 'no stock' : `${failing} failed`);
      expect(log.at(-1)).to.equal('destroyed');
    });
  }

  it('closes the connection to a server that writes no more, although it was rolled back', async () => {
    await rejection(run(() => Promise.reject(Object.assign(new Error('read-only'), { code: '25006' }))));
    expect(log).to.deep.equal(['begin', 'rollback', 'destroyed']);
  });
});
