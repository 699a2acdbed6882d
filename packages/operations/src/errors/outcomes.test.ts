import type { SessionSink } from '@leveret/amqplib';
import type { Delivery, MessageHeaders } from '@leveret/core';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import type { OperationsSession } from '../session/operations-session.js';
import { aMessage } from '../test-support/a-message.js';
import { HandClock } from '../test-support/hand-clock.js';
import { isGood, OutcomeQueue } from './outcomes.js';

describe('OutcomeQueue', () => {
  let clock: HandClock;
  let log: string[];
  let sink: SessionSink;
  let broker: { isOpen: boolean; [method: string]: unknown };
  let outcomes: OutcomeQueue;

  beforeEach(async () => {
    clock = new HandClock();
    log = [];
    broker = {
      isOpen: true,
      declareQueue: async (...args: unknown[]) => void log.push(`declare ${JSON.stringify(args)}`),
      consume: async (name: string, options: object, given: SessionSink) => {
        log.push(`consume ${name} ${JSON.stringify(options)}`);
        sink = given;
        return { close: async () => void log.push('close') };
      },
      deleteQueue: async (name: string) => void log.push(`delete ${name}`),
    };
    outcomes = await OutcomeQueue.open({ broker, clock } as unknown as OperationsSession, 'id');
  });
  const hear = (headers: MessageHeaders) => sink.delivered({ message: aMessage({ headers }) } as Delivery);
  const said = (key: string, outcome: string, more: MessageHeaders = {}) =>
    hear({ 'x-leveret-retry-of': key, 'x-leveret-outcome': outcome, ...more });

  it('is a queue of this connection alone, which messages name, and goes when it is closed', async () => {
    expect(log).to.deep.equal([
      'declare ["leveret.outcome.id",{"durable":false,"exclusive":true,"autoDelete":true}]',
      'consume leveret.outcome.id {"prefetch":0,"noAck":true}',
    ]);
    expect(outcomes.headers).to.deep.equal({ 'x-leveret-outcome-to': 'leveret.outcome.id' });
    await outcomes.close();
    expect(log.slice(2)).to.deep.equal(['close', 'delete leveret.outcome.id']);
    broker['deleteQueue'] = () => Promise.reject(new Error('connection lost'));
    await outcomes.close();
  });

  it('answers as soon as each has an outcome, with what was said last', async () => {
    const waiting = outcomes.wait(['a', 'b'], 60_000);
    said('a', 'recovered', { 'x-leveret-listener': 'L', 'x-leveret-error': 'no stock' });
    said('other', 'handled');
    hear({ 'x-leveret-retry-of': 'b' });
    hear({ 'x-leveret-outcome': 'handled' });
    await clock.advance(100);
    said('b', 'handled');
    expect(await clock.through(waiting)).to.deep.equal([
      { key: 'a', outcome: 'recovered', listener: 'L', error: 'no stock' },
      { key: 'b', outcome: 'handled', listener: undefined, error: undefined },
    ]);
    expect(clock.ms).to.be.within(100, 120);
    expect(clock.waits).to.deep.equal([]);
  });

  it('answers what there is when the time is up, the signal fires or the connection is lost', async () => {
    said('a', 'handled');
    expect(await clock.through(outcomes.wait(['a', 'b'], 1_000))).to.have.lengthOf(1);
    expect(clock.ms).to.equal(1_000);
    const stopping = new AbortController();
    const stopped = outcomes.wait(['a', 'b'], 1_000, stopping.signal);
    stopping.abort();
    expect(await stopped).to.have.lengthOf(1);
    const lost = outcomes.wait(['a', 'b'], 1_000);
    broker.isOpen = false;
    expect(await clock.through(lost)).to.have.lengthOf(1);
    expect(clock.ms).to.be.below(1_100);
  });
});

describe('isGood', () => {
  it('is what need not be looked at any more', () => {
    const words = ['handled', 'duplicate', 'acknowledged', 'recovered', 'rejected', 'dropped', 'skipped'];
    const good = words.filter((outcome) => isGood({ key: 'k', outcome, listener: undefined, error: undefined }));
    expect(good).to.deep.equal(['handled', 'duplicate', 'acknowledged']);
  });
});
