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
