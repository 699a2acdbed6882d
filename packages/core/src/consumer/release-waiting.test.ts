import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { Message } from '../message/message.js';
import { type ReleaseReport, releaseWaiting } from './release-waiting.js';
import { ScriptedTransport } from './scripted-transport.support.test.js';

/** A queue with so many messages, played by the test. */
class WaitingQueue extends ScriptedTransport {
  constructor(readonly count: number | 'missing') {
    super();
  }

  async countMessages(): Promise<number | 'missing'> {
    return this.count;
  }
}

function release(count: number | 'missing', move: (message: Message) => Promise<unknown> = async () => {}) {
  const transport = new WaitingQueue(count);
  const clock = new FakeClock();
  const moved: string[] = [];
  const from = {
    queue: 'orders.wait',
    isOurs: ({ body }: Message) => body.toString().startsWith('ours'),
    move: (message: Message) => {
      moved.push(message.body.toString());
      return move(message);
    },
  };
  const state: { report?: ReleaseReport; error?: unknown } = {};
  void releaseWaiting(from, transport, clock).then(
    (report) => {
      state.report = report;
    },
    (error: unknown) => {
      state.error = error;
    },
  );
  return { transport, clock, moved, state };
}

describe('releaseWaiting', () => {
  it('asks nobody where nothing waits', async () => {
    for (const count of [0, 'missing'] as const) {
      const { transport, state } = release(count);
      await turn();
      expect(state.report).to.deep.equal({ released: 0, complete: true });
      expect(transport.subscriptions).to.deep.equal([]);
    }
  });

  it('takes as many as there are, to be acknowledged, and gives back what is not its own', async () => {
    const { transport, clock, moved, state } = release(3);
    await turn();
    expect(transport.last.request).to.include({ queue: 'orders.wait', prefetch: 3, noAck: false, exclusive: false });
    transport.last.deliver('ours 1', 'theirs', 'ours 2');
    await clock.advance(20);
    expect(moved).to.deep.equal(['ours 1', 'ours 2']);
    expect(state.report).to.deep.equal({ released: 2, complete: true });
    expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 3', 'basic.nack 2 requeue']);
    expect(transport.last.calls).to.deep.equal(['cancel', 'close']);
  });

  it('acknowledges a message when the broker has it elsewhere, and not before', async () => {
    let has: () => void = () => {};
    const { transport, clock, state } = release(
      1,
      () =>
        new Promise<void>((resolve) => {
          has = resolve;
        }),
    );
    await turn();
    transport.last.deliver('ours');
    await clock.advance(1_000);
    expect([transport.frames, state.report]).to.deep.equal([[], undefined]);
    has();
    await turn();
    expect(transport.frames).to.deep.equal(['basic.ack 1']);
    expect(state.report).to.include({ released: 1 });
  });

  it('acknowledges nothing that could not be moved, and says why', async () => {
    const fault = new Error('unroutable');
    const { transport, clock, state } = release(1, () => Promise.reject(fault));
    await turn();
    transport.last.deliver('ours');
    await clock.advance(20);
    expect(state.error).to.equal(fault);
    expect(transport.frames).to.deep.equal([]);
    expect(transport.last.calls).to.deep.equal(['cancel', 'close']);
  });

  it('ends when nothing has come for a second: the rest has gone on by itself', async () => {
    const { transport, clock, state } = release(5);
    await turn();
    await clock.advance(900);
    transport.last.deliver('ours');
    await clock.advance(980);
    expect(state.report).to.equal(undefined);
    await clock.advance(40);
    expect(state.report).to.deep.equal({ released: 1, complete: true });
    expect(clock.waits).to.deep.equal([]);
  });

  it('ends after a second to the millisecond where nothing comes at all', async () => {
    const { clock, state } = release(5);
    await turn();
    await clock.advance(999);
    expect(state.report).to.equal(undefined);
    await clock.advance(1);
    expect(state.report).to.deep.equal({ released: 0, complete: true });
  });

  it('has ended when the broker has ended its consumer, and its channel', async () => {
    for (const hangs of ['cancel', 'close'] as const) {
      const { transport, clock, state } = release(1);
      await turn();
      transport.last.hangs = hangs;
      transport.last.deliver('ours');
      await clock.advance(2000);
      expect(state.report, hangs).to.equal(undefined);
      expect(transport.last.calls).to.deep.equal(hangs === 'cancel' ? ['cancel'] : ['cancel', 'close']);
    }
  });

  it('looks through no more than 20,000 at a time, and says that there may be others', async () => {
    const { transport, clock, state } = release(20_001);
    await turn();
    expect(transport.last.request.prefetch).to.equal(20_000);
    await clock.advance(1_020);
    expect(state.report).to.deep.equal({ released: 0, complete: false });
  });

  it('ends with the error when its channel ends, and when the broker does not begin', async () => {
    const cut = release(5);
    await turn();
    cut.transport.last.reconnect();
    await cut.clock.advance(20);
    expect(String(cut.state.error)).to.contain('connection reset');
    const silent = release(5);
    silent.transport.answers = false;
    await silent.clock.advance(5_000);
    expect(silent.state.error).to.include({ code: 'LEV_CHANNEL_CLOSED' });
    expect(silent.transport.last.calls).to.deep.equal(['close']);
  });
});
