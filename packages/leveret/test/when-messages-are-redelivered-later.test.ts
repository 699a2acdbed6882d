import { expect } from 'chai';
import {
  Context,
  type DeliveryContext,
  Idempotent,
  Listener,
  Payload,
  RejectMessage,
  RetryAfter,
  republish,
} from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { Order, orderListener } from './support/order.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

interface Call {
  readonly at: number;
  readonly attempt: number;
  readonly redeliveries: number;
  readonly message: DeliveryContext['message'];
}

const callOf = ({ attempt, redeliveries, message }: DeliveryContext): Call => ({
  ...{ at: performance.now(), attempt, redeliveries, message },
});

onEachBroker('when messages are redelivered later', (broker) => {
  it('waits at the broker between deliveries, comes to the recoverer at last, and is the same message each time', async () => {
    const raw = await broker.raw();
    const [queue, exchange, errors] = [unique('later'), unique('later'), unique('errors')];
    const calls: Call[] = [];
    const listener = orderListener(
      {
        queue: { name: queue },
        bindings: { exchange: { name: exchange, type: 'direct' }, routingKey: 'paid' },
        retry: { maxAttempts: 2, initialInterval: 10 },
        redeliver: { delays: [300, 700], jitter: 0 },
        recoverer: republish(errors, 'error', { declare: `${errors}.queue` }),
      },
      (_order, context) => {
        calls.push(callOf(context));
        throw new Error('down');
      },
    );
    await using running = await startApp(broker.url, { listeners: [listener] });
    const headers = { tenant: 'a', 'x-leveret-redeliveries': 7, 'x-death': 'mine', CC: ['other'] };
    const properties = {
      headers,
      messageId: 'm',
      correlationId: 'c',
      replyTo: 'answers',
      expiration: '60000',
      priority: 2,
    };
    await raw.publish(exchange, 'paid', { id: 1 }, { ...properties, userId: 'guest', persistent: false });
    const parked = await raw.arrived(`${errors}.queue`);
    expect(calls.map(({ attempt, redeliveries }) => [attempt, redeliveries])).to.deep.equal([
      [1, 0],
      [2, 0],
      [3, 1],
      [4, 1],
      [5, 2],
      [6, 2],
    ]);
    expect(calls[2]!.at - calls[1]!.at).to.be.within(295, 5000);
    expect(calls[4]!.at - calls[3]!.at).to.be.within(695, 5000);
    const [first, ...others] = calls.map(({ message }) => message);
    expect(first).to.include({
      exchange,
      routingKey: 'paid',
      messageId: 'm',
      expiration: '60000',
      priority: 2,
      userId: 'guest',
    });
    for (const other of others) expect({ ...other, redelivered: false }).to.deep.equal(first);
    expect(parked.headers).to.include({
      'x-original-exchange': exchange,
      'x-original-routingKey': 'paid',
      tenant: 'a',
    });
    expect(parked.headers).to.include({ 'x-leveret-attempts': 6, 'x-leveret-redeliveries': 2 });
    expect(running.of('redelivery').map(({ way, delayMs }) => [way, delayMs])).to.deep.equal([
      ['ladder', 300],
      ['ladder', 700],
    ]);
    expect(await raw.ready(queue)).to.equal(0);
  });

  it('comes back to the one queue of a fan-out whose handler failed', async () => {
    const raw = await broker.raw();
    const exchange = unique('fanout');
    const handled: string[] = [];
    const queues = ['a', 'b', 'c'].map((name) => unique(name));
    const listeners = queues.map((queue, index) =>
      orderListener(
        {
          queue: { name: queue },
          bindings: { exchange: { name: exchange, type: 'fanout' } },
          redeliver: { delays: [200] },
        },
        (_order, { redeliveries }) => {
          handled.push(`${index}.${redeliveries}`);
          if (index === 1 && redeliveries === 0) throw new Error('down');
        },
      ),
    );
    await using running = await startApp(broker.url, { listeners });
    await raw.publish(exchange, '', { id: 1 });
    await eventually('the redelivery', () => running.count('handled') === 3);
    expect(handled.toSorted()).to.deep.equal(['0.0', '1.0', '1.1', '2.0']);
  });

  it('waits as long as the handler says, counted or not', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('after'));
    const calls: Call[] = [];
    const listener = orderListener({ queue, retry: { maxAttempts: 5 } }, (_order, context) => {
      calls.push(callOf(context));
      if (calls.length === 1) throw new Error('down', { cause: new RetryAfter('1s') });
      if (calls.length === 2) throw new RetryAfter(new Date(Date.now() + 800), { counts: false });
      if (calls.length === 3) throw new RejectMessage();
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    await raw.send(queue, { id: 1 });
    await eventually('the end of it', () => running.count('rejected') === 1, 10_000);
    expect(calls.map(({ attempt, redeliveries }) => [attempt, redeliveries])).to.deep.equal([
      [1, 0],
      [2, 1],
      [3, 1],
    ]);
    expect(calls[1]!.at - calls[0]!.at).to.be.within(995, 5000);
    expect(calls[2]!.at - calls[1]!.at).to.be.within(795, 5000);
    expect(calls[2]!.message).to.include({ exchange: '', routingKey: queue });
  });

  it('takes the word of a stranger for nothing', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('forged'));
    const calls: Call[] = [];
    const listener = orderListener({ queue, redeliver: { delays: [100, 100] } }, (_order, context) => {
      calls.push(callOf(context));
      if (calls.length < 3) throw new Error('down');
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    const headers = {
      'x-leveret-redeliveries': 1000,
      'x-leveret-attempts': 99,
      'x-leveret-original-exchange': 'admin',
      'x-leveret-original-routing-key': 'root',
      'x-leveret-original-user-id': 'admin',
    };
    await raw.send(queue, { id: 1 }, { headers });
    await eventually('it handled', () => running.count('handled') === 1);
    expect(calls.map(({ attempt, redeliveries }) => [attempt, redeliveries])).to.deep.equal([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
    for (const { message } of calls) {
      expect(message).to.include({ exchange: '', routingKey: queue, userId: undefined });
      expect(message.headers).to.deep.equal(headers);
    }
  });

  it('does not hold a second message up behind one that waits longer', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('held'));
    const done: number[] = [];
    const listener = orderListener({ queue, redeliver: { delays: ['1s', '1h'] } }, ({ id }, { redeliveries }) => {
      if (id === 1 || redeliveries === 0) throw id === 1 ? new RetryAfter('1h') : new Error('down');
      done.push(id);
    });
    await using running = await startApp(broker.url, { listeners: [listener] });
    for (const id of [1, 2]) await raw.send(queue, { id });
    await eventually('the second', () => done.length === 1, 5000);
    expect(running.count('redelivery')).to.equal(2);
  });

  it('tells how many wait and until when, and brings its own back at once when asked to', async () => {
    const raw = await broker.raw();
    const [mine, other] = [await raw.declare(unique('mine')), await raw.declare(unique('other'))];
    const delayMs = 90_000 + Math.floor(Math.random() * 1000);
    const calls: string[] = [];
    const listenerOf = (id: string, queue: string) =>
      orderListener({ id, queue, redeliver: { delays: [delayMs] } }, (order, { redeliveries }) => {
        calls.push(`${id} ${order.id} ${redeliveries}`);
        if (redeliveries === 0) throw order.id === 3 ? new RetryAfter('2h') : new Error('down');
      });
    await using running = await startApp(broker.url, {
      listeners: [listenerOf('mine', mine), listenerOf('other', other)],
    });
    for (const id of [1, 2, 3]) await raw.send(mine, { id });
    await raw.send(other, { id: 4 });
    await eventually('all waiting', () => running.count('redelivery') === 4);
    const listener = running.app.listeners.get('mine');
    const found = await listener.lookAtWaiting();
    const waiting = found?.waiting?.map((each) => [each.delayMs, each.messages]);
    expect(found?.way).to.equal('ladder');
    expect(waiting).to.deep.equal([[delayMs, 3]]);
    expect(found?.waiting?.[0]?.untilAt).to.be.within(Date.now(), Date.now() + delayMs);
    expect(running.app.health().listeners[0]?.redelivery?.waiting).to.have.lengthOf(1);
    const report = await listener.release();
    expect(report).to.deep.equal({ released: 3, complete: true });
    await eventually('mine handled', () => running.count('handled') === 3);
    expect(calls.filter((call) => call.startsWith('mine')).toSorted()).to.deep.equal([
      ...['mine 1 0', 'mine 1 1', 'mine 2 0', 'mine 2 1', 'mine 3 0', 'mine 3 1'],
    ]);
    expect((await listener.lookAtWaiting())?.waiting?.[0]?.messages).to.equal(1);
    expect(calls).not.to.include('other 4 1');
  });

  it('keeps what comes back to a queue that is gone, until it is there again', async () => {
    const raw = await broker.raw();
    const queue = unique('gone');
    const calls: number[] = [];
    const listener = orderListener(
      { id: 'gone', queue: { name: queue }, redeliver: { delays: [1500] } },
      (_order, context) => {
        calls.push(context.redeliveries);
        if (context.redeliveries === 0) throw new Error('down');
      },
    );
    {
      await using running = await startApp(broker.url, { listeners: [listener], service: queue });
      await raw.send(queue, { id: 1 });
      await eventually('it waits', () => running.count('redelivery') === 1);
    }
    await raw.deleteQueue(queue);
    await eventually('it stranded', async () => (await raw.ready(`leveret.${queue}.stranded`)) === 1, 8000);
    await using running = await startApp(broker.url, { listeners: [listener], service: queue });
    const found = await running.app.listeners.get('gone').lookAtWaiting();
    expect(found?.stranded).to.deep.equal({ queue: `leveret.${queue}.stranded`, messages: 1 });
    expect(await running.app.listeners.get('gone').release()).to.deep.equal({ released: 1, complete: true });
    await eventually('it handled', () => running.count('handled') === 1);
    expect(calls).to.deep.equal([0, 1]);
  });

  it('answers the requester, and takes effect once, over a redelivery', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('asked'));
    const effects: number[] = [];
    class Orders {
      @Listener({ queue, redeliver: { delays: [300] } })
      @Idempotent((message) => message.messageId)
      onOrder(@Payload() order: Order, @Context() { redeliveries }: DeliveryContext): { readonly paid: number } {
        if (redeliveries === 0) throw new Error('down');
        effects.push(order.id);
        return { paid: order.id };
      }
    }
    await using running = await startApp(broker.url, { listeners: [Orders] });
    const answer = await running.app.publisher.request('', queue, { id: 7 }, { messageId: 'once' });
    expect(answer).to.deep.equal({ paid: 7 });
    await running.app.publisher.sendToQueue(queue, { id: 7 }, { messageId: 'once' });
    await eventually('the duplicate', () => running.count('duplicate') === 1);
    expect(effects).to.deep.equal([7]);
    expect(running.count('redelivery')).to.equal(1);
  });

  it('has copies only where the queue cannot hold messages back by itself, and never early', async () => {
    const [even, made] = [unique('even'), unique('made')];
    const raw = await broker.raw();
    await raw.declare(made, { arguments: { 'x-queue-type': 'quorum' } });
    const calls: (Call & { readonly queue: string })[] = [];
    const listenerOf = (queue: string) =>
      orderListener(
        { id: queue, queue: { name: queue, type: 'quorum' }, redeliver: { delays: [400, 800] } },
        (_order, context) => {
          calls.push({ ...callOf(context), queue });
          if (context.redeliveries < 2) throw new Error('down');
        },
      );
    await using running = await startApp(broker.url, { listeners: [listenerOf(even), listenerOf(made)] });
    const before = running.app.publisher.stats.confirmed;
    for (const queue of [even, made]) await raw.send(queue, { id: 1 }, { messageId: 'm' });
    await eventually('both handled', () => running.count('handled') === 2, 10_000);
    const wayOf = (id: string) => running.app.listeners.get(id).inspect().redelivery?.way;
    const isNative = broker.isAtLeast('4.3');
    // The one that somebody had made without the arguments cannot learn to.
    expect([wayOf(even), wayOf(made)]).to.deep.equal([isNative ? 'native' : 'ladder', 'ladder']);
    expect(running.app.publisher.stats.confirmed - before).to.equal(isNative ? 2 : 4);
    for (const queue of [even, made]) {
      const own = calls.filter((call) => call.queue === queue);
      expect(own.map(({ attempt, redeliveries }) => [attempt, redeliveries])).to.deep.equal([
        [1, 0],
        [2, 1],
        [3, 2],
      ]);
      expect(own[1]!.at - own[0]!.at).to.be.within(395, 5000);
      expect(own[2]!.at - own[1]!.at).to.be.within(795, 5000);
    }
  });
});
