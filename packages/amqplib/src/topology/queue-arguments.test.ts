import { expect } from 'chai';
import { describe, it } from 'mocha';
import { queueOf } from '../test-support/declarations.js';
import { queueArguments } from './queue-arguments.js';

const LAZY = queueOf('lazy', { lazy: true, arguments: { 'x-message-ttl': 1 } });

describe('queueArguments', () => {
  for (const version of ['3.10.8', '3.11.28', '3.8.9']) {
    it(`asks ${version} for a lazy queue`, () => {
      expect(queueArguments(LAZY, version)).to.deep.equal({
        arguments: { 'x-message-ttl': 1, 'x-queue-mode': 'lazy' },
        notice: undefined,
      });
    });
  }

  for (const version of ['3.12.0', '3.13.7', '4.0.5', '4.3.6', 'unknown']) {
    it(`leaves the mode out for ${version}, and says so`, () => {
      const { arguments: args, notice } = queueArguments(LAZY, version);
      expect(args).to.deep.equal({ 'x-message-ttl': 1 });
      expect(notice).to.include('"lazy"').and.include(version);
    });
  }

  it('keeps the mode for a queue that has it from an older broker', () => {
    expect(queueArguments(LAZY, '4.0.5', true).arguments).to.include({ 'x-queue-mode': 'lazy' });
  });

  it('never asks for a lazy quorum queue or stream', () => {
    for (const type of ['quorum', 'stream'] as const) {
      expect(queueArguments(queueOf('q', { type, lazy: true }), '3.10.8')).to.deep.equal({
        arguments: { 'x-queue-type': type },
        notice: undefined,
      });
    }
  });

  it('leaves the arguments of other queues as they are', () => {
    const queue = queueOf('q', { type: 'quorum', arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 5 } });
    expect(queueArguments(queue, '4.0.5').arguments).to.equal(queue.arguments);
  });
});
