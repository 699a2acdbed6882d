import type { Delivery } from '@leveret/core';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { onEachMortalNode, onEachNode } from '../../../../tools/scripts/each-broker.mjs';
import { FakeClock } from '../../../../tools/scripts/fake-clock.mjs';
import { TcpProxy } from '../../../../tools/scripts/tcp-proxy.mjs';
import { publicationOf } from '../test-support/declarations.js';
import { eventually } from '../test-support/eventually.js';
import { rejectionOf } from '../test-support/rejection-of.js';
import { BrokerAdmin } from '../test-support/test-broker.js';
import { BrokerSession, publishOn, type SessionConsumeOptions } from './broker-session.js';

/** Writes down what comes, and settles nothing. */
class Inbox {
  readonly deliveries: Delivery[] = [];
  readonly ends: (Error | undefined)[] = [];

  get bodies(): readonly string[] {
    return this.deliveries.map(({ message }) => message.body.toString());
  }

  delivered(delivery: Delivery): void {
    this.deliveries.push(delivery);
  }

  ended(error: Error | undefined): void {
    this.ends.push(error);
  }
}

onEachNode('when queues are looked after', (broker) => {
  let admin: BrokerAdmin;
  let proxy: TcpProxy;
  let clock: FakeClock;
  let session: BrokerSession;
  let queue: string;

  const consume = async (options: Partial<SessionConsumeOptions> = {}, by = session) => {
    const inbox = new Inbox();
    return { inbox, consumer: await by.consume(queue, { prefetch: 10, ...options }, inbox) };
  };

  beforeEach(async () => {
    admin = await BrokerAdmin.connect(broker.url);
    proxy = await TcpProxy.start(broker.url);
    clock = new FakeClock();
    session = await BrokerSession.open({ urls: proxy.through(broker.url) }, clock);
    queue = admin.queueName('session');
  });
  afterEach(async () => {
    await proxy?.down();
    await session?.close();
    await admin?.close();
  });

  it('knows the broker, and how many channels it lets one have', () => {
    expect(session.broker.product).to.equal('RabbitMQ');
    expect(session.broker.version.startsWith(broker.version)).to.equal(true);
    expect(session.channelMax).to.be.within(100, 65_535);
    expect([session.isOpen, session.blocked]).to.deep.equal([true, false]);
  });

  it('sees how full a queue is and who consumes, and that one is not there', async () => {
    expect(await session.queue(queue)).to.equal(undefined);
    await admin.makeQueue(queue);
    expect(await session.queue(queue)).to.deep.equal({ messages: 0, consumers: 0 });
    await admin.send(queue, 'one', 'two', 'three');
    expect(await session.queue(queue)).to.deep.equal({ messages: 3, consumers: 0 });
    await consume({ prefetch: 2 });
    await eventually('two of them taken', async () => (await session.queue(queue))?.messages === 1);
    expect(await session.queue(queue)).to.deep.equal({ messages: 1, consumers: 1 });
  });

  it('sees whether an exchange is there', async () => {
    const exchange = admin.exchangeName('session');
    expect(await session.exchangeExists(exchange)).to.equal(false);
    await session.declareExchange(exchange, 'fanout');
    expect(await session.exchangeExists(exchange)).to.equal(true);
    await session.deleteExchange(exchange);
    expect(await session.exchangeExists(exchange)).to.equal(false);
    await session.deleteExchange(exchange);
  });

  it('answers each of many questions that are asked at once, also beside those that the broker refuses', async () => {
    await admin.makeQueue(queue);
    const missing = admin.queueName('missing');
    const answers = await Promise.allSettled([
      session.queue(queue),
      session.queue(missing),
      session.bindQueue(queue, missing, 'key'),
      session.exchangeExists('amq.direct'),
      session.queue(queue),
    ]);
    expect(answers.map(({ status }) => status)).to.deep.equal([
      ...['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
    ]);
    expect(answers.map((each) => ('value' in each ? each.value : undefined))).to.deep.equal([
      ...[{ messages: 0, consumers: 0 }, undefined, undefined, true, { messages: 0, consumers: 0 }],
    ]);
  });

  describe('that are made', () => {
    it('are durable unless said otherwise, and as they are asked for', async () => {
      const made = await session.declareQueue(queue, { arguments: { 'x-max-length': 5 } });
      expect(made).to.deep.equal({ name: queue, messages: 0, consumers: 0 });
      expect(await session.learnQueue(queue)).to.deep.equal({
        ...{ durable: true, autoDelete: false, arguments: { 'x-max-length': 5 } },
      });
      await admin.send(queue, 'one');
      expect(await session.declareQueue(queue, { arguments: { 'x-max-length': 5 } })).to.include({ messages: 1 });
      const exchange = admin.exchangeName('session');
      await session.declareExchange(exchange, 'topic', { arguments: { 'alternate-exchange': 'amq.fanout' } });
      await admin.on((channel) =>
        channel.assertExchange(exchange, 'topic', { durable: true, alternateExchange: 'amq.fanout' }),
      );
    });

    it('are refused with the words of the broker where they are there with other properties', async () => {
      await session.declareQueue(queue);
      const error = (await rejectionOf(session.declareQueue(queue, { arguments: { 'x-max-length': 5 } }))) as Error;
      expect(error).to.include({ code: 'LEV_CHANNEL_CLOSED' });
      expect(error.message).to.contain("inequivalent arg 'x-max-length'");
      expect(await rejectionOf(session.declareExchange('amq.direct', 'fanout'))).to.include({
        code: 'LEV_CHANNEL_CLOSED',
      });
    });

    it('say what the broker refused, of each thing that can be asked', async () => {
      await admin.makeQueue(queue);
      const missing = admin.exchangeName('missing');
      for (const asked of [
        () => session.bindQueue(queue, missing, 'key'),
        () => session.bindExchange('amq.direct', missing, 'key'),
        () => session.bindExchange(missing, 'amq.direct', 'key'),
        () => session.deleteExchange('amq.direct'),
      ]) {
        expect(await rejectionOf(asked()), String(asked)).to.be.instanceOf(Error);
      }
      expect(await session.queue(queue)).to.deep.equal({ messages: 0, consumers: 0 });
    });

    it('get what is routed to them, by keys, by arguments and over another exchange, until they are unbound', async () => {
      const [headers, outer] = [admin.exchangeName('headers'), admin.exchangeName('outer')];
      await session.declareQueue(queue);
      await session.declareExchange(headers, 'headers');
      await session.declareExchange(outer, 'direct');
      await session.bindQueue(queue, headers, '', { kind: 'order' });
      await session.bindQueue(queue, outer, 'direct');
      await session.bindExchange(headers, outer, 'onward');
      const channel = await session.openPublishChannel();
      const arrives = async (exchange: string, key: string, kind: string) => {
        const outcome = await publishOn(channel, publicationOf(exchange, key, { headers: { kind } }));
        return outcome.kind === 'ack' && outcome.returned === undefined;
      };
      expect(await arrives(headers, '', 'order')).to.equal(true);
      expect(await arrives(headers, '', 'other')).to.equal(false);
      expect(await arrives(outer, 'direct', 'other')).to.equal(true);
      expect(await arrives(outer, 'onward', 'order')).to.equal(true);
      await session.unbindQueue(queue, headers, '', { kind: 'order' });
      await session.unbindQueue(queue, outer, 'direct');
      expect(await arrives(headers, '', 'order')).to.equal(false);
      expect(await arrives(outer, 'direct', 'other')).to.equal(false);
      expect(await session.queue(queue)).to.include({ messages: 3 });
      await channel.close();
    });

    it('are deleted, but for those that were to be empty or unused; one that is not there is no fault', async () => {
      await session.deleteQueue(queue);
      await admin.makeQueue(queue);
      await admin.send(queue, 'one');
      expect(await rejectionOf(session.deleteQueue(queue, { ifEmpty: true }))).to.include({
        code: 'LEV_CHANNEL_CLOSED',
      });
      const { consumer } = await consume();
      expect(await rejectionOf(session.deleteQueue(queue, { ifUnused: true }))).to.include({
        code: 'LEV_CHANNEL_CLOSED',
      });
      await consumer.close();
      expect(await admin.ready(queue)).to.equal(1);
      await session.deleteQueue(queue);
      expect(await admin.ready(queue)).to.equal(undefined);
    });
  });

  describe('whose properties are learned', () => {
    for (const [what, properties] of Object.entries({
      none: {},
      'not durable': { durable: false },
      'deleted with their last consumer': { autoDelete: true },
      'both of these': { durable: false, autoDelete: true },
      'a number, a text and a flag': {
        arguments: {
          'x-message-ttl': 60_000,
          'x-dead-letter-exchange': 'amq.fanout',
          'x-single-active-consumer': true,
        },
      },
      'a text that looks like a number': { arguments: { 'x-dead-letter-exchange': '17' } },
      'another type': { arguments: { 'x-queue-type': 'quorum' } },
    })) {
      it(`are told as they were declared: ${what}`, async () => {
        const declared = { durable: true, autoDelete: false, arguments: {}, ...properties };
        await admin.makeQueue(queue, declared);
        expect(await session.learnQueue(queue)).to.deep.equal(declared);
      });
    }

    it('are not known of one that is not there', async () => {
      expect(await session.learnQueue(queue)).to.equal(undefined);
    });

    it('are not known of one that another connection has for itself', async () => {
      await using other = await BrokerSession.open({ urls: broker.url });
      await other.declareQueue(queue, { exclusive: true });
      expect(await session.learnQueue(queue)).to.equal(undefined);
      expect(await rejectionOf(session.queue(queue))).to.include({ code: 'LEV_CHANNEL_CLOSED' });
      await other.deleteQueue(queue);
    });

    it('are no secret of one that is gone where only the connection is', async () => {
      await admin.makeQueue(queue, { arguments: { 'x-max-length': 5 } });
      await session.queue(queue);
      proxy.freeze();
      const learned = rejectionOf(session.learnQueue(queue));
      proxy.cut();
      expect(await learned).to.be.instanceOf(Error);
    });
  });

  describe('by whoever consumes', () => {
    beforeEach(async () => {
      await admin.makeQueue(queue);
      await admin.send(queue, 'one', 'two', 'three');
    });

    it('takes no more at once than asked for, and the next when one is settled', async () => {
      const { inbox } = await consume({ prefetch: 1 });
      await eventually('the first', () => inbox.deliveries.length === 1);
      expect(await session.queue(queue)).to.deep.equal({ messages: 2, consumers: 1 });
      const [first] = inbox.deliveries;
      expect(first).to.include({ queue });
      expect(first!.channel.ack(first!.deliveryTag)).to.equal(true);
      await eventually('the second', () => inbox.deliveries.length === 2);
      expect(inbox.bodies).to.deep.equal(['one', 'two']);
    });

    it('leaves it to the broker to forget what it sends where nothing is to be settled', async () => {
      const { inbox, consumer } = await consume({ noAck: true, prefetch: 0 });
      await eventually('all', () => inbox.deliveries.length === 3);
      await consumer.close();
      expect(await session.queue(queue)).to.deep.equal({ messages: 0, consumers: 0 });
    });

    it('consumes twice at once, and is told apart', async () => {
      const [one, two] = [await consume({ prefetch: 1 }), await consume({ prefetch: 1 })];
      await eventually('one each', () => one.inbox.deliveries.length === 1 && two.inbox.deliveries.length === 1);
      const tags = [one, two].map(({ inbox }) => inbox.deliveries[0]?.consumerTag);
      expect(tags[0]).to.not.equal(tags[1]);
      expect(tags.every((tag) => tag?.startsWith(`leveret-ops-${process.pid}-`))).to.equal(true);
    });

    it('is refused with the words of the broker: another has it for himself, or it is not there', async () => {
      const { consumer } = await consume({ exclusive: true });
      const refused = (await rejectionOf(consume())) as Error;
      expect(refused).to.include({ code: 'LEV_CHANNEL_CLOSED' });
      expect(refused.message).to.contain('ACCESS_REFUSED');
      await consumer.close();
      expect((await consume()).consumer.isOpen).to.equal(true);
      queue = admin.queueName('missing');
      expect(String(await rejectionOf(consume()))).to.contain('NOT_FOUND');
    });

    it('gives back all that is not settled, and nothing that is', async () => {
      const { inbox, consumer } = await consume();
      await eventually('all', () => inbox.deliveries.length === 3);
      inbox.deliveries[1]!.channel.ack(inbox.deliveries[1]!.deliveryTag);
      await consumer.cancel();
      expect(consumer.giveBackAll()).to.equal(true);
      await eventually('two back', async () => (await session.queue(queue))?.messages === 2);
      await consumer.close();
      expect(consumer.isOpen).to.equal(false);
      expect(consumer.giveBackAll()).to.equal(false);
      expect(inbox.bodies).to.deep.equal(['one', 'two', 'three']);
      expect(await session.queue(queue)).to.deep.equal({ messages: 2, consumers: 0 });
    });

    it('takes nothing more once cancelled, and settles what came; what is left is back when it has closed', async () => {
      const { inbox, consumer } = await consume({ prefetch: 2 });
      await eventually('two', () => inbox.deliveries.length === 2);
      await consumer.cancel();
      expect(await session.queue(queue)).to.deep.equal({ messages: 1, consumers: 0 });
      expect(consumer.isOpen).to.equal(true);
      expect(inbox.deliveries[0]!.channel.ack(inbox.deliveries[0]!.deliveryTag)).to.equal(true);
      await consumer.close();
      expect(inbox.bodies).to.deep.equal(['one', 'two']);
      expect(await session.queue(queue)).to.deep.equal({ messages: 2, consumers: 0 });
    });

    it('hears that the queue was deleted, and that the connection was lost', async () => {
      const { inbox } = await consume();
      await admin.deleteQueue(queue);
      await eventually('the end', () => inbox.ends.length > 0);
      expect(inbox.ends).to.deep.equal([undefined]);
      await admin.makeQueue(queue);
      const later = await consume();
      proxy.cut();
      await eventually('the end', () => later.inbox.ends.length > 0);
      expect(later.inbox.ends).to.have.lengthOf(1);
      expect(later.inbox.ends[0]).to.be.instanceOf(Error);
      expect(later.consumer.isOpen).to.equal(false);
      await later.consumer.cancel();
      await later.consumer.close();
    });
  });

  describe('by one that ends', () => {
    it('is closed when that resolves, tells whoever listens, and asks nothing more', async () => {
      let ends = 0;
      session.onEnd(() => ends++);
      session.onEnd(() => ends++)();
      await session.close();
      expect([session.isOpen, ends]).to.deep.equal([false, 1]);
      await session.close();
      expect(ends).to.equal(1);
      session.onEnd(() => ends++);
      expect(ends).to.equal(2);
      expect(await rejectionOf(session.queue('any'))).to.be.instanceOf(Error);
    });

    it('is closed behind a block that used it', async () => {
      let used: BrokerSession;
      {
        await using own = await BrokerSession.open({ urls: broker.url });
        used = own;
        expect(used.isOpen).to.equal(true);
      }
      expect(used.isOpen).to.equal(false);
    });

    it('leaves no question without an answer, and does not come back', async () => {
      await session.queue(queue);
      proxy.freeze();
      const asked = [rejectionOf(session.queue(queue)), rejectionOf(session.declareQueue(queue))];
      proxy.cut();
      for (const each of await Promise.all(asked)) expect(each).to.be.instanceOf(Error);
      expect(session.isOpen).to.equal(false);
      expect(proxy.accepted).to.equal(1);
    });

    it('asks on another channel when the first was not opened in time', async () => {
      proxy.freeze();
      const late = rejectionOf(session.exchangeExists('amq.direct'));
      await eventually('the question', () => clock.waits.includes(10_000));
      await clock.advance(10_000);
      expect(String(await late)).to.contain('did not open a channel within 10000 ms');
      proxy.thaw();
      expect(await session.exchangeExists('amq.direct')).to.equal(true);
    });

    it('waits ten seconds for an answer, and no longer', async () => {
      expect(await session.exchangeExists('amq.direct')).to.equal(true);
      proxy.freeze();
      const answered = session.exchangeExists('amq.direct');
      await eventually('the question', () => clock.waits.includes(10_000));
      await clock.advance(9_999);
      proxy.thaw();
      expect(await answered).to.equal(true);
      proxy.freeze();
      const late = rejectionOf(session.exchangeExists('amq.direct'));
      await eventually('the question', () => clock.waits.includes(10_000));
      await clock.advance(10_000);
      expect(String(await late)).to.contain('did not answer within 10000 ms');
    });
  });
});

onEachMortalNode('when the broker has no memory left', (broker) => {
  afterEach(() => broker.memoryAlarm(false));

  it('tells a session that publishes', async () => {
    await broker.start();
    await using session = await BrokerSession.open({ urls: broker.url });
    await broker.memoryAlarm(true);
    const channel = await session.openPublishChannel();
    channel.publish(publicationOf('', 'nobody'), () => {});
    await eventually('blocked', () => session.blocked);
    await broker.memoryAlarm(false);
    await eventually('not blocked', () => !session.blocked);
  });
});
