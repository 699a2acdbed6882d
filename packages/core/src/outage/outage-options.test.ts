import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Problems } from '../errors/configuration-error.js';
import { KILL_SWITCH_OPTION, MAX_RATE_OPTION } from './outage-options.js';

function faultsOf(resolve: (problems: Problems) => unknown): readonly string[] {
  const problems = new Problems();
  resolve(problems);
  return problems.list;
}

const resolveMaxRate = (value: unknown, problems: Problems) => MAX_RATE_OPTION.read(value, 'maxRate', problems);
const resolveKillSwitch = (value: unknown, problems: Problems) =>
  KILL_SWITCH_OPTION.read(value, 'killSwitch', problems);

describe('the option maxRate', () => {
  it('is no limit unless there is one', () => {
    expect(resolveMaxRate(undefined, new Problems())).to.equal(undefined);
    expect(resolveMaxRate({ messages: 50 }, new Problems())).to.deep.equal({ messages: 50, perMs: 1000 });
    expect(resolveMaxRate({ messages: 1, per: '2m' }, new Problems())).to.deep.equal({ messages: 1, perMs: 120_000 });
  });

  for (const [value, text] of [
    [50, 'maxRate must be an object'],
    [[], 'maxRate must be an object'],
    [{}, 'maxRate.messages is missing'],
    [{ messages: 0 }, 'maxRate.messages must be a whole number from 1 to 100000'],
    [{ messages: 1.5 }, 'maxRate.messages must be a whole number'],
    [{ messages: 5, per: 0 }, 'maxRate.per must be more than 0 ms'],
    [{ messages: 5, per: 'soon' }, 'maxRate.per must be milliseconds'],
    [{ messages: 5, perr: '1s' }, 'Did you mean "per"'],
  ] as const) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      const faults = faultsOf((problems) => resolveMaxRate(value, problems));
      expect(faults.join()).to.contain(text);
    });
  }
});

describe('the option killSwitch', () => {
  const resolve = (value: unknown) => resolveKillSwitch(value, new Problems());

  it('is none unless it is asked for', () => {
    expect([resolve(undefined), resolve(false)]).to.deep.equal([undefined, undefined]);
  });

  it('has a default for everything', () => {
    const defaults = { activeAt: 20, tripAt: 0.5, withinMs: 30_000, pauseMs: 30_000 };
    expect(resolve(true)).to.deep.include(defaults);
    expect(resolve({})).to.deep.include(defaults);
    expect(resolve({ activeAt: 5, pause: '1m' })).to.deep.include({ ...defaults, activeAt: 5, pauseMs: 60_000 });
  });

  for (const [value, text] of [
    ['yes', 'killSwitch must be true, false or an object'],
    [{ activeAt: 0 }, 'killSwitch.activeAt must be a whole number from 1'],
    [{ tripAt: 0 }, 'killSwitch.tripAt must be a number from 0.01 to 1'],
    [{ tripAt: 50 }, 'killSwitch.tripAt must be a number from 0.01 to 1'],
    [{ tripAt: Number.NaN }, 'killSwitch.tripAt'],
    [{ within: 0 }, 'killSwitch.within must be more than 0 ms'],
    [{ pause: 'a while' }, 'killSwitch.pause must be milliseconds'],
    [{ when: 'always' }, 'killSwitch.when must be a function'],
    [{ tripsAt: 0.5 }, 'Did you mean "tripAt"'],
  ] as const) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      const faults = faultsOf((problems) => resolveKillSwitch(value, problems));
      expect(faults.join()).to.contain(text);
    });
  }
});

describe('the numbers of both', () => {
  it('are taken up to their bounds', () => {
    for (const messages of [1, 100_000])
      expect(faultsOf((problems) => resolveMaxRate({ messages }, problems))).to.eql([]);
    for (const given of [{ activeAt: 1 }, { activeAt: 10_000 }, { tripAt: 0.01 }, { tripAt: 1 }]) {
      expect(
        faultsOf((problems) => resolveKillSwitch(given, problems)),
        JSON.stringify(given),
      ).to.deep.equal([]);
    }
    expect(faultsOf((problems) => resolveMaxRate({ messages: 100_001 }, problems))).to.have.length(1);
    for (const given of [{ activeAt: 10_001 }, { tripAt: 0.0099 }, { tripAt: 1.01 }]) {
      expect(
        faultsOf((problems) => resolveKillSwitch(given, problems)),
        JSON.stringify(given),
      ).to.have.length(1);
    }
  });
});
