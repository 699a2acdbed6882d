import { expect } from 'chai';
import { describe, it } from 'mocha';
import { ConfigurationError, Problems } from '../errors/configuration-error.js';
import type { MessageConverter } from '../message/message-converter.js';
import { buildPublication } from './build-publication.js';
import { textConverter } from './fake-publish-transport.support.test.js';
import type { PublishOptions } from './publish-options.js';
import { type PublisherOptions, resolvePublisherOptions } from './publisher-options.js';

function build(options?: PublishOptions, publisher: PublisherOptions = {}, converter = textConverter) {
  const route = { exchange: 'orders', routingKey: 'paid' };
  return buildPublication(route, 'hi', options, resolvePublisherOptions(publisher, new Problems()), converter);
}

describe('buildPublication', () => {
  it('makes a persistent, mandatory message with an id of its own', () => {
    const { properties, ...rest } = build();
    expect(rest).to.deep.equal({
      exchange: 'orders',
      routingKey: 'paid',
      body: Buffer.from('hi'),
      headers: {},
      mandatory: true,
    });
    expect(properties).to.include({ contentType: 'text/plain', contentEncoding: 'UTF-8', deliveryMode: 2 });
    expect(properties.messageId).to.match(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(build().properties.messageId).not.to.equal(properties.messageId);
  });

  it('makes no id when told so, and keeps one that is given', () => {
    expect(build({}, { createMessageIds: false }).properties.messageId).to.equal(undefined);
    expect(build({ messageId: 'm1' }).properties.messageId).to.equal('m1');
  });

  it('writes every option as it goes on the wire', () => {
    const { properties, headers } = build({
      correlationId: 'c',
      replyTo: 'r',
      type: 't',
      appId: 'a',
      userId: 'u',
      timestamp: new Date('2026-01-01T00:00:00.900Z'),
      expiration: '1.5s',
      priority: 0,
      persistent: false,
      headers: { tenant: 'x' },
      cc: ['one', 'two'],
      bcc: 'three',
    });
    expect(properties).to.include({
      correlationId: 'c',
      replyTo: 'r',
      type: 't',
      appId: 'a',
      userId: 'u',
      timestamp: 1_767_225_600,
      expiration: '1500',
      priority: 0,
      deliveryMode: 1,
    });
    expect(headers).to.deep.equal({ tenant: 'x', CC: ['one', 'two'], BCC: ['three'] });
  });

  it("takes the publisher's defaults where the call says nothing", () => {
    const publisher: PublisherOptions = {
      appId: 'shop',
      persistent: false,
      defaults: { headers: { a: '1', b: '1' }, priority: 3, expiration: 1000 },
    };
    const { properties, headers } = build({ headers: { b: '2' }, priority: 5 }, publisher);
    expect(properties).to.include({ appId: 'shop', priority: 5, expiration: '1000', deliveryMode: 1 });
    expect(headers).to.deep.equal({ a: '1', b: '2' });
  });

  const defaults = {
    ...{ replyTo: 'r', contentType: 'text/csv', contentEncoding: 'utf-16le', type: 't', appId: 'a', userId: 'u' },
    ...{ timestamp: 5, expiration: 1000, priority: 3, persistent: false, mandatory: false, cc: 'c', bcc: ['b'] },
  };
  const hinting: MessageConverter = {
    ...textConverter,
    toMessage: (payload, hints) => ({ body: Buffer.from(JSON.stringify([payload, hints])), ...hints }),
  };

  it('takes each of its properties from the defaults of the publisher where the call does not say it', () => {
    const { body, properties, headers, mandatory } = build({}, { defaults, createMessageIds: false }, hinting);
    expect(properties).to.deep.equal({
      ...{ contentType: 'text/csv', contentEncoding: 'utf-16le', deliveryMode: 1, priority: 3, replyTo: 'r' },
      ...{ expiration: '1000', timestamp: 5, type: 't', userId: 'u', appId: 'a' },
      ...{ correlationId: undefined, messageId: undefined },
    });
    expect([headers, mandatory]).to.deep.equal([{ CC: ['c'], BCC: ['b'] }, false]);
    expect(JSON.parse(body.toString())).to.deep.equal(['hi', { contentType: 'text/csv', contentEncoding: 'utf-16le' }]);
  });

  it('takes each from the call first, what is nothing or false included', () => {
    const own: PublishOptions = {
      ...{ replyTo: 'R', contentType: 'text/tsv', contentEncoding: 'ascii', type: 'T', appId: 'A', userId: 'U' },
      ...{ timestamp: 0, expiration: 0, priority: 0, persistent: true, mandatory: true, cc: 'C', bcc: 'B' },
    };
    const { properties, headers, mandatory } = build(own, { defaults, createMessageIds: false }, hinting);
    expect(properties).to.deep.equal({
      ...{ contentType: 'text/tsv', contentEncoding: 'ascii', deliveryMode: 2, priority: 0, replyTo: 'R' },
      ...{ expiration: '0', timestamp: 0, type: 'T', userId: 'U', appId: 'A' },
      ...{ correlationId: undefined, messageId: undefined },
    });
    expect([headers, mandatory]).to.deep.equal([{ CC: ['C'], BCC: ['B'] }, true]);
  });

  it('tells the converter what it is to write as far as anybody says', () => {
    const hints = (options: PublishOptions, publisher: PublisherOptions = {}) =>
      JSON.parse(build(options, publisher, hinting).body.toString())[1];
    expect([
      hints({}),
      hints({ contentType: 'a/b' }),
      hints({ contentEncoding: 'ascii' }),
      hints({}, { defaults: { contentEncoding: 'ascii' } }),
    ]).to.deep.equal([{}, { contentType: 'a/b' }, { contentEncoding: 'ascii' }, { contentEncoding: 'ascii' }]);
  });

  it('has the headers that its converter made, below those of the publisher and of the call', () => {
    const made: MessageConverter = {
      ...textConverter,
      toMessage: (payload, hints) => ({ ...textConverter.toMessage(payload, hints), headers: { a: 1, b: 1, c: 1 } }),
    };
    expect(build(undefined, {}, made).headers).to.deep.equal({ a: 1, b: 1, c: 1 });
    const headers = { b: 2, c: 2 };
    expect(build({ headers: { c: 3 } }, { defaults: { headers } }, made).headers).to.deep.equal({ a: 1, b: 2, c: 3 });
    expect(build({}, { defaults: { headers } }).headers).to.deep.equal(headers);
  });

  it('takes times from 1970 on, and times to live of any length', () => {
    for (const timestamp of [0, new Date(0), new Date(999)])
      expect(build({ timestamp }).properties.timestamp).to.equal(0);
    expect(build({ expiration: '30d' }).properties.expiration).to.equal('2592000000');
    expect(build({ expiration: 0 }).properties.expiration).to.equal('0');
  });

  it('rounds a time to live up: one that is not 0 does not become 0', () => {
    expect(build({ expiration: 0.2 }).properties.expiration).to.equal('1');
  });

  it('refuses unknown options and what is not of the expected kind, all at once', () => {
    const options = { persitent: true, messageId: 7, mandatory: 'yes', type: undefined } as unknown as PublishOptions;
    expect(() => build(options))
      .to.throw(ConfigurationError)
      .with.property('problems')
      .that.satisfies((problems: readonly string[]) => {
        expect(problems).to.have.lengthOf(3);
        expect(problems[0]).to.match(/^unknown option "persitent" of a publish\. Did you mean "persistent"\?/);
        expect(problems[1]).to.equal('publish option messageId must be a text; got 7');
        expect(problems[2]).to.equal('publish option mandatory must be true or false; got "yes"');
        return true;
      });
    const faults = new Problems();
    resolvePublisherOptions({ defaults: { priority: 256, cc: [1], messageId: 'a' } as never }, faults);
    expect(faults.list).to.deep.equal([
      'defaults.priority must be a whole number from 0 to 255; got 256',
      'defaults.cc must be a routing key or an array of routing keys; got 1',
      'defaults.messageId is said of one message: give it to the publish',
    ]);
  });

  it('takes no name that every object has for an option', () => {
    const options = { constructor: 1 } as unknown as PublishOptions;
    expect(() => build(options)).to.throw(ConfigurationError, 'unknown option "constructor" of a publish');
  });

  it('refuses what the broker would close the channel for', () => {
    const bad: object[] = [
      { priority: 256 },
      { priority: 1.5 },
      { expiration: -1 },
      { expiration: 'soon' },
      { timestamp: 1.5 },
      { timestamp: -1 },
      { timestamp: new Date(-1) },
      { timestamp: new Date(Number.NaN) },
      { cc: 7 },
      { bcc: ['a', 7] },
    ];
    for (const options of bad) expect(() => build(options), JSON.stringify(options)).to.throw(ConfigurationError);
  });
});
