import { EventEmitter } from 'node:events';
import { LeveretError, systemClock } from '@leveret/core';
import type { ConfirmChannel } from 'amqplib';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { Link } from '../connection/link.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { AmqplibReplyChannel } from './amqplib-reply-channel.js';

/** A channel whose consumer is granted when a test says so. */
class FakeChannel extends EventEmitter {
  closed = 0;
  options: object | undefined;
  deliver: (message: null) => void = () => {};
  #granted: (() => void) | undefined;
  #refused: ((error: Error) => void) | undefined;

  consume(_queue: string, deliver: (message: null) => void, options: object): Promise<void> {
    this.deliver = deliver;
    this.options = options;
    return new Promise((resolve, reject) => {
      this.#granted = resolve;
      this.#refused = reject;
    });
  }

  grant(): void {
    this.#granted?.();
  }

  refuse(error: Error): void {
    this.#refused?.(error);
  }

  close(): Promise<void> {
    this.closed++;
    this.emit('close');
    return Promise.resolve();
  }
}

const LINK = { ended: false, blocked: false, error: undefined, host: 'here', facts: { frameMax: 131_072 } };

function open(fake: FakeChannel, timeoutMs = 5_000): Promise<AmqplibReplyChannel> {
  return AmqplibReplyChannel.open(fake as unknown as ConfirmChannel, LINK as unknown as Link, systemClock, timeoutMs);
}

describe('AmqplibReplyChannel', () => {
  it('is not open before its consumer is granted, and consumes without acknowledgements', async () => {
    const fake = new FakeChannel();
    let isOpen = false;
    const opening = open(fake).then((channel) => {
      isOpen = channel.isOpen;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOpen).to.equal(false);
    fake.grant();
    await opening;
    expect(isOpen).to.equal(true);
    expect(fake.options).to.deep.equal({ noAck: true });
  });

  it('closes its channel when the consumer is refused, or not granted in time', async () => {
    const refused = new FakeChannel();
    const opening = rejectionOf(open(refused));
    refused.refuse(new Error('ACCESS_REFUSED'));
    expect(await opening).to.have.property('message', 'ACCESS_REFUSED');
    expect(refused.closed).to.equal(1);
    const silent = new FakeChannel();
    const error = await rejectionOf(open(silent, 10));
    expect(error).to.be.instanceOf(LeveretError).and.to.include({
      code: 'LEV_CONNECTION_FAILED',
      message: 'here did not grant a reply consumer within 10 ms.',
    });
    expect(silent.closed).to.equal(1);
  });

  it('ends when the broker cancels its consumer: no reply could come any more', async () => {
    const fake = new FakeChannel();
    const opening = open(fake);
    fake.grant();
    const channel = await opening;
    const ended = new Promise<string>((resolve) => channel.onEnd(({ kind }) => resolve(kind)));
    fake.deliver(null);
    expect(await ended).to.equal('closed');
    expect([fake.closed, channel.isOpen]).to.deep.equal([1, false]);
  });
});
