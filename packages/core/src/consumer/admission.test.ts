import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { aDelivery } from '../transport/delivery.support.test.js';
import { Admissions } from './admission.js';
import type { CrashGuard } from './crash-guard.js';
import type { Suspicion } from './crash-records.js';

function setUp({
  suspicion,
  isCounted = true,
  blocks = false,
}: {
  suspicion?: Suspicion;
  isCounted?: boolean;
  blocks?: boolean;
} = {}) {
  const clock = new FakeClock();
  const told: unknown[] = [];
  const state: { alone: Promise<void> | undefined; suspicion: Suspicion | undefined } = { alone: undefined, suspicion };
  const records = {
    begin: async () => state.suspicion,
    end: async () => {
      await turn();
      told.push('ended');
    },
  };
  const crashes = {
    records: suspicion === undefined ? undefined : records,
    isCounted: () => isCounted,
    blocks: () => blocks,
    whenAlone: () => {
      told.push('alone?');
      return state.alone;
    },
  } as unknown as CrashGuard;
  const reporter = { report: (_: unknown, event: object) => told.push(event) } as never;
  const admissions = new Admissions({} as never, crashes, { clock, reporter }, async (ended) => void (await ended));
  const ask = (isNext = () => true) => admissions.ask(aDelivery(), isNext);
  return { clock, told, state, ask };
}

const start = (starts: number) => ({ starts, claim: {} as never });

describe('Admissions', () => {
  // Without jitter each wait is what it says.
  beforeEach(() => sinon.stub(Math, 'random').returns(0));
  afterEach(() => sinon.restore());

  it('lets run what nothing remembers: at once what is harmless, else alone', async () => {
    const harmless = setUp({ isCounted: false });
    expect([await harmless.ask(), harmless.told]).to.deep.equal([{}, []]);
    const alone = setUp();
    expect([await alone.ask(), alone.told]).to.deep.equal([{}, ['alone?']]);
    const busy = setUp();
    busy.state.alone = Promise.resolve();
    expect([await busy.ask(), busy.told]).to.deep.equal([undefined, ['alone?']]);
  });

  it('waits while another is alone, and writes nothing down meanwhile', async () => {
    const { state, ask, told } = setUp({ suspicion: { kind: 'started', start: start(1) }, blocks: true });
    let free: () => void = () => undefined;
    state.alone = new Promise((resolve) => (free = resolve));
    let answered = false;
    const asked = ask().then((answer) => {
      answered = true;
      return answer;
    });
    await turn();
    expect(answered).to.equal(false);
    free();
    expect([await asked, told]).to.deep.equal([undefined, ['alone?']]);
    const now = setUp({ suspicion: { kind: 'started', start: start(1) }, blocks: true });
    expect(await now.ask()).to.deep.equal({ start: start(1) });
  });

  it('starts beside others the first time, and alone from then on', async () => {
    const first = setUp({ suspicion: { kind: 'started', start: start(1) } });
    first.state.alone = Promise.resolve();
    expect([await first.ask(), first.told]).to.deep.equal([{ start: start(1) }, []]);
    const second = setUp({ suspicion: { kind: 'started', start: start(2) } });
    expect(await second.ask()).to.deep.equal({ start: start(2) });
    second.told.length = 0;
    second.state.alone = Promise.resolve();
    expect([await second.ask(), second.told]).to.deep.equal([undefined, ['alone?', 'ended', 'alone?']]);
  });

  it('takes back what it wrote down of one that is not next any more', async () => {
    const { ask, told } = setUp({ suspicion: { kind: 'started', start: start(1) } });
    expect([await ask(() => false), told]).to.deep.equal([undefined, ['ended']]);
  });

  it('tells how often one has ended the process', async () => {
    const { ask } = setUp({ suspicion: { kind: 'crash-loop', starts: 2 } });
    expect([await ask(), await ask(() => false)]).to.deep.equal([{ crashes: 3 }, undefined]);
  });

  it('waits longer and longer for a store that is down, from the beginning again once it answered', async () => {
    const error = new Error('down');
    const { clock, ask, state, told } = setUp({ suspicion: { kind: 'unknown', error } });
    const waits: number[] = [];
    const wait = async () => {
      const asked = ask();
      await turn();
      const [ms = -1] = clock.waits;
      waits.push(ms);
      await clock.advance(ms);
      expect(await asked).to.equal(undefined);
      expect(clock.waits).to.deep.equal([]);
    };
    await wait();
    await wait();
    expect(told).to.deep.equal(Array(2).fill({ type: 'crash-loop-unknown', error }));
    state.suspicion = { kind: 'started', start: start(1) };
    await ask();
    state.suspicion = { kind: 'unknown', error };
    await wait();
    state.suspicion = { kind: 'crash-loop', starts: 1 };
    await ask();
    state.suspicion = { kind: 'unknown', error };
    await wait();
    expect(waits).to.deep.equal([1000, 2000, 1000, 1000]);
  });

  it('leaves no timer where something has happened meanwhile', async () => {
    const clock = new FakeClock();
    const crashes = { records: { begin: async () => ({ kind: 'unknown', error: 1 }) }, blocks: () => false } as never;
    const env = { clock, reporter: { report: () => undefined } } as never;
    const admissions = new Admissions({} as never, crashes, env, async () => undefined);
    expect(await admissions.ask(aDelivery(), () => true)).to.equal(undefined);
    expect(clock.waits).to.deep.equal([]);
  });
});
