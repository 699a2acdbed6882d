import { expect } from 'chai';
import { describe, it } from 'mocha';
import { aMessage } from '../test-support/a-message.js';
import { readFailure } from './failure.js';

const STACK = `org.springframework.amqp.rabbit.support.ListenerExecutionFailedException: Listener threw exception
	at org.springframework.amqp.rabbit.listener.adapter.Adapter.invoke(Adapter.java:1)
Caused by: com.acme.CardDeclined: card 4711 declined
	at java.base/java.lang.Thread.run(Thread.java:1)
	at com.acme.PayListener.onPay(PayListener.java:42)`;

describe('readFailure', () => {
  it('reads what leveret has written', () => {
    const failure = readFailure(
      aMessage({
        headers: {
          'x-leveret-queue': 'orders',
          'x-leveret-fingerprint': 'abc',
          'x-leveret-listener': 'L.on',
          'x-leveret-service': 'trade',
          'x-leveret-attempts': 3,
          'x-leveret-first-failed-at': '2026-11-27T10:00:00.000Z',
          'x-original-exchange': 'pay.direct',
          'x-original-routingKey': 'pay.success',
        },
      }),
    );
    expect(failure).to.include({ source: 'leveret', fingerprint: 'abc', queue: 'orders', listener: 'L.on' });
    expect(failure).to.include({ service: 'trade', attempts: 3, exchange: 'pay.direct', routingKey: 'pay.success' });
    expect(failure.firstFailedAt).to.equal(Date.parse('2026-11-27T10:00:00.000Z'));
  });

  it('groups what Spring has parked by the innermost exception and its own frame, not by values', () => {
    const spring = (message: string, stack?: string) =>
      readFailure(
        aMessage({
          headers: {
            'x-original-exchange': '',
            'x-original-routingKey': 'pay',
            'x-exception-message': message,
            ...(stack === undefined ? {} : { 'x-exception-stacktrace': stack }),
          },
        }),
      );
    const failure = spring('card 4711 declined', STACK);
    expect(failure).to.include({ source: 'spring', queue: 'pay', errorName: 'com.acme.CardDeclined' });
    expect(spring('x', STACK.replace('4711', '5')).fingerprint).to.equal(failure.fingerprint);
    expect(spring('x', STACK.replace('onPay', 'onRefund')).fingerprint).to.not.equal(failure.fingerprint);
    expect(spring('card 1 declined').fingerprint).to.equal(spring('card 22 declined').fingerprint);
    expect(spring('card 1 declined').fingerprint).to.not.equal(spring('card 1 expired').fingerprint);
  });

  it('reads a dead letter: the newest failure counts, not where it waited', () => {
    const waited = { queue: 'wait', reason: 'expired', count: 1, exchange: '', 'routing-keys': ['wait'] };
    const time = { '!': 'timestamp', value: 1_700_000_000 };
    const failed = { queue: 'orders', reason: 'rejected', count: 4, exchange: 'ex', 'routing-keys': ['k'], time };
    const failure = readFailure(aMessage({ headers: { 'x-death': [waited, failed] } }));
    expect(failure).to.include({
      source: 'dead-letter',
      queue: 'orders',
      exchange: 'ex',
      routingKey: 'k',
      attempts: 4,
    });
    expect(failure.firstFailedAt).to.equal(1_700_000_000_000);
    expect(failure.deaths).to.have.length(2);
  });

  it('takes nothing of the wrong shape from a stranger', () => {
    const odd = [undefined, null, 7, 'x', {}, [], [null], [{ queue: 1 }], [{ queue: 'q', reason: {} }]];
    for (const death of odd) {
      const failure = readFailure(aMessage({ headers: { 'x-death': death, 'x-leveret-attempts': -1 } }));
      expect(failure).to.include({ source: 'unknown', queue: undefined, attempts: undefined });
    }
    const times = ['not a time', 5, '1'.repeat(100)];
    for (const time of times) {
      const headers = { 'x-leveret-queue': 'q', 'x-leveret-first-failed-at': time };
      expect(readFailure(aMessage({ headers })).firstFailedAt).to.equal(undefined);
    }
  });
});

describe('readFailure, of headers that anybody can write,', () => {
  const read = (headers: Record<string, unknown>, more: object = {}) =>
    readFailure(aMessage({ headers: { 'x-leveret-queue': 'q', ...headers }, ...more }));

  it('takes counts from 0, and nothing else for one', () => {
    expect(read({ 'x-leveret-attempts': 0, 'x-leveret-redeliveries': 2 })).to.include({ attempts: 0, redeliveries: 2 });
    for (const odd of [-1, 1.5, '3', null, Number.NaN]) {
      expect(read({ 'x-leveret-attempts': odd }).attempts, String(odd)).to.equal(undefined);
    }
  });

  it('takes texts that come as bytes, and 64 Ki of each', () => {
    const stack = (value: unknown) => read({ 'x-exception-stacktrace': value }).stack;
    expect(stack(Buffer.from('é at x'))).to.equal('é at x');
    expect(stack(Buffer.alloc(70_000, 'x'))).to.have.lengthOf(65_536);
    expect(stack('x'.repeat(70_000))).to.have.lengthOf(65_536);
    expect(stack(5)).to.equal(undefined);
  });

  it('takes times that are some, and no more than a line of them', () => {
    const at = (value: unknown) => read({ 'x-leveret-last-failed-at': value }).lastFailedAt;
    expect(at('2026-11-27T10:00:00.000Z')).to.equal(Date.UTC(2026, 10, 27, 10));
    for (const odd of ['yesterday', 5, undefined, `${' '.repeat(40)}2026-11-27`]) expect(at(odd)).to.equal(undefined);
  });

  it('says of what Spring has parked when that was, by its timestamp', () => {
    const headers = { 'x-original-exchange': 'ex', 'x-original-routingKey': 'k', 'x-exception-message': 'no' };
    const spring = readFailure(aMessage({ headers, timestamp: 1_700_000_000, appId: 'trade' }));
    expect(spring).to.include({
      source: 'spring',
      service: 'trade',
      queue: undefined,
      exchange: 'ex',
      routingKey: 'k',
    });
    expect([spring.firstFailedAt, spring.lastFailedAt]).to.eql([1_700_000_000_000, 1_700_000_000_000]);
    expect(readFailure(aMessage({ headers })).firstFailedAt).to.equal(undefined);
  });
});
