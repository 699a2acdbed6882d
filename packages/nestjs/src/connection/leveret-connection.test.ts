import { systemClock } from '@leveret/core';
import { expect } from 'chai';
import { silentLogger } from 'leveret';
import { afterEach, beforeEach, describe, it } from 'mocha';
import sinon from 'sinon';
import { LeveretConnection } from './leveret-connection.js';

describe('LeveretConnection', () => {
  let now: number;
  let log: string[];
  let state: string;
  let start: () => Promise<void>;
  let lines: string[];

  beforeEach(() => {
    [now, log, state, lines] = [1_000, [], 'running', []];
    start = async () => void log.push('start');
    sinon.stub(systemClock, 'monotonic').callsFake(() => now);
  });
  afterEach(() => sinon.restore());

  const made = (startOnBootstrap: boolean | 'background' = true) => {
    const parts = {
      made: {
        app: {
          get state() {
            return state;
          },
        },
        start: () => start(),
        stop: async (ms?: number) => void log.push(`stop ${ms}`),
        close: async (ms?: number) => void log.push(`close ${ms}`),
      },
      find: () => ['a listener is found twice'],
      logger: {
        ...silentLogger,
        warn: (_: object, text: string) => void lines.push(text),
        error: (_: object, text: string) => void lines.push(text),
      },
      ...{ startOnBootstrap, shutdownTimeoutMs: 10_000 },
    };
    return new LeveretConnection(parts as never);
  };

  it('starts once, whoever asks, and says what is probably not meant', async () => {
    const connection = made();
    await Promise.all([connection.onApplicationBootstrap(), connection.start(), connection.start()]);
    expect([log, lines]).to.deep.equal([['start'], ['a listener is found twice']]);
  });

  it('starts as it is told: with the application, beside it, or not at all', async () => {
    const fault = new Error('no broker');
    start = () => Promise.reject(fault);
    expect(
      await made()
        .onApplicationBootstrap()
        .catch((error: unknown) => error),
    ).to.equal(fault);
    lines = [];
    await made('background').onApplicationBootstrap();
    await new Promise((resolve) => setImmediate(resolve));
    expect(lines).to.deep.equal(['a listener is found twice', 'leveret could not be started']);
    lines = [];
    await made(false).onApplicationBootstrap();
    expect(lines).to.deep.equal([]);
  });

  it('has one time for both halves of a shutdown', async () => {
    const connection = made();
    await connection.beforeApplicationShutdown();
    now += 4_000;
    await connection.onApplicationShutdown();
    expect(log).to.deep.equal(['stop 10000', 'close 6000']);
    log.length = 0;
    now += 20_000;
    await connection.onApplicationShutdown();
    expect(log).to.deep.equal(['close 0']);
    log.length = 0;
    await made().onApplicationShutdown();
    expect(log, 'without the first half').to.deep.equal(['close 10000']);
  });

  it('closes what is not running, at once: a start ends with it', async () => {
    state = 'starting';
    await made().beforeApplicationShutdown();
    expect(log).to.deep.equal(['close undefined']);
  });
});
