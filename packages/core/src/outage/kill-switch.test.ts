import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { KillSwitch, type KillSwitchPolicy } from './kill-switch.js';

const POLICY: KillSwitchPolicy = { activeAt: 20, tripAt: 0.5, withinMs: 30_000, pauseMs: 30_000, when: () => true };

function made(policy: Partial<KillSwitchPolicy> = {}) {
  const clock = new FakeClock();
  const it = new KillSwitch({ ...POLICY, ...policy }, clock);
  /** `.` succeeds, `x` fails; answers where it tripped. */
  const attempts = (line: string): number | undefined => {
    for (const [index, each] of [...line].entries()) {
      if (each === '.') it.succeeded(it.moment);
      else if (it.failed(it.moment) !== undefined) return index + 1;
    }
    return undefined;
  };
  return { clock, it, attempts };
}

const times = (n: number, text: string) => text.repeat(n);

describe('KillSwitch', () => {
  it('trips at the share, and not before enough attempts were made', () => {
    expect(made().attempts(times(30, 'x'))).to.equal(20);
    expect(made().attempts(times(15, '.x'))).to.equal(20);
    expect(made().attempts(times(50, '..x'))).to.equal(undefined);
    expect(made({ activeAt: 4, tripAt: 1 }).attempts('xxx.xxx.xxxx')).to.equal(12);
    expect(made({ activeAt: 1 }).attempts('x')).to.equal(1);
  });

  it('trips as soon behind a long good time as at the beginning', () => {
    expect(made().attempts(times(10_000, '.') + times(20, 'x'))).to.equal(10_010);
  });

  it('looks at nothing that is older than it may be', async () => {
    const { clock, attempts } = made();
    attempts(times(19, 'x'));
    await clock.advance(30_001);
    expect(attempts(times(19, 'x'))).to.equal(undefined);
    expect(attempts('x')).to.equal(1);
  });

  it('probes when its pause is over, and again when the probe fails', () => {
    const { it, attempts } = made({ activeAt: 2 });
    attempts('xx');
    expect([it.state, it.trips]).to.deep.equal(['tripped', 1]);
    it.probe();
    expect(it.state).to.equal('probing');
    expect(it.failed(it.moment)).to.deep.equal({ failed: 1, of: 1 });
    expect([it.state, it.trips]).to.deep.equal(['tripped', 1]);
    it.probe();
    expect(it.succeeded(it.moment)).to.equal(true);
    expect(it.state).to.equal('ramping');
    it.ramped();
    expect(it.state).to.equal('watching');
  });

  it('ends no outage by a success while there is none, or while it comes back', () => {
    const { it, attempts } = made({ activeAt: 2 });
    expect([it.succeeded(it.moment), it.state]).to.deep.equal([false, 'watching']);
    attempts('xx');
    it.probe();
    it.succeeded(it.moment);
    expect([it.succeeded(it.moment), it.state]).to.deep.equal([false, 'ramping']);
  });

  it('hears nothing of attempts that began before the probe', () => {
    const { it, attempts } = made({ activeAt: 2 });
    const before = it.moment;
    attempts('xx');
    expect(it.succeeded(before)).to.equal(false);
    it.probe();
    expect([it.succeeded(before), it.failed(before)]).to.deep.equal([false, undefined]);
    expect(it.state).to.equal('probing');
  });

  it('takes what began in an outage and fails behind it for the fault of that', () => {
    const { it, attempts } = made({ activeAt: 2 });
    const before = it.moment;
    expect(it.isOutage(before)).to.equal(false);
    attempts('xx');
    expect(it.isOutage(before)).to.equal(true);
    it.probe();
    it.succeeded(it.moment);
    expect(it.isOutage(before)).to.equal(true);
    expect(it.failed(before)).to.equal(undefined);
    expect(it.isOutage(it.moment)).to.equal(false);
  });

  it('trips sooner while it comes back, but not by one failure', () => {
    const { it, attempts } = made();
    attempts(times(20, 'x'));
    const back = () => {
      it.probe();
      it.succeeded(it.moment);
    };
    back();
    expect(attempts('x')).to.equal(undefined);
    expect(attempts('.x')).to.equal(2);
    back();
    expect(attempts('....x...x')).to.equal(undefined);
    expect(it.trips).to.equal(2);
  });

  it('begins anew when somebody else decides', () => {
    const { it, attempts } = made({ activeAt: 2 });
    const before = it.moment;
    attempts('xx');
    const during = it.moment;
    it.reset();
    expect(it.state).to.equal('watching');
    expect(it.isOutage(it.moment)).to.equal(false);
    expect([before, during].map((moment) => it.isOutage(moment))).to.deep.equal([true, true]);
    expect(attempts('.x')).to.equal(2);
    it.probe();
    it.succeeded(it.moment);
    expect(it.state).to.equal('ramping');
    it.reset();
    expect(it.state).to.equal('watching');
  });

  it('hears one message for a third of what it looks at', () => {
    expect(made().it.hearsMessage).to.equal(7);
    expect(made({ activeAt: 1 }).it.hearsMessage).to.equal(1);
  });

  it('looks at an attempt until it is older than it may be, and at no more than it is to', async () => {
    const { clock, it, attempts } = made({ activeAt: 4, tripAt: 1 });
    attempts('..');
    await clock.advance(30_000);
    attempts('x');
    expect(it.share).to.deep.equal({ failed: 1, of: 3 });
    await clock.advance(1);
    attempts('x');
    expect(it.share).to.deep.equal({ failed: 2, of: 2 });
    attempts('.....');
    expect(it.share).to.deep.equal({ failed: 0, of: 4 });
  });

  it('hears nothing while it has tripped, and does not go on to where it was not called', () => {
    const { it, attempts } = made({ activeAt: 2 });
    it.ramped();
    it.probe();
    expect(it.state).to.equal('watching');
    attempts('xx');
    expect([it.succeeded(it.moment), it.failed(it.moment), it.share]).to.deep.equal([
      ...[false, undefined, { failed: 0, of: 0 }],
    ]);
    it.ramped();
    expect(it.state).to.equal('tripped');
    it.probe();
    it.ramped();
    it.probe();
    expect(it.state).to.equal('probing');
    it.succeeded(it.moment);
    it.probe();
    expect(it.state).to.equal('ramping');
  });

  it('takes what fails while it probes for the fault of the outage, and nothing of before it began', () => {
    const { it, attempts } = made({ activeAt: 2 });
    expect(it.isOutage(it.moment)).to.equal(false);
    attempts('xx');
    expect(it.isOutage(it.moment)).to.equal(true);
    it.probe();
    expect(it.isOutage(it.moment)).to.equal(true);
    it.failed(it.moment);
    it.probe();
    it.succeeded(it.moment);
    attempts('.x');
    expect([it.isOutage(it.moment), it.share]).to.deep.equal([false, { failed: 1, of: 2 }]);
  });

  it('counts anew from a reset on, whose attempts before it still count as what they are', () => {
    const { it, attempts } = made({ activeAt: 3, tripAt: 1 });
    attempts('xx');
    const before = it.moment;
    it.reset();
    expect([it.share, it.moment, it.isOutage(before)]).to.deep.equal([{ failed: 0, of: 0 }, before, false]);
    expect(attempts('xx')).to.equal(undefined);
    expect(attempts('x')).to.equal(1);
    it.probe();
    it.reset();
    expect([it.state, it.moment > before, it.share.of]).to.deep.equal(['watching', true, 0]);
  });
});
