import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { Intake } from './intake.js';

function setUp(handsOverAtClose = false) {
  const told: string[] = [];
  const closings: (() => void)[] = [];
  const state: { ready: Promise<void> } = { ready: Promise.resolve() };
  let subscriptions = 0;
  const transport = {
    subscribe: ({ prefetch }: { prefetch: number }) => {
      const nth = ++subscriptions;
      told.push(`subscribe ${nth}, ${prefetch}`);
      return {
        ready: state.ready,
        pause: () => told.push(`pause ${nth}`),
        resume: (next: number) => told.push(`resume ${nth}, ${next}`),
        cancel: async () => void told.push(`cancel ${nth}`),
        close: () => {
          told.push(`close ${nth}`);
          return new Promise<void>((resolve) => closings.push(resolve));
        },
      };
    },
  };
  const intake = new Intake({ transport, request: { handsOverAtClose }, sink: {} } as never);
  return { intake, told: () => told.splice(0), state, closed: () => closings.shift()?.() };
}

describe('Intake', () => {
  it('subscribes when it is first opened, and pauses and resumes then', async () => {
    const { intake, told } = setUp();
    expect(intake.isOpen).to.equal(false);
    intake.shut();
    intake.idle();
    await intake.open(5);
    await intake.open(5);
    expect([intake.isOpen, told()]).to.deep.equal([true, ['subscribe 1, 5']]);
    intake.shut();
    intake.shut();
    intake.idle();
    expect([intake.isOpen, told()]).to.deep.equal([false, ['pause 1']]);
    await intake.open(3);
    expect([intake.isOpen, told()]).to.deep.equal([true, ['resume 1, 3']]);
    await intake.open(4);
    expect([intake.isOpen, told()]).to.deep.equal([true, ['pause 1', 'resume 1, 4']]);
  });

  it('is closed once, for good', async () => {
    const { intake, told, closed } = setUp();
    await intake.open(5);
    const [first, second] = [intake.close(), intake.close()];
    closed();
    await Promise.all([first, second]);
    await intake.open(5);
    expect([told(), intake.isOpen]).to.deep.equal([['subscribe 1, 5', 'close 1'], false]);
  });

  it('waits for the broker the first time, and rejects when that can never have it', async () => {
    const { intake, state } = setUp();
    state.ready = Promise.reject(new Error('refused'));
    expect(await intake.open(1).then(() => 'opened', String)).to.equal('Error: refused');
  });

  it('leaves its place with the channel where the order is kept, as soon as nothing is at work, and takes another', async () => {
    const { intake, told, closed } = setUp(true);
    await intake.open(1);
    told();
    intake.shut();
    expect(told()).to.deep.equal(['cancel 1']);
    await intake.open(1);
    intake.shut();
    expect(told(), 'it has been cancelled already').to.deep.equal([]);
    intake.idle();
    intake.idle();
    expect(told()).to.deep.equal(['close 1']);
    await intake.open(2);
    expect(told(), 'the old channel is still open').to.deep.equal([]);
    closed();
    await turn();
    expect([told(), intake.isOpen]).to.deep.equal([['subscribe 2, 2'], true]);
    intake.idle();
    expect(told()).to.deep.equal([]);
  });

  it('stays away where nobody has opened it meanwhile, and bears that it fails then', async () => {
    const { intake, told, closed, state } = setUp(true);
    await intake.open(1);
    intake.shut();
    intake.idle();
    closed();
    await turn();
    expect(told()).to.deep.equal(['subscribe 1, 1', 'cancel 1', 'close 1']);
    await intake.open(1);
    intake.shut();
    intake.idle();
    state.ready = Promise.reject(new Error('refused'));
    state.ready.catch(() => undefined);
    await intake.open(1);
    closed();
    await turn();
    expect(told().at(-1)).to.equal('subscribe 3, 1');
  });

  it('takes nothing more, for good, once it is cancelled or closed', async () => {
    for (const end of ['cancel', 'close'] as const) {
      const { intake, told, closed } = setUp();
      await intake.open(1);
      told();
      const ended = intake[end]();
      closed();
      await ended;
      expect([intake.isOpen, told()]).to.deep.equal([false, [`${end} 1`]]);
      await intake.open(1);
      intake.idle();
      expect([intake.isOpen, told()]).to.deep.equal([false, []]);
    }
    const never = setUp();
    await never.intake.cancel();
    await never.intake.close();
    expect(never.told()).to.deep.equal([]);
  });

  it('waits at its close for the channel that it is leaving', async () => {
    const { intake, closed, told } = setUp(true);
    await intake.open(1);
    intake.shut();
    intake.idle();
    let isClosed = false;
    void intake.close().then(() => (isClosed = true));
    await turn();
    expect([isClosed, told()]).to.deep.equal([false, ['subscribe 1, 1', 'cancel 1', 'close 1']]);
    closed();
    await turn();
    expect([isClosed, told()]).to.deep.equal([true, []]);
  });
});
