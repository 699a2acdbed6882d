import type { ConnectionEvent } from '@leveret/core';
import { ConfigurationError } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { AmqplibTransport } from '../amqplib-transport.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { type ConnectionOptions, resolveConnectionOptions } from './connection-options.js';
import { tlsWarnings } from './tls-options.js';

function problemsOf(options: unknown): readonly string[] {
  try {
    resolveConnectionOptions(options as ConnectionOptions);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('the TLS options of a connection', () => {
  it('refuses tls with an unencrypted URL, also by default and when nothing is in it', () => {
    for (const options of [
      { urls: 'amqp://h', tls: { ca: 'x' } },
      { tls: { ca: 'x' } },
      { urls: ['amqp://a', 'amqp://b'], tls: {} },
    ]) {
      expect(problemsOf(options).join()).to.include('begins with amqp://, which is not encrypted; use amqps://');
    }
    expect(problemsOf({ urls: 'amqps://h', tls: { ca: 'x' } })).to.deep.equal([]);
    expect(problemsOf({ urls: 'amqps://h' })).to.deep.equal([]);
    expect(problemsOf({ urls: ['amqp://a', 'amqp://b'] })).to.deep.equal([]);
  });

  it('refuses a list that would fall back to an unencrypted connection, and names where', () => {
    const problems = problemsOf({ urls: ['amqps://a', 'amqp://b', 'amqps://c', 'amqp://d'] });
    expect(problems).to.have.length(1);
    expect(problems[0]).to.include('others (urls[1], urls[3]) with amqp://');
  });

  it('refuses misspelt options, those that say where to connect, and values of a wrong type, all at once', () => {
    const problems = problemsOf({
      urls: 'amqps://h',
      tls: {
        rejectUnautorized: true,
        CA: 'x',
        host: 'elsewhere',
        rejectUnauthorized: 'true',
        servername: '',
        checkServerIdentity: true,
      },
    });
    expect(problems.map((problem) => problem.replace(/^connection: /, '').split(/;|\. /)[0])).to.deep.equal([
      'unknown option "rejectUnautorized" of tls',
      'unknown option "CA" of tls',
      'unknown option "host" of tls',
      'tls.rejectUnauthorized must be true or false',
      'tls.checkServerIdentity must be a function',
      'tls.servername must be a text that is not empty',
    ]);
    expect(problemsOf({ urls: 'amqps://h', tls: true }).join()).to.include('tls must be an object');
  });

  it('refuses EXTERNAL without TLS: there is no certificate to take a user from', () => {
    expect(problemsOf({ mechanism: 'EXTERNAL' }).join()).to.include('mechanism EXTERNAL takes the user');
    expect(problemsOf({ urls: 'amqps://h', mechanism: 'EXTERNAL' })).to.deep.equal([]);
  });

  it('warns of what verifies less than it seems to, and of nothing else', () => {
    const warn = (tls: object, environment = {}) =>
      tlsWarnings(tls, true, environment).map((text) => text.split(/ is |:/)[0]);
    expect(warn({ ca: 'x', rejectUnauthorized: true })).to.deep.equal([]);
    expect(warn({ rejectUnauthorized: false })).to.deep.equal(['tls.rejectUnauthorized']);
    expect(warn({ checkServerIdentity: () => undefined })).to.deep.equal(['tls.checkServerIdentity']);
    expect(warn({}, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).to.deep.equal(['NODE_TLS_REJECT_UNAUTHORIZED']);
    expect(warn({ rejectUnauthorized: true }, { NODE_TLS_REJECT_UNAUTHORIZED: '0' })).to.deep.equal([]);
    expect(tlsWarnings({ rejectUnauthorized: false }, false, {})).to.deep.equal([]);
  });

  it('tells its warnings once, when it begins to connect', async () => {
    const transport = new AmqplibTransport({
      connection: { urls: 'amqps://127.0.0.1:1', tls: { rejectUnauthorized: false }, startTimeout: 50 },
    });
    const events: ConnectionEvent[] = [];
    transport.on((event) => events.push(event));
    await Promise.all([rejectionOf(transport.connect('consume')), rejectionOf(transport.connect('publish'))]);
    await transport.close({ timeoutMs: 100 });
    const warnings = events.filter((event) => event.type === 'notice');
    expect(warnings).to.have.length(1);
    expect(warnings[0]).to.include({ level: 'warn' });
  });
});
