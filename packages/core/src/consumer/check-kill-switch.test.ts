import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { KillSwitchPolicy } from '../outage/kill-switch.js';
import { checkKillSwitch } from './check-kill-switch.js';
import { aDefinition } from './listener-harness.support.test.js';

describe('checkKillSwitch', () => {
  const killSwitch: KillSwitchPolicy = { activeAt: 20, tripAt: 0.5, withinMs: 30_000, pauseMs: 1, when: () => true };
  const warnings = (definition: object) => checkKillSwitch(aDefinition({ definition: { killSwitch, ...definition } }));

  it('says that attempts which time out are too few', () => {
    expect(warnings({ timeoutMs: 10_000 })[0]?.text).to.contain(
      '20 attempts (killSwitch.activeAt) by 1 at a time take 200000 ms',
    );
    expect(warnings({ timeoutMs: 10_000, concurrency: 10 })).to.deep.equal([]);
    expect(warnings({ timeoutMs: 1500 })).to.deep.equal([]);
  });

  it('says nothing where there is none, or where nothing times out', () => {
    expect(warnings({})).to.deep.equal([]);
    expect(warnings({ killSwitch: undefined, timeoutMs: 10_000 })).to.deep.equal([]);
  });
});
