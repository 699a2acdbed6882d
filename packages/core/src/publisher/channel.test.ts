import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ConfigurationError } from '../errors/configuration-error.js';
import { MessageValidationError } from '../errors/message-error.js';
import type { PayloadType } from '../message/payload-type.js';
import { channel, isChannel } from './channel.js';
import { setUp, turn, watch } from './fake-publish-transport.support.test.js';

class Paid {
  constructor(readonly orderId: number) {}
}

const paid = channel('pay.direct', (payment: Paid) => `paid.${payment.orderId}`, { payload: Paid, type: 'pay.paid' });
const note = channel<string>('notes', 'note');

describe('channel', () => {
  it('says where a payload goes, and as what', async () => {
    const { publisher, transport } = setUp();
    watch(publisher.publish(paid, new Paid(7)));
    watch(publisher.publish(paid, { orderId: 8 }, { type: 'other' }));
    watch(publisher.publish(note, 'x', { headers: { a: 1 } }));
    await turn();
    expect(transport.channel.sent.map((sent) => [sent.exchange, sent.routingKey, sent.properties.type])).to.deep.equal([
      ['pay.direct', 'paid.7', 'pay.paid'],
      ['pay.direct', 'paid.8', 'other'],
      ['notes', 'note', undefined],
    ]);
    expect(transport.channel.sent[2]?.headers).to.deep.equal({ a: 1 });
  });

  it('goes with publishAll', async () => {
    const { publisher, transport } = setUp();
    watch(
      publisher.publishAll([
        { channel: paid, payload: new Paid(1) },
        { channel: note, payload: 'x', options: { messageId: 'm' } },
        { queue: 'q', payload: 'y' },
      ]),
    );
    await turn();
    expect(transport.channel.sent.map(({ routingKey }) => routingKey)).to.deep.equal(['paid.1', 'note', 'q']);
    expect(transport.channel.sent[1]?.properties.messageId).to.equal('m');
  });

  it('tells validate what its payloads are declared as', async () => {
    const told: (PayloadType | undefined)[] = [];
    const { publisher } = setUp({ validate: (_payload, type) => void told.push(type) });
    watch(publisher.publish(paid, new Paid(1)));
    watch(publisher.publish(note, 'x'));
    watch(publisher.publish('notes', 'note', 'x'));
    watch(publisher.publishAll([{ channel: paid, payload: new Paid(1) }]));
    watch(publisher.request(paid, new Paid(1)));
    await turn();
    expect(told).to.deep.equal([Paid, undefined, undefined, Paid, Paid]);
  });

  it('rejects when its routing key cannot be found, and sends nothing', async () => {
    const { publisher, transport } = setUp();
    const wrong = watch(publisher.publish(paid, undefined as never));
    const empty = watch(
      publisher.publish(
        channel<Paid>('x', () => undefined as never),
        new Paid(1),
      ),
    );
    await turn();
    expect(wrong.error).to.be.instanceOf(TypeError);
    expect(empty.error).to.be.instanceOf(ConfigurationError);
    expect(transport.tries).to.equal(0);
  });

  it('refuses arguments of another kind, and a class that is not defined yet', () => {
    expect(() => channel(7 as never, 'x')).to.throw(ConfigurationError, 'channel() takes an exchange');
    expect(() => channel('x', undefined as never)).to.throw(ConfigurationError, 'got "x" and undefined');
    expect(() => channel('x', 'y', null as never)).to.throw(ConfigurationError);
    expect(() => channel('x', 'y', { payload: undefined as never })).to.throw(
      ConfigurationError,
      'was given undefined as payload',
    );
  });

  it('is known by its mark alone, which no message can bear', () => {
    expect([isChannel(paid), isChannel({ ...paid })]).to.deep.equal([true, true]);
    for (const other of [undefined, null, 'x', {}, JSON.parse(JSON.stringify(paid))]) {
      expect(isChannel(other)).to.equal(false);
    }
  });
});

describe('a publisher that validates', () => {
  it('does not wait for a rule for ever, and sends nothing', async () => {
    let release = () => {};
    const validate = () => new Promise<void>((resolve) => (release = resolve));
    const { publisher, transport, clock } = setUp({ validate, confirmTimeout: '2s' });
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(1999);
    expect(publishing.settlements).to.equal(0);
    await clock.advance(1);
    expect(publishing.error).to.include({ code: 'LEV_VALIDATION_TIMEOUT' });
    release();
    await turn();
    expect([publishing.settlements, transport.tries]).to.deep.equal([1, 0]);
  });

  it('swallows what a rule rejects with behind its time', async () => {
    let fail = (_error: Error) => {};
    const validate = () => new Promise<void>((_resolve, reject) => (fail = reject));
    const { publisher, clock } = setUp({ validate, confirmTimeout: '2s' });
    const publishing = watch(publisher.publish('orders', 'paid', 'x'));
    await clock.advance(2000);
    fail(new MessageValidationError('late', []));
    await turn();
    expect(publishing.error).to.include({ code: 'LEV_VALIDATION_TIMEOUT' });
  });
});
