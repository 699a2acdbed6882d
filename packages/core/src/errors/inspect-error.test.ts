import { inspect } from 'node:util';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { PublishError } from '../publisher/publish-error.js';
import { ConfigurationError } from './configuration-error.js';
import { LeveretError } from './leveret-error.js';

describe('an error in a terminal', () => {
  it('is its text where it has no stack', () => {
    const error = new LeveretError('LEV_CHANNEL_CLOSED', 'The channel was closed');
    const cause = Object.defineProperty(new Error('404'), 'stack', { value: undefined });
    Object.defineProperty(error, 'stack', { value: undefined });
    expect(inspect(Object.assign(new LeveretError('LEV_CHANNEL_CLOSED', 'x'), { cause }))).to.match(
      /caused by: Error: 404$/,
    );
    expect(inspect(error)).to.equal('LeveretError: The channel was closed\n  { code: "LEV_CHANNEL_CLOSED" }');
  });

  it('shows what happened and short facts, and nothing of the message it carries', () => {
    const cause = new LeveretError('LEV_CHANNEL_CLOSED', 'The channel was closed', { cause: new Error('404') });
    const publication = { exchange: 'e', routingKey: 'k', body: Buffer.from('card 4111'), properties: {} } as never;
    const details = { publication, fate: 'refused', attempts: 1, causes: [cause] } as const;
    const error = new PublishError('LEV_PUBLISH_EXCHANGE_MISSING', 'It could not be published.', details);
    const text = inspect(error);
    expect(text).to.match(/^PublishError: It could not be published\.\n {4}at /);
    expect(text).to.include('{ code: "LEV_PUBLISH_EXCHANGE_MISSING", fate: "refused", attempts: 1, stuck: false }');
    expect(text).to.include('caused by: LeveretError: The channel was closed');
    expect(text).to.include('caused by: Error: 404');
    expect(text).to.not.match(/4111|publication|Buffer/);
    // The last words of a process ask no object how it is to be shown.
    const last = inspect(error, { customInspect: false });
    expect(last)
      .to.include("fate: 'refused'")
      .and.include('[cause]: LeveretError')
      .and.not.match(/publication|Buffer|causes/);
    expect(error.publication).to.equal(publication);
    expect(() => Object.assign(error, { publication: undefined }), 'it says what happened').to.throw(TypeError);
    expect(JSON.stringify(error)).to.not.include('publication');
  });

  it('says each fault of a configuration once', () => {
    const text = inspect(new ConfigurationError(['queue is missing']));
    expect(text.split('queue is missing')).to.have.length(2);
    const last = inspect(new ConfigurationError(['queue is missing']), { customInspect: false });
    expect(last.split('queue is missing')).to.have.length(2);
  });

  it('keeps the frames of the application in what caused it, and leaves those of libraries out', () => {
    const cause = new Error('boom');
    cause.stack =
      'Error: boom\n    at lib (/a/node_modules/x/y.js:1:1)\n    at own (/app/z.js:2:2)\n    at node:events:1';
    const text = inspect(new LeveretError('LEV_CONFIGURATION', 'x', { cause }));
    expect(text).to.include('caused by: Error: boom\n    at own (/app/z.js:2:2)').and.not.include('y.js');
    const endless = new LeveretError('LEV_CONFIGURATION', 'x');
    endless.cause = endless;
    expect(inspect(endless).split('caused by')).to.have.length(6);
    expect(inspect(new LeveretError('LEV_CONFIGURATION', 'x', { cause: 'text' }))).to.include('caused by: text');
  });
});
