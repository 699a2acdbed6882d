import { EventEmitter } from 'node:events';
import { type ChannelEnd, type PublishOutcome, systemClock } from '@leveret/core';
import type { ConfirmChannel } from 'amqplib';
import { expect } from 'chai';
import fc from 'fast-check';
import { describe, it } from 'mocha';
import type { Link } from '../connection/link.js';
import { publicationOf } from '../test-support/declarations.js';
import { AmqplibPublishChannel } from './amqplib-publish-channel.js';

type ConfirmCallback = (error: unknown) => void;

/** amqplib's confirm channel, without a broker: the test plays the broker. It is built differently from what we know. */
class FakeChannel extends EventEmitter {
  readonly confirms: ConfirmCallback[] = [];
  room = true;
  fault: Error | undefined;

  publish(_exchange: string, _key: string, _body: Buffer, _options: object, confirm?: ConfirmCallback): boolean {
    if (this.fault !== undefined) throw this.fault;
    if (confirm !== undefined) this.confirms.push(confirm);
    return this.room;
  }

  close(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  confirm(tag: number, how: 'ack' | 'nack', multiple = false): void {
    for (let each = multiple ? 1 : tag; each <= tag; each++) {
      this.confirms[each - 1]!(how === 'ack' ? null : new Error('message nacked'));
      this.confirms[each - 1] = () => {};
    }
  }

  /** As amqplib ends a channel: callbacks fail from within the 'close' event, before listeners added later. */
  end(error?: Error): void {
    if (error !== undefined) this.emit('error', error);
    this.emit('close');
    for (const confirm of this.confirms) confirm(new Error('channel closed'));
  }

  return(id: string): void {
    this.emit('return', {
      content: Buffer.from('body'),
      fields: { replyCode: 312, replyText: 'NO_ROUTE', exchange: 'x', routingKey: 'k' },
      properties: { messageId: id },
    });
  }
}

/** One whose bytes are written past amqplib. */
class WireChannel extends FakeChannel {
  readonly ch = 1;
  readonly written: Buffer[] = [];
  readonly connection = {
    frameMax: 131_072,
    stream: { writableLength: 0, write: (bytes: Buffer) => this.written.push(bytes) > 0 },
    channels: [null, { buffer: { readableLength: 0, writableLength: 0, write: () => true } }],
    sendMethod: () => {},
  };

  constructor() {
    super();
    this.on('ack', () => {});
  }

  readonly sendImmediately = () => {};

  override confirm(deliveryTag: number, how: 'ack' | 'nack', multiple = false): void {
    this.emit(how, { deliveryTag, multiple });
  }
}

const LINK = { ended: false, blocked: false, error: undefined, facts: { frameMax: 131_072 } };
const NOT_FOUND = new Error('Channel closed by server: 404 (NOT-FOUND) with message "NOT_FOUND - no exchange"');

function channelOver(fake: FakeChannel, confirm = true, link: object = LINK): AmqplibPublishChannel {
  return new AmqplibPublishChannel(fake as unknown as ConfirmChannel, confirm, link as Link, systemClock, 50);
}

const message = (id: string) => publicationOf('x', 'k', { properties: { messageId: id } });
const microtasks = () => new Promise((resolve) => setImmediate(resolve));

describe('AmqplibPublishChannel', () => {
  for (const [through, Fake] of Object.entries({ amqplib: FakeChannel, bytes: WireChannel })) {
    it(`settles each publish exactly once and rightly, whatever the order of confirms, returns and the end: ${through}`, async () => {
      const how = fc.constantFrom('ack', 'nack', 'return');
      const steps = fc.array(
        fc.oneof(
          { weight: 3, arbitrary: fc.integer({ min: 1, max: 100 }) },
          { weight: 2, arbitrary: fc.record({ pick: fc.nat(), how, multiple: fc.boolean(), pause: fc.boolean() }) },
        ),
        { maxLength: 40 },
      );
      const ends = fc.constantFrom(undefined, 'channel-error', 'connection-lost', 'closed');
      await fc.assert(
        fc.asyncProperty(steps, ends, async (actions, end) => {
          const fake = new Fake();
          const link = { ...LINK };
          const channel = channelOver(fake, true, link);
          const outcomes: PublishOutcome[][] = [];
          const expected: { kind: string; returned: boolean }[] = [];
          let pending: number[] = [];
          const publish = () => {
            const index = outcomes.push([]) - 1;
            expected.push({ kind: 'lost', returned: false });
            pending.push(index);
            channel.publish(message(`m${index}`), (outcome) => outcomes[index]!.push(outcome));
            expect(outcomes[index]).to.deep.equal([]);
          };
          for (const action of actions) {
            if (typeof action === 'number') for (let count = 0; count < action; count++) publish();
            else if (pending.length > 0) {
              const index = pending[action.pick % pending.length]!;
              if (action.how === 'return') {
                fake.return(`m${index}`);
                expected[index]!.returned = true;
              } else {
                fake.confirm(index + 1, action.how as 'ack' | 'nack', action.multiple);
                const isConfirmed = (each: number) => each === index || (action.multiple && each < index);
                for (const each of pending.filter(isConfirmed)) expected[each]!.kind = action.how;
                pending = pending.filter((each) => !isConfirmed(each));
              }
              if (action.pause) await microtasks();
            }
          }
          if (end === undefined) {
            await microtasks();
            for (const index of pending) expect(outcomes[index]).to.deep.equal([]);
            expect(outcomes.flat()).to.have.lengthOf(outcomes.length - pending.length);
            return;
          }
          const seen: ChannelEnd[] = [];
          channel.onEnd((how) => {
            seen.push(how);
            for (const settled of outcomes) expect(settled).to.have.lengthOf(1);
          });
          if (end === 'connection-lost') link.ended = true;
          if (end === 'closed') await channel.close();
          else fake.end(end === 'channel-error' ? NOT_FOUND : undefined);
          await microtasks();
          expect(seen.map(({ kind }) => kind)).to.deep.equal([end]);
          for (const [index, settled] of outcomes.entries()) {
            expect(settled).to.have.lengthOf(1);
            const [outcome] = settled;
            expect(outcome!.kind).to.equal(expected[index]!.kind);
            if (outcome!.kind === 'lost') expect(outcome!.closed.kind).to.equal(end);
            else expect(outcome!.returned !== undefined).to.equal(expected[index]!.returned);
          }
        }),
        { numRuns: 80, endOnFailure: true },
      );
    });
  }

  it('does not take for confirmed what is published while others are told of their confirm', () => {
    const fake = new WireChannel();
    const channel = channelOver(fake);
    const told: string[] = [];
    const publish = (id: string) =>
      channel.publish(message(id), ({ kind }) => {
        told.push(`${id} ${kind}`);
        if (!id.endsWith('again')) publish(`${id} again`);
      });
    for (const id of ['a', 'b', 'c']) publish(id);
    fake.confirm(3, 'ack', true);
    expect(told).to.deep.equal(['a ack', 'b ack', 'c ack']);
    expect(fake.written).to.have.lengthOf(6);
    fake.confirm(5, 'nack', true);
    expect(told.slice(3)).to.deep.equal(['a again nack', 'b again nack']);
  });

  it('tells all whom one frame confirms, also when the channel ends at the first of them', async () => {
    const fake = new WireChannel();
    const channel = channelOver(fake);
    const kinds: string[] = [];
    for (let number = 0; number < 3; number++) {
      channel.publish(message('m'), ({ kind }) => {
        kinds.push(kind);
        if (number === 0) fake.end(NOT_FOUND);
      });
    }
    fake.confirm(3, 'ack', true);
    await microtasks();
    expect(kinds).to.deep.equal(['ack', 'ack', 'ack']);
  });

  it('takes what comes back for the one that is not confirmed, where many are alike', async () => {
    const fake = new WireChannel();
    const channel = channelOver(fake);
    const isReturned: boolean[] = [];
    for (let number = 0; number < 200; number++) {
      channel.publish(message('same'), (outcome) => isReturned.push(outcome.kind === 'ack' && !!outcome.returned));
    }
    fake.confirm(199, 'ack', true);
    fake.return('same');
    fake.confirm(200, 'ack');
    await microtasks();
    expect(isReturned).to.have.lengthOf(200);
    expect(isReturned.indexOf(true)).to.equal(199);
  });

  it('settles a publish on an ended channel as lost, but never within the call', async () => {
    const fake = new FakeChannel();
    const channel = channelOver(fake);
    fake.end(NOT_FOUND);
    const outcomes: PublishOutcome[] = [];
    expect(channel.publish(message('a'), (outcome) => outcomes.push(outcome))).to.equal(false);
    expect(outcomes).to.deep.equal([]);
    await microtasks();
    expect(outcomes[0]).to.nested.include({ kind: 'lost', 'closed.kind': 'channel-error', 'closed.replyCode': 404 });
  });

  it('settles as lost, and ends, when amqplib says that the channel is closed', async () => {
    const fake = new FakeChannel();
    fake.fault = Object.assign(new Error('Channel closing'), { name: 'IllegalOperationError' });
    const channel = channelOver(fake);
    const heard: string[] = [];
    channel.onEnd(({ kind }) => heard.push(kind));
    channel.publish(message('a'), ({ kind }) => heard.push(kind));
    expect(channel.isOpen).to.equal(false);
    await microtasks();
    expect(heard).to.deep.equal(['lost', 'connection-lost']);
  });

  it('throws what cannot be encoded, and sends nothing', () => {
    const fake = new FakeChannel();
    const channel = channelOver(fake);
    const attempt = () => channel.publish(message('a'), () => expect.fail('settled'));
    fake.fault = new RangeError('Encoded field table exceeds the buffer');
    expect(attempt).to.throw(RangeError, 'Encoded field table');
    fake.fault = new Error('odd');
    expect(attempt).to.throw(TypeError, 'odd');
  });

  it('refuses headers that do not fit into a small frame', () => {
    const channel = channelOver(new FakeChannel(), true, { ...LINK, facts: { frameMax: 8192 } });
    const large = publicationOf('x', 'k', { headers: { a: 'x'.repeat(8192) } });
    expect(() => channel.publish(large, () => {})).to.throw(RangeError, 'one frame of 8192 bytes');
    expect(channel.publish(publicationOf('x', 'k', { headers: { a: 'x'.repeat(7000) } }), () => {})).to.equal(true);
  });

  it('hands over returns that belong to no publish in flight', async () => {
    const fake = new FakeChannel();
    const channel = channelOver(fake, false);
    const returns: string[] = [];
    channel.onUnclaimedReturn(({ replyText, message }) => returns.push(`${replyText} ${message.messageId}`));
    await new Promise((resolve) => channel.publish(message('a'), resolve));
    fake.return('a');
    expect(returns).to.deep.equal(['NO_ROUTE a']);
  });

  it('says when the buffer is full and when it has room again', async () => {
    const fake = new FakeChannel();
    const channel = channelOver(fake);
    fake.room = false;
    expect(channel.publish(message('a'), () => {})).to.equal(false);
    let drained = false;
    const waiting = channel.drained().then(() => {
      drained = true;
    });
    await microtasks();
    expect(drained).to.equal(false);
    fake.emit('drain');
    await waiting;
    await channel.drained();
  });

  it('lets go of those who wait for room when it ends', async () => {
    const fake = new FakeChannel();
    const channel = channelOver(fake);
    fake.room = false;
    channel.publish(message('a'), () => {});
    const waiting = channel.drained();
    fake.end();
    await waiting;
  });

  it('settles without confirms once the socket has taken the message', async () => {
    const fake = new FakeChannel();
    const channel = channelOver(fake, false);
    const outcomes: PublishOutcome[] = [];
    channel.publish(message('a'), (outcome) => outcomes.push(outcome));
    expect(outcomes).to.deep.equal([]);
    await microtasks();
    expect(outcomes).to.deep.equal([{ kind: 'ack', returned: undefined }]);
    fake.room = false;
    channel.publish(message('b'), (outcome) => outcomes.push(outcome));
    await microtasks();
    expect(outcomes).to.have.lengthOf(1);
    fake.emit('drain');
    expect(outcomes).to.have.lengthOf(2);
  });

  it('does not wait for an answer of a blocked broker when it closes', async () => {
    const fake = new FakeChannel();
    fake.close = () => new Promise(() => {});
    const channel = channelOver(fake, true, { ...LINK, blocked: true });
    const outcome = new Promise<PublishOutcome>((resolve) => channel.publish(message('a'), resolve));
    await channel.close();
    expect(await outcome).to.deep.equal({ kind: 'lost', closed: { kind: 'closed' } });
  });

  it('closes within its bound when no answer comes, and can be closed twice', async () => {
    const fake = new FakeChannel();
    fake.close = () => new Promise(() => {});
    const channel = channelOver(fake);
    await channel.close();
    await channel.close();
    expect(channel.isOpen).to.equal(false);
  });

  it('ends once, and tells that end to whoever asks later', async () => {
    const fake = new FakeChannel();
    const channel = channelOver(fake);
    const ends: ChannelEnd[] = [];
    channel.onEnd((end) => ends.push(end));
    fake.end(NOT_FOUND);
    await microtasks();
    await channel.close();
    fake.end();
    await microtasks();
    expect(ends).to.have.length(1);
    expect(ends[0]).to.include({ kind: 'channel-error', replyCode: 404 });
    channel.onEnd((end) => ends.push(end));
    const outcome = await new Promise<PublishOutcome>((resolve) => channel.publish(message('late'), resolve));
    expect(outcome).to.deep.equal({ kind: 'lost', closed: ends[0] });
    expect(ends[1]).to.equal(ends[0]);
  });

  it('says what the broker closed the connection with', async () => {
    const refused = new Error('Connection closed: 541 (INTERNAL-ERROR) with message "INTERNAL_ERROR"');
    const forced = new Error('Connection closed: 320 (CONNECTION-FORCED) with message "shutdown"');
    for (const [error, replyCode] of [
      [refused, 541],
      [forced, 320],
      [new Error('read ECONNRESET'), undefined],
      [undefined, undefined],
    ] as const) {
      const fake = new FakeChannel();
      const channel = channelOver(fake, true, { ...LINK, ended: true, error });
      const ended = new Promise<ChannelEnd>((resolve) => channel.onEnd(resolve));
      fake.end();
      expect(await ended).to.deep.equal({ kind: 'connection-lost', error, replyCode });
    }
  });
});
