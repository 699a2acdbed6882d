import { ConfigurationError, type StoreConcern, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { StoreWatch } from './store-watch.js';

const LOSES: StoreConcern = { kind: 'loses-commits', text: 'commits may be lost' };
const CONFLICT: StoreConcern = { kind: 'service-conflict', text: 'another application has this name' };

function watching(answer: () => Promise<readonly StoreConcern[]>) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const logger = {
    ...silentLogger,
    warn: (_: object, text: string) => lines.push(`warn: ${text}`),
    error: (_: object, text: string) => lines.push(`error: ${text}`),
  };
  let asked = 0;
  const check = () => {
    asked++;
    return answer();
  };
  const watch = new StoreWatch([{ check }], { service: 'billing', uses: new Map() }, clock, logger);
  return { watch, clock, lines, asked: () => asked };
}

describe('StoreWatch', () => {
  it('asks at the start, and every minute, give or take a quarter, until it is stopped', async () => {
    const { watch, clock, asked } = watching(async () => []);
    await watch.start();
    expect(asked()).to.equal(1);
    await clock.advance(44_999);
    expect(asked()).to.equal(1);
    await clock.advance(30_002);
    expect(asked()).to.equal(2);
    watch.stop();
    expect(clock.waits.length).to.equal(0);
    await clock.advance(300_000);
    expect(asked()).to.equal(2);
  });

  it('tells what is new once, and again when it was away meanwhile', async () => {
    const concerns: StoreConcern[][] = [[LOSES], [LOSES, CONFLICT], [], [LOSES]];
    const { watch, clock, lines } = watching(async () => concerns.shift() ?? []);
    await watch.start();
    expect(watch.health).to.deep.equal({ service: 'billing', concerns: [LOSES] });
    for (let n = 0; n < 3; n++) await clock.advance(75_001);
    expect(lines).to.deep.equal([`warn: ${LOSES.text}`, `error: ${CONFLICT.text}`, `warn: ${LOSES.text}`]);
    watch.stop();
  });

  it('does not ask again when it is stopped while a store is asked', async () => {
    let answer: (concerns: readonly StoreConcern[]) => void = () => {};
    const answers = [Promise.resolve([]), new Promise<readonly StoreConcern[]>((resolve) => (answer = resolve))];
    const { watch, clock, asked } = watching(() => answers.shift() as Promise<readonly StoreConcern[]>);
    await watch.start();
    await clock.advance(75_001);
    expect(asked()).to.equal(2);
    watch.stop();
    answer([]);
    await clock.advance(300_000);
    expect([asked(), clock.waits.length]).to.deep.equal([2, 0]);
  });

  it('takes a store that does not answer for unreachable, and refuses what no store can work with', async () => {
    const silent = watching(() => new Promise(() => {}));
    const started = silent.watch.start();
    await silent.clock.advance(5_000);
    await started;
    expect(silent.lines).to.deep.equal(['warn: A store cannot be used: there was no answer within 5000 ms']);
    silent.watch.stop();
    const wrong = watching(() => Promise.reject(new ConfigurationError(['wrong character set'])));
    const error = await wrong.watch.start().catch((cause: unknown) => cause);
    expect(error).to.be.instanceOf(ConfigurationError);
    expect(wrong.clock.waits.length).to.equal(0);
  });
});
