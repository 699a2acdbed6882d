import { expect } from 'chai';
import { describe, it } from 'mocha';
import { aMessage } from '../message/message.support.test.js';
import { OUTCOME_TO, OutcomeTeller, outcomeOf } from './tell-outcome.js';

const ASKED = { [OUTCOME_TO]: 'leveret.outcome.1', 'x-leveret-retry-of': 'k1' };
const HANDLED = { type: 'handled', durationMs: 1, attempts: 1 } as const;

describe('telling what became of a message that was sent back', () => {
  it('tells an end, with the listener and the error', () => {
    const message = aMessage({ headers: ASKED, messageId: 'm1' });
    const error = new Error('no amqp://u:secret@host');
    const told = outcomeOf(message, { type: 'recovered', reason: 'exhausted', error } as never, { listenerId: 'L.on' });
    expect(told?.exchange).to.equal('');
    expect(told?.routingKey).to.equal('leveret.outcome.1');
    expect([told?.mandatory, told?.body.length]).to.deep.equal([false, 0]);
    expect(told?.properties).to.deep.equal({ deliveryMode: 1, correlationId: 'm1' });
    expect(told?.headers).to.include({
      'x-leveret-retry-of': 'k1',
      'x-leveret-outcome': 'recovered',
      'x-leveret-listener': 'L.on',
    });
    expect(told?.headers['x-leveret-error'])
      .to.match(/^no amqp:/)
      .and.not.include('secret');
  });

  it('tells nothing of a message that comes again', () => {
    const message = aMessage({ headers: ASKED });
    for (const type of ['failed', 'retried', 'redelivery', 'requeued', 'given-back', 'channel-gone', 'received']) {
      expect(outcomeOf(message, { type } as never, { listenerId: 'L' })).to.equal(undefined);
    }
  });

  it('tells nobody but a queue that is made for it', () => {
    for (const headers of [
      {},
      { ...ASKED, [OUTCOME_TO]: 'orders' },
      { ...ASKED, [OUTCOME_TO]: `leveret.outcome.${'x'.repeat(300)}` },
      { ...ASKED, [OUTCOME_TO]: { a: 1 } },
      { ...ASKED, 'x-leveret-retry-of': 7 },
      { ...ASKED, 'x-leveret-retry-of': 'x'.repeat(101) },
    ]) {
      expect(outcomeOf(aMessage({ headers }), HANDLED, { listenerId: 'L' })).to.equal(undefined);
    }
    const longest = { [OUTCOME_TO]: 'leveret.outcome.'.padEnd(255, 'x'), 'x-leveret-retry-of': 'x'.repeat(100) };
    const told = outcomeOf(aMessage({ headers: longest }), HANDLED, { listenerId: 'L' });
    expect(told?.routingKey).to.equal(longest[OUTCOME_TO]);
    expect(told?.headers, 'nothing went wrong').not.to.have.property('x-leveret-error');
    expect(told?.properties.correlationId).to.equal(undefined);
  });

  it('logs what could not be told, and does not throw', async () => {
    const lines: string[] = [];
    const logger = { debug() {}, info: (_: unknown, text: string) => lines.push(text), warn() {}, error() {} };
    const sender = { send: async () => {}, reply: async () => Promise.reject(new Error('gone')), frameMax: 131_072 };
    new OutcomeTeller({ listenerId: 'L', sender, logger: logger as never }).tell(
      { message: aMessage({ headers: ASKED }) } as never,
      HANDLED,
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include('could not be told');
  });
});
