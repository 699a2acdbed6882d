import { expect } from 'chai';
import { describe, it } from 'mocha';
import { MessageConversionError } from '../errors/message-error.js';
import type { Message } from './message.js';
import { aMessage } from './message.support.test.js';
import { refuseUnreadable } from './verbatim.js';

describe('refuseUnreadable', () => {
  it('refuses a message whose properties nobody can understand, with the fault', () => {
    const verbatim: NonNullable<Message['verbatim']> = {
      ...{ properties: {}, headers: [], section: undefined, fault: 'its headers end early' },
    };
    expect(() => refuseUnreadable(aMessage({ verbatim })))
      .to.throw(MessageConversionError)
      .with.property('message', 'The message cannot be understood: its headers end early.');
  });

  it('lets any other pass, also one that only bytes hold', () => {
    refuseUnreadable(aMessage());
    refuseUnreadable(aMessage({ verbatim: { properties: {}, headers: [], section: undefined, fault: undefined } }));
  });
});
