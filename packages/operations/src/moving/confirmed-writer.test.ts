import type { ChannelEnd, Publication, PublishChannel, PublishOutcome } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { HandClock } from '../test-support/hand-clock.js';
import { ConfirmedWriter } from './confirmed-writer.js';

const PUBLICATION: Publication = {
  exchange: '',
  routingKey: 'orders',
  body: Buffer.from('{}'),
  mandatory: true,
  headers: {},
  properties: { messageId: 'm1' },
};

describe('ConfirmedWriter', () => {
  let clock: HandClock;
  let settle: (outcome: PublishOutcome) => void;
  let published: Publication[];
  let refuses: Error | undefined;
  let closed: number;
  let writer: ConfirmedWriter;

  beforeEach(() => {
    clock = new HandClock();
    [published, refuses, closed] = [[], undefined, 0];
    const channel: PublishChannel = {
      isOpen: true,
      publish: (publication, settled) => {
        if (refuses !== undefined) throw refuses;
        published.push(publication);
        settle = settled;
        return true;
      },
      drained: async () => {},
      onEnd: () => {},
      close: async () => void closed++,
    };
    writer = new ConfirmedWriter(channel, clock);
  });
  const failure = async (outcome: PublishOutcome, publication = PUBLICATION) => {
    const sending = writer.send(publication).then(
      () => expect.fail('it was sent'),
      (error: unknown) => error as Error & { code: string },
    );
    settle(outcome);
    return sending;
  };
  const returned = { replyCode: 312, replyText: 'NO_ROUTE', message: {} as never };

  it('resolves when the broker has the message in a queue, and not before', async () => {
    let isSent = false;
    const sending = writer.send(PUBLICATION).then(() => {
      isSent = true;
    });
    await clock.settle();
    expect([published, isSent, clock.waits]).to.deep.equal([[PUBLICATION], false, [30_000]]);
    settle({ kind: 'ack', returned: undefined });
    await sending;
    expect(clock.waits).to.deep.equal([]);
  });

  it('says that no queue took it, although it was confirmed', async () => {
    const error = await failure({ kind: 'ack', returned });
    expect(error).to.include({ code: 'LEV_PUBLISH_UNROUTABLE' });
    expect(error.message).to.equal(
      'The message "m1" for queue "orders" was returned (NO_ROUTE): no such queue is there.',
    );
  });

  it('says that the broker refused it, with where it was to go', async () => {
    const error = await failure(
      { kind: 'nack', returned: undefined },
      { ...PUBLICATION, exchange: 'e', properties: {} },
    );
    expect(error).to.include({ code: 'LEV_PUBLISH_NACKED' });
    expect(error.message).to.equal(
      'The message for exchange "e" was refused by the broker: the queue is full, or has failed.',
    );
  });

  const cause = new Error('closed');
  const ends: readonly [ChannelEnd, string][] = [
    [{ kind: 'channel-error', replyCode: 404, replyText: 'NOT_FOUND', error: cause }, 'LEV_PUBLISH_EXCHANGE_MISSING'],
    [{ kind: 'channel-error', replyCode: 403, replyText: 'ACCESS_REFUSED', error: cause }, 'LEV_PUBLISH_REFUSED'],
    [{ kind: 'connection-lost', error: cause }, 'LEV_PUBLISH_CHANNEL_LOST'],
  ];
  for (const [end, code] of ends) {
    it(`says ${code} when the channel ends first`, async () => {
      const error = await failure({ kind: 'lost', closed: end });
      expect(error).to.include({ code });
      if (end.kind === 'channel-error') {
        expect(error.message).to.contain(`was refused: ${end.replyCode} ${end.replyText}`);
        expect(error.cause).to.equal(cause);
      }
    });
  }

  it('waits 30 s for the confirm, and then does not know', async () => {
    const sending = writer.send(PUBLICATION).catch((error: unknown) => error as Error);
    await clock.advance(30_000);
    const error = await sending;
    expect(error).to.include({ code: 'LEV_PUBLISH_CONFIRM_TIMEOUT' });
    expect((error as Error).message)
      .to.contain('within 30000 ms')
      .and.contain('not known');
  });

  it('says what cannot be written as AMQP', async () => {
    refuses = new RangeError('headers are larger than a frame');
    const error = (await writer.send(PUBLICATION).catch((thrown: unknown) => thrown)) as Error;
    expect(error).to.include({ code: 'LEV_PUBLISH_UNENCODABLE', cause: refuses });
    expect(error.message).to.contain('cannot be written as AMQP: headers are larger than a frame');
  });

  it('closes its channel', async () => {
    await writer.close();
    expect(closed).to.equal(1);
  });
});
