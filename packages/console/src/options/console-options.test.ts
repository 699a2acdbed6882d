import { ConfigurationError, silentLogger, systemClock } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type ConsoleOptions, resolveConsoleOptions } from './console-options.js';

const TOKEN = 'a'.repeat(32);
const TOKENS = { tokens: { operate: TOKEN } } as const;
const given = (options: object) =>
  resolveConsoleOptions({ ...TOKENS, logger: silentLogger, ...options } as ConsoleOptions);
const refused = (options: object, text: string | RegExp) =>
  expect(() => given(options)).to.throw(ConfigurationError, text);

describe('resolveConsoleOptions', () => {
  it('fills in what holds where nothing is said', () => {
    const { tokens, logger, ...rest } = given({});
    expect(rest).to.deep.include({
      ...{ path: '/', mask: [], showUnreadable: false, clock: systemClock },
      ...{ undoForMs: 600_000, sessionForMs: 28_800_000, lookAgainAfterMs: 5_000 },
      ...{ secureCookie: undefined, audit: undefined, app: undefined, outbox: undefined, plan: undefined },
    });
    expect([tokens, logger]).to.deep.equal([{ operate: TOKEN, read: undefined }, silentLogger]);
    expect(given({ lookAgainAfter: 0 }).lookAgainAfterMs).to.equal(0);
  });

  it('wants to know who may come in: by tokens, or by the application, and not by both', () => {
    expect(() => resolveConsoleOptions({ logger: silentLogger })).to.throw(ConfigurationError, 'give either tokens');
    refused({ authorize: () => undefined }, 'give either tokens');
    const authorize = () => undefined;
    expect(given({ tokens: undefined, authorize })).to.include({ authorize });
  });

  for (const [what, tokens] of [
    ['is too short', { operate: 'a'.repeat(15) }],
    ['is no text', { read: 12345678901234567890n }],
    ['is there for no role', {}],
    ['is no object', TOKEN],
    ['is nothing', null],
  ] as const) {
    it(`refuses a token that ${what}, and does not repeat it`, () => {
      const error = (() => {
        try {
          given({ tokens });
        } catch (caught) {
          return caught as Error;
        }
        return expect.fail('it was taken');
      })();
      expect(error).to.be.instanceOf(ConfigurationError);
      expect(error.message).to.contain('tokens must be { operate, read }').and.not.contain('aaaa');
    });
  }

  it('takes tokens for either role, which must differ', () => {
    expect(given({ tokens: { read: TOKEN } }).tokens).to.deep.equal({ operate: undefined, read: TOKEN });
    refused({ tokens: { operate: TOKEN, read: TOKEN } }, 'must have different tokens');
  });

  it('takes a logger, or a level', () => {
    for (const level of ['debug', 'info', 'warn', 'error', 'silent']) {
      expect(given({ logger: level }).logger)
        .to.have.property('info')
        .that.is.a('function');
    }
    expect(given({ logger: undefined }).logger)
      .to.have.property('info')
      .that.is.a('function');
    for (const logger of ['loud', null, 5, {}]) refused({ logger }, 'logger must be one of debug, info');
  });

  it('takes paths to mask', () => {
    expect(given({ mask: ['card.number', '**.cvv'] }).mask).to.deep.equal(['card.number', '**.cvv']);
    for (const mask of ['card', ['a..b'], [5], {}]) refused({ mask }, 'mask must be a list of paths');
  });

  it('takes one place for the audit log, with its name', () => {
    for (const audit of [{ queue: 'audit' }, { file: '/var/log/audit' }])
      expect(given({ audit }).audit).to.equal(audit);
    for (const audit of [{}, { queue: '' }, { queue: 'a', file: 'b' }, { file: 5 }, 'audit', null]) {
      refused({ audit }, 'audit must be { queue } or { file }');
    }
  });

  it('says every fault at once, and what is no option', () => {
    refused({ undoFor: 'soon', tokens: {}, limitz: {} }, /limitz[\s\S]*tokens[\s\S]*undoFor|undoFor[\s\S]*limitz/);
  });
});
