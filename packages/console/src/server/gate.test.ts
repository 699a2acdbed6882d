import type { IncomingMessage } from 'node:http';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import type { ConsoleUser } from '../security/sessions.js';
import { Gate } from './gate.js';

const none = { tokens: undefined, authorize: undefined, allowedHosts: undefined, secureCookie: undefined };
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const request = (cookie?: string) => ({ headers: { cookie }, socket: { localPort: 80 } }) as unknown as IncomingMessage;

describe('Gate', () => {
  it('has somebody stay as long as the application knows them, and it answers in time', async () => {
    const clock = new FakeClock();
    let answer: () => ConsoleUser | undefined | Promise<ConsoleUser | undefined> = () => ({
      role: 'read',
      who: 'anna',
    });
    const asked: IncomingMessage[] = [];
    const gate = new Gate({
      ...{ ...none, clock, logger: silent, sessionForMs: 60_000 },
      authorize: (of) => {
        asked.push(of);
        return answer();
      },
    });
    const of = request();
    const visitor = gate.visitor(of);
    const isStillKnown = async () => {
      const known = visitor.isStillKnown?.();
      await clock.advance(5000);
      return known;
    };
    expect(await isStillKnown()).to.equal(true);
    answer = async () => ({ role: 'operate', who: 'anna' });
    expect(await isStillKnown()).to.equal(true);
    for (const nobody of [
      () => undefined,
      () => Promise.reject(new Error('the directory is away')),
      () => new Promise<undefined>(() => {}),
    ]) {
      answer = nobody;
      expect(await isStillKnown()).to.equal(false);
    }
    expect(asked).to.eql([of, of, of, of, of]);
  });

  it('has somebody stay who has logged in until the session ends', () => {
    const clock = new FakeClock();
    const gate = new Gate({
      ...{ ...none, clock, logger: silent, sessionForMs: 60_000, tokens: { read: 'a-token-to-read' } },
    });
    const { cookie } = gate.login(request(), 'a-token-to-read', 'anna', '/');
    const of = request(cookie.split(';')[0]);
    const visitor = gate.visitor(of);
    expect(visitor).to.have.keys('mayStay');
    expect(visitor.mayStay()).to.equal(true);
    gate.logout(of, '/');
    expect(visitor.mayStay()).to.equal(false);
  });
});
