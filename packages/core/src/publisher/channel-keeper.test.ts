import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import { ChannelKeeper } from './channel-keeper.js';
import { FakePublishTransport } from './fake-publish-transport.support.test.js';
import type { ChannelSlot, PublishWrite } from './publish-job.js';

function keeping() {
  const transport = new FakePublishTransport();
  const clock = new FakeClock();
  const steps: string[] = [];
  const opened: ChannelSlot[] = [];
  const keeper = new ChannelKeeper(() => transport.openPublishChannel({ confirm: true }), clock, 10_000, 1_000, {
    opened: (slot) => {
      opened.push(slot);
      steps.push('opened');
    },
    failed: (error, again) => steps.push(`failed${again ? ' again' : ''}: ${error.message}`),
    ended: (_, { kind }) => steps.push(`ended: ${kind}`),
  });
  return { transport, clock, steps, opened, keeper };
}

describe('ChannelKeeper', () => {
  it('opens one channel when it is asked for, and another when that has ended', async () => {
    const { keeper, transport, steps, opened, clock } = keeping();
    expect([keeper.acquire(), keeper.acquire()]).to.deep.equal([undefined, undefined]);
    await turn();
    expect([transport.tries, keeper.acquire()]).to.deep.equal([1, opened[0]]);
    transport.channel.loseConnection();
    expect(keeper.acquire()).to.equal(undefined);
    await turn();
    expect([transport.tries, keeper.acquire()]).to.deep.equal([2, opened[1]]);
    expect(steps).to.deep.equal(['opened', 'ended: connection-lost', 'opened']);
    expect(clock.waits).to.deep.equal([]);
  });

  it('pauses after a try that failed, each time, unless the pause is ended', async () => {
    const { keeper, transport, steps, clock } = keeping();
    transport.down = new Error('refused');
    keeper.acquire();
    await turn();
    keeper.acquire();
    await clock.advance(999);
    expect(transport.tries).to.equal(1);
    expect(clock.waitsForUs).to.deep.equal([1]);
    await clock.advance(1);
    expect(steps).to.deep.equal(['failed: refused', 'failed again: refused']);
    keeper.acquire();
    transport.down = undefined;
    keeper.endPause();
    keeper.acquire();
    await turn();
    expect([transport.tries, steps.at(-1), clock.waits]).to.deep.equal([3, 'opened', []]);
    transport.channel.loseConnection();
    transport.down = new Error('refused');
    keeper.acquire();
    await turn();
    expect(steps.at(-1), 'the first failure since').to.equal('failed: refused');
  });

  it('replaces a channel, and closes the old one as soon as nothing is in flight there', async () => {
    for (const inFlight of [0, 1]) {
      const { keeper, transport, opened } = keeping();
      keeper.acquire();
      await turn();
      const [old] = opened as [ChannelSlot];
      old.inFlight = inFlight;
      keeper.replace();
      keeper.replace();
      await turn();
      expect([transport.tries, keeper.current === opened[1]]).to.deep.equal([2, true]);
      expect(transport.channels.map(({ closed }) => closed)).to.deep.equal([inFlight === 0, false]);
      old.inFlight = 0;
      old.onIdle();
      expect(transport.channels.map(({ closed }) => closed)).to.deep.equal([true, false]);
      opened[1]?.onIdle();
      expect(transport.channel.closed, 'the one in use stays').to.equal(false);
    }
  });

  it('closes every channel, and one that comes too late, and leaves no timer', async () => {
    const { keeper, transport, clock, opened } = keeping();
    keeper.acquire();
    await turn();
    (opened[0] as ChannelSlot).inFlight = 1;
    let open: () => void = () => {};
    transport.openings.push(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    keeper.replace();
    await keeper.close();
    expect([keeper.current, transport.channels.map(({ closed }) => closed)]).to.deep.equal([undefined, [true]]);
    open();
    await turn();
    expect([transport.channels.map(({ closed }) => closed), opened.length]).to.deep.equal([[true, true], 1]);
    expect([keeper.acquire(), transport.tries, clock.waits]).to.deep.equal([undefined, 2, []]);
  });

  it('tries no more once it is closed, though it pauses', async () => {
    const { keeper, transport, clock } = keeping();
    transport.down = new Error('refused');
    keeper.acquire();
    await turn();
    keeper.acquire();
    expect(clock.waits).to.deep.equal([1000]);
    await keeper.close();
    expect(clock.waits).to.deep.equal([]);
    transport.down = undefined;
    keeper.endPause();
    keeper.acquire();
    await clock.advance(10_000);
    expect([transport.tries, keeper.current, keeper.hasLost]).to.deep.equal([1, undefined, false]);
  });

  it('takes a channel that has ended without a word for none', async () => {
    const { keeper, transport, opened } = keeping();
    keeper.acquire();
    await turn();
    transport.channel.isOpen = false;
    expect(keeper.acquire()).to.equal(undefined);
    await turn();
    expect([transport.tries, keeper.acquire() === opened[1]]).to.deep.equal([2, true]);
  });

  it('has failed to open one that had ended as soon as it was open', async () => {
    const { keeper, transport, steps, opened, clock } = keeping();
    const open = transport.openPublishChannel.bind(transport);
    transport.openPublishChannel = async (options) => Object.assign(await open(options), { isOpen: false });
    keeper.acquire();
    await turn();
    expect([steps, opened, keeper.current]).to.deep.equal([
      ['failed: the channel ended as soon as it was open'],
      [],
      undefined,
    ]);
    keeper.acquire();
    expect(clock.waits, 'it pauses').to.deep.equal([1000]);
  });

  it('gives up the channel in use when it is to rest, and opens another for the next message', async () => {
    const { keeper, transport } = keeping();
    keeper.retireCurrent();
    keeper.acquire();
    await turn();
    keeper.retireCurrent();
    expect([keeper.current, transport.channel.closed, transport.tries]).to.deep.equal([undefined, true, 1]);
    keeper.acquire();
    await turn();
    expect([transport.tries, transport.channel.closed]).to.deep.equal([2, false]);
  });

  it('wants no replacement any more for a channel that has ended meanwhile', async () => {
    const { keeper, transport, opened } = keeping();
    keeper.acquire();
    await turn();
    let open: () => void = () => {};
    transport.openings.push(
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    keeper.replace();
    transport.channel.loseConnection();
    keeper.acquire();
    await turn();
    const current = keeper.current;
    open();
    await turn();
    expect([opened.length, keeper.current === current]).to.deep.equal([2, true]);
    expect(transport.channels.map(({ closed }) => closed)).to.deep.equal([false, false, true]);
  });

  it('keeps nothing of a channel that has ended', async () => {
    const { keeper, transport, opened } = keeping();
    keeper.acquire();
    await turn();
    transport.channel.loseConnection();
    expect(opened[0]?.end, 'but how it ended, for those that were on it').to.include({ kind: 'connection-lost' });
    keeper.acquire();
    await turn();
    await keeper.close();
    expect(
      transport.channels.map(({ closed }) => closed),
      'it closes only what is there',
    ).to.deep.equal([false, true]);
  });

  it('has what was lost with a channel until somebody takes it out', async () => {
    const { keeper, opened } = keeping();
    keeper.acquire();
    await turn();
    expect(keeper.hasLost).to.equal(false);
    const lost = {} as PublishWrite;
    opened[0]?.lost.push(lost);
    expect(keeper.hasLost).to.equal(true);
    expect([keeper.drainLost(), keeper.hasLost]).to.deep.equal([[lost], false]);
  });

  it('takes a transport that does not answer for one that has forgotten', async () => {
    const { keeper, transport, clock, steps } = keeping();
    transport.openings.push('never');
    keeper.acquire();
    await clock.advance(10_999);
    expect(steps).to.deep.equal([]);
    await clock.advance(1);
    expect(steps).to.deep.equal(['failed: no channel was opened within 10000 ms']);
  });
});
