import type { ConsumeRequest, Delivery, ListenerSnapshot } from '@leveret/core';
import { expect } from 'chai';
import type { Health, ScheduleSnapshot } from 'leveret';
import { describe, it } from 'mocha';
import { buildMessage } from '../unit/build-message.js';
import { ConsumerWatch, DeliveryRecord } from '../watch/delivery-record.js';
import { type Facts, whyBusy } from './why-busy.js';

const listener = (parts: Partial<ListenerSnapshot> = {}) =>
  ({
    id: 'Orders',
    queue: 'orders',
    state: 'running',
    attached: 1,
    wanted: 1,
    consumers: 1,
    ...parts,
  }) as ListenerSnapshot;

const health = (listeners: readonly ListenerSnapshot[], state = 'connected') =>
  ({ listeners, connections: [{ role: 'consume', state, lastError: new Error('no route') }] }) as unknown as Health;

const brokerWith = (queue: { readonly ready: number; readonly consumers: number }, unacked = 0) => ({
  unacked,
  queue: () => queue,
});

function texts(parts: Partial<Facts>): readonly string[] {
  const facts: Facts = {
    health: health([listener()]),
    schedules: [],
    consumers: [],
    publishes: [],
    held: 0,
    broker: brokerWith({ ready: 0, consumers: 1 }),
    includeRetries: false,
    nameOf: () => 'Orders.onOrder',
    ...parts,
  };
  return whyBusy(facts).map(({ text }) => text);
}

/** A consumer with so many deliveries, and a channel that is open. */
function consumerWith(count: number, request: Partial<ConsumeRequest> = {}) {
  const consumer = new ConsumerWatch({ prefetch: 10, noAck: false, tagPrefix: 'Orders', ...request } as ConsumeRequest);
  const channel = { isOpen: true };
  const records = Array.from({ length: count }, () => {
    const delivery = { message: buildMessage({}), queue: 'orders', channel } as unknown as Delivery;
    const record = new DeliveryRecord(delivery, consumer);
    consumer.open.add(record);
    return record;
  });
  return { consumer, records, channel };
}

describe('whyBusy', () => {
  it('finds nothing where nothing goes on', () => {
    expect(texts({})).to.deep.equal([]);
  });

  it('finds a connection that is gone, and why', () => {
    expect(texts({ health: health([], 'waiting') })).to.deep.equal(['the connection to consume is waiting: no route']);
  });

  it('finds a consumer that is not there, by what the application knows or by what the broker knows', () => {
    const cut = new Error('cut');
    expect(texts({ health: health([listener({ attached: 1, wanted: 2, lastError: cut })]) })).to.deep.equal([
      'listener Orders has 1 of 2 consumers: cut',
    ]);
    expect(texts({ broker: brokerWith({ ready: 0, consumers: 0 }) })).to.deep.equal([
      'listener Orders has 0 of 1 consumers',
    ]);
  });

  it('asks nothing of a listener that does not run', () => {
    const stopped = health([listener({ state: 'stopped', attached: 0 })]);
    expect(texts({ health: stopped, broker: brokerWith({ ready: 5, consumers: 0 }) })).to.deep.equal([]);
  });

  it('finds the message that a kill switch is about to try, until it is at work', () => {
    const killSwitch = { state: 'probing' as const, trips: 1, failed: 0, of: 0 };
    const probing = health([listener({ state: 'paused', attached: 0, wanted: 0, killSwitch })]);
    const told = ['listener Orders is about to try a message, to see whether the outage is over'];
    const broker = brokerWith({ ready: 5, consumers: 0 });
    const { consumer, records } = consumerWith(1);
    records[0]!.phase = 'waiting';
    expect(texts({ health: probing, broker, consumers: [consumer] })).to.include.members(told);
    const record = records[0]!;
    record.attemptStarted({ record, number: 1, payload: undefined, startedAtMs: 0, call: undefined });
    expect(texts({ health: probing, broker, consumers: [consumer] })).not.to.include.members(told);
    expect(texts({ health: probing, broker: brokerWith({ ready: 0, consumers: 0 }) })).to.deep.equal([]);
  });

  it('finds messages that are ready, unless every consumer is full', () => {
    const broker = brokerWith({ ready: 2, consumers: 1 }, 1);
    const { consumer, records } = consumerWith(1, { prefetch: 1 });
    records[0]!.phase = 'waiting';
    expect(texts({ broker, consumers: [consumer] })).to.deep.equal([]);
    const { consumer: roomy, records: held } = consumerWith(1, { prefetch: 2 });
    held[0]!.phase = 'waiting';
    expect(texts({ broker, consumers: [roomy] })).to.deep.equal(['queue orders has 2 ready for listener Orders']);
  });

  it('finds deliveries and settlements that are on their way', () => {
    expect(texts({ broker: brokerWith({ ready: 0, consumers: 1 }, 1) })).to.deep.equal([
      '1 deliveries are unacknowledged at the broker, 0 here',
    ]);
  });

  it('finds a delivery that waits for its turn, unless the one before it waits for time to pass', () => {
    const { consumer, records } = consumerWith(2);
    const [first] = records as [DeliveryRecord, DeliveryRecord];
    const broker = brokerWith({ ready: 0, consumers: 1 }, 2);
    first.phase = 'working';
    expect(texts({ consumers: [consumer], broker })).to.deep.equal([
      'Orders.onOrder is having a message read or settled',
      'Orders.onOrder has a message waiting for its turn',
    ]);
    first.phase = 'waiting';
    expect(texts({ consumers: [consumer], broker })).to.deep.equal([]);
    expect(texts({ consumers: [consumer], broker, includeRetries: true })).to.deep.equal([
      'Orders.onOrder waits before it is called again',
    ]);
  });

  it('forgets deliveries whose channel is gone', () => {
    const { consumer, channel } = consumerWith(2);
    channel.isOpen = false;
    expect(texts({ consumers: [consumer] })).to.deep.equal([]);
  });

  it('finds schedules that run', () => {
    const schedules = [
      { id: 'Orders.reconcile', state: 'running', runningSince: 1 },
      { id: 'Orders.clean', state: 'waiting' },
    ] as ScheduleSnapshot[];
    expect(texts({ schedules })).to.deep.equal(['schedule Orders.reconcile is running']);
  });

  it('finds publishes without a confirm, and those that the publisher holds back', () => {
    const publishes = [{ exchange: 'pay.direct', routingKey: 'pay.success' }];
    expect(texts({ publishes, held: 3 })).to.deep.equal([
      'a message to exchange "pay.direct" with routing key "pay.success" has no confirm',
      'the publisher holds 2 messages back: it is blocked, or waits for another attempt',
    ]);
  });
});
