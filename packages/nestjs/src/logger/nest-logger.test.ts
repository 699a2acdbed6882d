import { expect } from 'chai';
import { describe, it } from 'mocha';
import { nestLogger } from './nest-logger.js';

describe('nestLogger', () => {
  it('writes each level as Nest names it, with the fields behind the text and the stack of an error', () => {
    const lines: unknown[][] = [];
    const write =
      (level: string) =>
      (...given: unknown[]) =>
        lines.push([level, ...given]);
    const logger = nestLogger('Test', {
      log: write('log'),
      warn: write('warn'),
      debug: write('debug'),
      error: write('error'),
    });
    const err = new Error('no stock');
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    logger.debug({}, 'looking');
    logger.info({ listener: 'Orders.on', count: 2, nothing: undefined }, 'started');
    logger.warn({ text: 'two words', circular }, 'odd');
    logger.error({ err }, 'failed');
    expect(lines).to.deep.equal([
      ['debug', 'looking'],
      ['log', 'started listener=Orders.on count=2'],
      ['warn', 'odd text="two words" circular=[object Object]'],
      ['error', 'failed err="no stock"', err.stack],
    ]);
  });
});
