import { LeveretError } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { ConsoleEvent, EventStreams } from '../http/event-streams.js';
import { Live } from './live.js';

describe('Live', () => {
  let clock: FakeClock;
  let clients: number;
  let sent: ConsoleEvent[];
  let messages: number;
  let fault: Error | undefined;
  let asked: { queues: number; outbox: number };
  let live: Live;

  beforeEach(() => {
    clock = new FakeClock();
    [clients, sent, messages, fault, asked] = [1, [], 1, undefined, { queues: 0, outbox: 0 }];
    const streams = {
      get clients() {
        return clients;
      },
      send: (event: ConsoleEvent) => void sent.push(event),
    };
    const parts = {
      list: {
        counts: async () => {
          asked.queues++;
          if (fault !== undefined) throw fault;
          return [{ name: 'errors', messages }];
        },
      },
      app: { listeners: { all: [] }, schedules: { inspect: () => [] } },
      listeners: { all: () => [{ id: 'L' }] },
      outbox: {
        counts: async () => {
          asked.outbox++;
          return { pending: 2, scheduled: 0, parked: 1, heldUp: 0, oldestPendingMs: 4.6 };
        },
      },
    };
    live = new Live(parts as never, streams as EventStreams, clock);
  });
  const names = () => sent.splice(0).map(({ name }) => name);

  it('gives a page all that there is to begin with', async () => {
    const first = await live.first();
    expect(first.map(({ name }) => name)).to.deep.equal(['listeners', 'schedules', 'queues', 'outbox', 'fault']);
    expect(first.find(({ name }) => name === 'outbox')?.data).to.deep.equal({
      ...{ waiting: 2, scheduled: 0, parked: 1, heldUp: 0, oldestMs: 5 },
    });
    expect(first.at(-1)?.data).to.equal(null);
    await live.first();
    expect(asked.outbox, 'each page at once').to.equal(2);
    live.close();
  });

  it('tells every two seconds what has changed, and nothing else', async () => {
    await clock.advance(1_999);
    expect(asked.queues).to.equal(0);
    await clock.advance(1);
    expect(names()).to.deep.equal(['listeners', 'schedules', 'queues', 'outbox', 'fault']);
    await clock.advance(2_000);
    expect([names(), asked.queues]).to.deep.equal([[], 2]);
    messages = 2;
    await clock.advance(2_000);
    expect(names()).to.deep.equal(['queues']);
    live.close();
  });

  it('asks nobody while no page is open, and no more once it is closed', async () => {
    clients = 0;
    await clock.advance(10_000);
    expect(asked.queues).to.equal(0);
    clients = 1;
    live.close();
    await clock.advance(10_000);
    expect([asked.queues, clock.waits]).to.deep.equal([0, []]);
  });

  it('counts the outbox every half minute', async () => {
    await clock.advance(2_000);
    expect(asked.outbox).to.equal(1);
    await clock.advance(29_999);
    expect(asked.outbox).to.equal(1);
    await clock.advance(2_001);
    expect(asked.outbox).to.equal(2);
    live.close();
  });

  it('says what it could not find out, and when that is over, and tells the rest all the same', async () => {
    fault = new LeveretError('LEV_CONNECTION_FAILED', 'the broker is away');
    await clock.advance(2_000);
    expect(sent.map(({ name }) => name)).to.deep.equal(['listeners', 'schedules', 'fault']);
    expect(sent.at(-1)?.data).to.deep.equal({ code: 'LEV_CONNECTION_FAILED', message: 'the broker is away' });
    names();
    fault = undefined;
    await clock.advance(2_000);
    expect(sent.find(({ name }) => name === 'fault')?.data).to.equal(null);
    live.close();
  });

  it('shows what there is: without an application or an outbox the queues alone', async () => {
    const list = { counts: async () => [] };
    const few = new Live({ list } as never, { clients: 0 } as EventStreams, clock);
    expect((await few.first()).map(({ name }) => name)).to.deep.equal(['queues', 'fault']);
    few.close();
    live.close();
  });
});
