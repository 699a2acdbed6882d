import { expect } from 'chai';
import { describe, it } from 'mocha';
import { redactUrls } from '../errors/redact.js';
import { consoleLogger, type LogFields, type Logger } from './logger.js';
import { redactingLogger } from './redacting-logger.js';

describe('redactingLogger', () => {
  const url = 'amqp://pay:hunter2@h';

  it('redacts texts, fields, lists and errors at every level, and passes the rest on as it is', () => {
    const lines: (readonly [LogFields, string])[] = [];
    const write = (fields: LogFields, text: string) => void lines.push([fields, text]);
    const logger: Logger = redactingLogger({ debug: write, info: write, warn: write, error: write }, redactUrls);
    const harmless = new Error('harmless');
    for (const level of ['debug', 'info', 'warn', 'error'] as const) {
      logger[level]({ url, urls: [url], err: new Error(url), count: 3, other: harmless }, `at ${url}`);
    }
    expect(lines).to.have.length(4);
    for (const [fields, text] of lines) {
      expect(text).to.equal('at amqp://pay:***@h');
      expect(fields).to.include({ url: 'amqp://pay:***@h', count: 3, other: harmless });
      expect(fields['urls']).to.deep.equal(['amqp://pay:***@h']);
      expect((fields['err'] as Error).stack).to.not.include('hunter2');
    }
  });

  it('lets the console tell the stack of an error once', () => {
    const out: string[] = [];
    const log = (line: string) => void out.push(line);
    const logger = redactingLogger(consoleLogger('info', { log, error: log }), redactUrls);
    const error = new Error(url);
    logger.warn({ err: error }, 'first');
    logger.warn({ err: error }, 'again');
    expect(out[0]).to.include('    at ').and.not.include('hunter2');
    expect(out[1]).to.not.include('    at ');
  });
});
