import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ConfigurationError } from '../errors/configuration-error.js';
import { consoleLogger, type Logger, type LogLevel, logSafely, silentLogger } from './logger.js';

function recording(level?: LogLevel) {
  const lines: { readonly to: 'log' | 'error'; readonly line: string }[] = [];
  const out = {
    log: (line: string) => lines.push({ to: 'log', line }),
    error: (line: string) => lines.push({ to: 'error', line }),
  };
  return { lines, logger: consoleLogger(level, out) };
}

function writeAll(logger: Logger): void {
  for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]({}, `at ${level}`);
}

describe('consoleLogger', () => {
  it('writes from its level up, warnings and errors to the error stream', () => {
    const { lines, logger } = recording();
    writeAll(logger);
    expect(lines.map(({ to, line }) => `${to} ${line.replace(/^\S+ /, '')}`)).to.deep.equal([
      'log INFO  at info',
      'error WARN  at warn',
      'error ERROR at error',
    ]);
    expect(lines[0]?.line).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /);
  });

  it('writes everything at debug, and nothing when silent', () => {
    const all = recording('debug');
    writeAll(all.logger);
    expect(all.lines).to.have.lengthOf(4);
    const none = recording('silent');
    writeAll(none.logger);
    expect(none.lines).to.deep.equal([]);
    writeAll(silentLogger);
  });

  it('shows fields on the line, and the stack of an error below it', () => {
    const { lines, logger } = recording();
    const err = new Error('broken');
    const fields = {
      queue: 'trade.pay',
      text: 'two words',
      n: 7,
      big: 7n,
      list: [1],
      nothing: undefined,
      fn: writeAll,
    };
    logger.info({ ...fields, err }, 'failed');
    const text = lines[0]?.line ?? '';
    expect(text).to.contain('failed queue=trade.pay text="two words" n=7 big=7 list=[1] fn=function');
    expect(text).to.contain(`\n${err.stack}`);
    expect(text).not.to.contain('nothing');
  });

  it('shows an error without a stack by its text', () => {
    const { lines, logger } = recording();
    const err = new Error('broken');
    delete err.stack;
    logger.error({ err }, 'failed');
    expect(lines[0]?.line).to.contain('failed\nError: broken');
  });

  it('shows what caused an error, and ends where a chain bites its tail', () => {
    const { lines, logger } = recording();
    const root = new TypeError('no such row');
    logger.error({ err: new Error('not paid', { cause: root }) }, 'failed');
    expect(lines[0]?.line).to.contain(`\n  caused by: ${root.stack}`);
    logger.error({ err: new Error('odd', { cause: { code: 7 } }) }, 'failed');
    expect(lines[1]?.line).to.contain('\n  caused by: {"code":7}');
    root.cause = root;
    logger.error({ err: root }, 'failed');
    expect(lines[2]?.line.match(/caused by/g)).to.have.lengthOf(5);
  });

  it('writes nothing of a stranger as it came', () => {
    const { lines, logger } = recording();
    const forged = 'x\n2026-01-01T00:00:00.000Z INFO  paid\u001b[2K\u202e\u009b';
    const err = new Error(forged, { cause: new TypeError(forged, { cause: forged }) });
    logger.error({ messageId: forged, list: [forged], err }, `failed ${forged}`);
    const text = lines[0]?.line ?? '';
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(text).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text.split('\n').filter((line) => line.startsWith('2026-01-01'))).to.deep.equal([]);
    expect(text).to.contain('messageId="x\\n2026');
    expect(text).to.contain(`\nError: x\\n2026`);
  });

  it('keeps the lines of a configuration error, and no other', () => {
    const { lines, logger } = recording();
    logger.error({ err: new ConfigurationError(['one\nforged', 'two']) }, 'failed');
    expect(lines[0]?.line).to.contain('configuration:\n  - one\\nforged\n  - two\n    at ');
  });

  it('keeps the text of an error on one line, with its frames below it', () => {
    const { lines, logger } = recording();
    logger.error({ err: new Error('one\ntwo\nthree and a longer one') }, 'failed');
    expect(lines[0]?.line).to.match(/failed\nError: one\\ntwo\\nthree and a longer one\n {4}at /);
    logger.error({ err: Object.assign(new Error('other'), { stack: 'no frames\n' }) }, 'failed');
    expect(lines[1]?.line).to.match(/failed\nno frames\\n$/);
  });

  it('indents what a stack has been given besides its frames', () => {
    const { lines, logger } = recording();
    const err = new Error('broken');
    err.stack = 'Error: other\nforged\n    at place\nforged again';
    logger.error({ err }, 'failed');
    expect(lines[0]?.line).to.contain('failed\nError: other\\nforged\n    at place\n    forged again');
  });

  it('names an error that it has shown before', () => {
    const { lines, logger } = recording();
    const err = new Error('broken');
    logger.error({ err }, 'handler failed');
    logger.error({ err }, 'message dropped');
    expect(lines[1]?.line).to.match(/message dropped err="Error: broken"$/);
  });
});

describe('logSafely', () => {
  it('hands the line to the logger', () => {
    const { lines, logger } = recording();
    logSafely(logger, 'warn', { n: 1 }, 'look');
    expect(lines[0]?.line).to.contain('look n=1');
  });

  it('does not let a logger that throws disturb the work it tells of', () => {
    const broken = () => {
      throw new Error('log destination closed');
    };
    logSafely({ debug: broken, info: broken, warn: broken, error: broken }, 'error', {}, 'lost');
  });

  it('escapes text and fields for every logger', () => {
    const seen: unknown[] = [];
    const logger = { ...silentLogger, warn: (...line: unknown[]) => seen.push(...line) };
    const err = new Error('a\nb');
    logSafely(logger, 'warn', { messageId: 'a\nb', n: 1, err }, 'c\nd');
    expect(seen).to.deep.equal([{ messageId: 'a\\nb', n: 1, err }, 'c\\nd']);
  });
});
