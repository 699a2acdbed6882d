import { expect } from 'chai';
import { describe, it } from 'mocha';
import { MessageValidationError } from '../errors/message-error.js';
import { EventHub } from '../events/event-hub.js';
import { silentLogger } from '../events/logger.js';
import { setUp, textConverter, turn, watch } from './fake-publish-transport.support.test.js';
import { PublishError, PublishUnroutableError, RemoteFailureError, RequestTimeoutError } from './publish-error.js';
import type { PublishEvent } from './publish-event.js';
import { remoteFailureReply } from './remote-failure.js';

describe('a request', () => {
  it('goes out with reply address and correlation id, and resolves to the converted reply', async () => {
    const { publisher, transport, clock } = setUp();
    const asking = watch(publisher.request('orders', 'price', 'apples', { headers: { tenant: 't' } }));
    await turn();
    expect(clock.waitsForUs, 'its caller waits').to.include(5_000);
    const { properties, headers } = transport.channel.sent[0] ?? {};
    expect(properties?.replyTo).to.equal('amq.rabbitmq.reply-to');
    expect(properties?.correlationId).to.match(/^[0-9a-f-]{36}$/);
    expect(headers).to.deep.equal({ tenant: 't', spring_request_return_correlation: properties?.correlationId });
    transport.channel.ack();
    transport.channel.reply({ correlationId: properties?.correlationId, body: Buffer.from('3 euro') });
    await turn();
    expect(asking.value).to.equal('3 euro');
  });

  it('gets its own reply, in whatever order replies come', async () => {
    const { publisher, transport } = setUp();
    const asking = ['a', 'b'].map((payload) => watch(publisher.request('orders', 'price', payload)));
    await turn();
    for (const { properties, body } of transport.channel.sent.toReversed()) {
      transport.channel.reply({ correlationId: properties.correlationId, body: Buffer.from(`re: ${body}`) });
    }
    await turn();
    expect(asking.map(({ value }) => value)).to.deep.equal(['re: a', 're: b']);
  });

  it('rejects when no reply comes in time; a late one is dropped and counted', async () => {
    const { publisher, transport, clock } = setUp();
    const asking = watch(publisher.request('orders', 'price', 'x', { timeout: '2s' }));
    await turn();
    transport.channel.ack();
    await clock.advance(2_000);
    const { correlationId } = transport.channel.sent[0]?.properties ?? {};
    expect(asking.error).to.be.instanceOf(RequestTimeoutError).and.to.include({ timeoutMs: 2_000, correlationId });
    transport.channel.reply({ correlationId: (asking.error as RequestTimeoutError).correlationId });
    transport.channel.reply({ correlationId: undefined });
    expect(publisher.stats.lateReplies).to.equal(2);
  });

  it('rejects when it cannot be published, and forgets the request', async () => {
    const { publisher, transport, clock } = setUp();
    const asking = watch(publisher.request('orders', 'nobody', 'x'));
    await turn();
    transport.channel.return();
    transport.channel.ack();
    await turn();
    expect(asking.error).to.be.instanceOf(PublishUnroutableError);
    await clock.advance(60_000);
    expect(clock.waits).to.deep.equal([]);
  });

  it('rejects with the error that the reply tells', async () => {
    const { publisher, transport } = setUp();
    const asking = watch(publisher.request('orders', 'price', 'x'));
    await turn();
    const correlationId = transport.channel.sent[0]?.properties.correlationId;
    transport.channel.reply({ correlationId, ...remoteFailureReply(new RangeError('no such fruit')) });
    await turn();
    expect(asking.error).to.be.instanceOf(RemoteFailureError);
    expect((asking.error as RemoteFailureError).remote).to.deep.equal({
      name: 'RangeError',
      message: 'no such fruit',
      code: undefined,
    });
    expect(asking.error?.message).to.equal('The listener replied with an error: RangeError: no such fruit');
    const unnamed = new RemoteFailureError({ name: undefined, message: 'no such fruit', code: undefined });
    expect(unnamed.message).to.equal('The listener replied with an error: no such fruit');
  });

  it('reads its reply as what was asked for, and waits for that no longer than it may take', async () => {
    class Price {}
    const asked: unknown[] = [];
    const readReply = (reply: { readonly body: Buffer }, type: unknown): unknown => {
      asked.push(type);
      const text = reply.body.toString();
      if (text === 'never') return new Promise(() => {});
      return text === 'wrong' ? Promise.reject(new MessageValidationError('1 rule', [])) : Promise.resolve(text);
    };
    const { publisher, transport, clock } = setUp({}, { readReply });
    const ask = async (text: string) => {
      const asking = watch(publisher.request('', 'q', 'x', { replyType: [Price], timeout: '2s' }));
      await turn();
      const { correlationId } = transport.channel.sent.at(-1)?.properties ?? {};
      transport.channel.reply({ correlationId, body: Buffer.from(text) });
      await turn();
      return asking;
    };
    expect((await ask('ok')).value).to.equal('ok');
    expect((await ask('wrong')).error).to.be.instanceOf(MessageValidationError);
    const never = await ask('never');
    await clock.advance(1_999);
    expect(never.settlements).to.equal(0);
    await clock.advance(1);
    expect(never.error).to.be.instanceOf(RequestTimeoutError);
    expect(never.error?.message).to.contain('The reply came, but was not validated within 2000 ms');
    expect(asked).to.deep.equal([[Price], [Price], [Price]]);
  });

  it('resolves to an instance of replyType, or rejects, where only the converter reads replies', async () => {
    class Price {}
    const ask = async (made: () => unknown) => {
      const converter = { ...textConverter, fromMessage: made } as typeof textConverter;
      const { publisher, transport } = setUp({}, { converter });
      const asking = watch(publisher.request('orders', 'price', 'x', { replyType: Price }));
      await turn();
      transport.channel.reply({ correlationId: transport.channel.sent[0]?.properties.correlationId });
      await turn();
      return asking;
    };
    expect((await ask(() => new Price())).value).to.be.instanceOf(Price);
    for (const wrong of [() => undefined, () => 'text', () => ({})]) {
      const { value, error } = await ask(wrong);
      expect([value, error instanceof Error]).to.deep.equal([undefined, true]);
    }
  });

  it('refuses to read its reply as what only an application can read', async () => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } };
    for (const replyType of [schema, Object.assign(class {}, schema), 'Price', [class {}]]) {
      const { publisher, transport } = setUp();
      const asking = watch(publisher.request('orders', 'price', 'x', { replyType: replyType as never }));
      await turn();
      transport.channel.reply({ correlationId: transport.channel.sent[0]?.properties.correlationId });
      await turn();
      expect(asking.error?.message).to.contain('this publisher reads replies as classes only');
    }
  });

  it('rejects at once when the channel that its reply would come on is gone', async () => {
    const { publisher, transport } = setUp();
    const asking = watch(publisher.request('orders', 'price', 'x'));
    await turn();
    transport.channel.ack();
    await turn();
    transport.channel.loseConnection();
    await turn();
    expect(asking.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_CHANNEL_LOST', fate: 'unknown', attempts: 1 });
  });

  it('is published again on a new channel when the old one ended before its confirm', async () => {
    const { publisher, transport, clock } = setUp();
    const asking = watch(publisher.request('orders', 'price', 'x'));
    await turn();
    transport.channel.loseConnection();
    await clock.advance(1_000);
    expect(transport.channels).to.have.length(2);
    const correlationId = transport.channel.sent[0]?.properties.correlationId;
    transport.channel.reply({ correlationId, body: Buffer.from('ok') });
    await turn();
    expect(asking.value).to.equal('ok');
  });

  it('is not published once its time is over, wherever it waits', async () => {
    const { publisher, transport, clock } = setUp({ window: 1, connectionTimeout: '60s' });
    transport.openings.push('never');
    const unsent = ['a', 'b'].map((payload) => watch(publisher.request('', 'q', payload, { timeout: '1s' })));
    await clock.advance(1_000);
    for (const { error } of unsent) {
      expect(error).to.be.instanceOf(RequestTimeoutError);
      expect(error?.message).to.contain('not sent, and will not be');
    }
    expect(publisher.stats).to.include({ held: 0, failed: 2 });
    await clock.advance(120_000);
    const later = watch(publisher.request('', 'q', 'later', { timeout: '1s' }));
    await turn();
    expect(transport.channels.flatMap(({ sent }) => sent).map(({ body }) => body.toString())).to.deep.equal(['later']);
    await clock.advance(1_000);
    expect(later.error?.message).to.contain('It may have been handled.');
  });

  it('may have been handled when it was lost with its channel, and waits for another as its time ends', async () => {
    const { publisher, transport, clock } = setUp({ retry: { initialInterval: 5_000 } });
    const asking = watch(publisher.request('', 'q', 'x', { timeout: '2s' }));
    await turn();
    transport.channel.loseConnection();
    await clock.advance(2_000);
    expect(asking.error).to.be.instanceOf(RequestTimeoutError);
    expect(asking.error?.message).to.contain('It may have been handled.');
    expect(publisher.stats).to.include({ held: 0, failed: 1 });
  });

  it('goes on waiting for those that its channel still has to confirm, when one of them is over', async () => {
    const { publisher, transport, clock } = setUp();
    const asking = ['a', 'b'].map((payload) => watch(publisher.request('', 'q', payload)));
    await turn();
    transport.channel.ack(1);
    await turn();
    transport.channel.loseConnection();
    await clock.advance(1_000);
    expect(asking.map(({ error }) => (error as PublishError | undefined)?.code)).to.deep.equal([
      'LEV_PUBLISH_CHANNEL_LOST',
      undefined,
    ]);
    const [again] = transport.channel.sent;
    expect(again?.body.toString()).to.equal('b');
    transport.channel.reply({ correlationId: again?.properties.correlationId, body: Buffer.from('re: b') });
    await turn();
    expect(asking[1]?.value).to.equal('re: b');
  });

  it('says of a reply that nobody waits for whose it is, where debugging is logged', async () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger, debug: (...line: unknown[]) => void lines.push(line) };
    const { publisher, transport } = setUp({}, { logger });
    const asking = watch(publisher.request('orders', 'price', 'x'));
    await turn();
    const correlationId = transport.channel.sent[0]?.properties.correlationId;
    for (const text of ['first', 'second']) transport.channel.reply({ correlationId, body: Buffer.from(text) });
    await turn();
    expect([asking.value, asking.settlements, publisher.stats.lateReplies]).to.deep.equal(['first', 1, 1]);
    expect(lines).to.deep.equal([[{ correlationId }, 'dropped a reply that nobody waits for']]);
  });

  it('is told as not sent, and not as stuck, where its time ended before it was written', async () => {
    const events = new EventHub<PublishEvent>(silentLogger);
    const happened: PublishEvent[] = [];
    events.on((event) => happened.push(event));
    const { publisher, transport, clock } = setUp({ connectionTimeout: '60s' }, { events });
    transport.openings.push('never');
    watch(publisher.request('', 'q', 'x', { timeout: '1s' }));
    await clock.advance(1_000);
    expect(happened.map(({ type }) => type)).to.deep.equal(['publish-failed']);
    expect((happened[0] as { error?: unknown }).error).to.include({ fate: 'not-sent', stuck: false });
  });

  it('is not tried again once its time is over', async () => {
    const { publisher, transport, clock } = setUp({ retry: { initialInterval: 100 } });
    const asking = watch(publisher.request('', 'q', 'x', { timeout: '1s' }));
    await turn();
    await clock.advance(1_000);
    expect(asking.error).to.be.instanceOf(RequestTimeoutError);
    transport.channel.loseConnection();
    await clock.advance(10_000);
    expect(transport.channels.flatMap(({ sent }) => sent)).to.have.length(1);
    expect(publisher.stats.held).to.equal(0);
  });

  it('rejects when its channel ends in the same moment as its confirm comes', async () => {
    const { publisher, transport } = setUp();
    const asking = watch(publisher.request('orders', 'price', 'x'));
    await turn();
    transport.channel.ack();
    transport.channel.loseConnection();
    await turn();
    expect(asking.error)
      .to.be.instanceOf(PublishError)
      .and.to.include({ code: 'LEV_PUBLISH_CHANNEL_LOST', fate: 'unknown' });
    expect(asking.error?.message).to.contain('its reply cannot arrive');
  });

  it('leaves no timer behind, however it ends', async () => {
    const { publisher, transport, clock } = setUp();
    const ends: ((tag: number) => void)[] = [
      (tag) => transport.channel.reply({ correlationId: transport.channel.sent[tag - 1]?.properties.correlationId }),
      (tag) => {
        transport.channel.return(tag);
        transport.channel.ack(tag);
      },
    ];
    for (const [index, end] of ends.entries()) {
      watch(publisher.request('orders', 'price', 'x', { timeout: '45s' }));
      await turn();
      end(index + 1);
      transport.channel.ack(index + 1);
      await turn();
      expect(clock.waits.some((ms) => ms > 10_000)).to.equal(false);
    }
  });
});
