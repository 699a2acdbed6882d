import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { aMessage } from '../message/message.support.test.js';
import { CrashGuard, type SuspectRunner } from './crash-guard.js';
import type { ListenerDefinition } from './listener-definition.js';
import { SuspectTurns } from './suspect-turns.js';

class Runner implements SuspectRunner {
  isAtWork = false;
  hasOnlySuspects = true;
  readonly told: unknown[] = [];

  recede(givesBack: boolean): void {
    this.told.push(givesBack ? 'recede, give back' : 'recede');
  }

  comeBack(): void {
    this.told.push('come back');
  }
}

function setUp(parts: Partial<ListenerDefinition> = {}, { version = '4.3.0', turns = new SuspectTurns() } = {}) {
  const runners = [new Runner(), new Runner()] as const;
  const guard = new CrashGuard({
    definition: {
      ...{ acknowledge: 'auto', consumerArguments: {}, queueDeclaration: { type: 'quorum', declare: 'always' } },
      ...parts,
    } as ListenerDefinition,
    transport: { broker: { product: 'RabbitMQ', version, frameMax: 131_072 } },
    records: undefined,
    consumers: () => runners,
    turns,
  });
  const told = () => runners.map(({ told: all }) => all.splice(0));
  return { guard, runners, told };
}

const again = (count?: number) =>
  aMessage({ redelivered: true, headers: count === undefined ? {} : { 'x-delivery-count': count } });

describe('what may have ended the process', () => {
  it('was delivered before, and did not come back by being given back', () => {
    const suspects = (parts: Partial<ListenerDefinition>, version: string) => {
      const { guard } = setUp(parts, { version });
      return [aMessage(), again(), again(0), again(1)].map((message) => guard.isSuspect(message));
    };
    const classic = { queueDeclaration: { type: 'classic', declare: 'always' } as never };
    expect(suspects(classic, '4.3.0')).to.deep.equal([false, true, true, true]);
    expect(suspects({ queueDeclaration: undefined }, '4.3.0')).to.deep.equal([false, true, true, true]);
    expect(suspects({}, '4.2.0')).to.deep.equal([false, true, true, true]);
    expect(suspects({}, '4.3.0')).to.deep.equal([false, false, false, true]);
  });

  it('has been counted often enough by a quorum queue, where nothing else remembers', () => {
    const counted = (parts: Partial<ListenerDefinition>) =>
      [again(), again(1), again(2), again(3)].map((message) => setUp(parts).guard.isCounted(message));
    expect(counted({})).to.deep.equal([false, false, true, true]);
    expect(counted({ queueDeclaration: { type: 'classic' } as never })).to.deep.equal(Array(4).fill(false));
    expect(counted({ queueDeclaration: undefined })).to.deep.equal(Array(4).fill(false));
  });
});

describe('CrashGuard', () => {
  it('lets a suspect run where nothing else is at work, and lets the others recede and come back', () => {
    const { guard, runners, told } = setUp();
    const [one, two] = runners;
    expect([guard.blocks(one), guard.isolates(one)]).to.deep.equal([false, false]);
    expect(guard.whenAlone(one)).to.equal(undefined);
    expect(told()).to.deep.equal([['recede, give back'], ['recede, give back']]);
    expect(guard.whenAlone(one)).to.equal(undefined);
    expect(told()).to.deep.equal([[], []]);
    expect([guard.blocks(one), guard.blocks(two), guard.isolates(one), guard.isolates(two)]).to.deep.equal([
      ...[false, true, true, false],
    ]);
    guard.release(two);
    expect(told()).to.deep.equal([[], []]);
    guard.release(one);
    expect([told(), guard.blocks(two)]).to.deep.equal([[['come back'], ['come back']], false]);
  });

  it('gives nothing back where that costs something', () => {
    for (const [parts, version] of [
      [{}, '4.2.0'],
      [{ acknowledge: 'none' as const }, '4.3.0'],
    ] as const) {
      const { guard, runners, told } = setUp(parts, { version });
      guard.whenAlone(runners[0]);
      expect(told()).to.deep.equal([['recede'], ['recede']]);
    }
  });

  it('waits until something has happened while it or another is at work, or another is alone', async () => {
    const { guard, runners } = setUp();
    const [one, two] = runners;
    for (const busy of [
      () => (one.isAtWork = true),
      () => {
        one.isAtWork = false;
        two.hasOnlySuspects = false;
      },
    ]) {
      busy();
      let woken = 0;
      void guard.whenAlone(one)?.then(() => woken++);
      await turn();
      expect(woken).to.equal(0);
      guard.changed();
      await turn();
      expect(woken).to.equal(1);
      guard.changed();
    }
    two.hasOnlySuspects = true;
    expect(guard.whenAlone(one)).to.equal(undefined);
    let released = false;
    void guard.whenAlone(two)?.then(() => (released = true));
    await turn();
    expect(released).to.equal(false);
    guard.release(one);
    await turn();
    expect([released, guard.whenAlone(two)]).to.deep.equal([true, undefined]);
  });

  it('waits for the turn of its process, which another listener may have', async () => {
    const turns = new SuspectTurns();
    const [one, other] = [setUp({}, { turns }), setUp({}, { turns })];
    expect(one.guard.whenAlone(one.runners[0])).to.equal(undefined);
    let left = false;
    void other.guard.whenAlone(other.runners[0])?.then(() => (left = true));
    expect([other.told(), other.guard.isolates(other.runners[0])]).to.deep.equal([[[], []], false]);
    one.guard.release(one.runners[0]);
    await turn();
    expect([left, other.guard.whenAlone(other.runners[0])]).to.deep.equal([true, undefined]);
  });
});
