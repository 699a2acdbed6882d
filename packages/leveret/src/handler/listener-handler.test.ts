import { FatalMessageError, type HandlerRoute, Problems } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Handler } from '../decorators/handler.js';
import { Listener } from '../decorators/listener.js';
import { readListeners } from '../reading/read-listeners.js';
import { sampleMessage } from '../test-support/sample-delivery.js';
import { listenerHandler } from './listener-handler.js';

class Paid {}
class Refunded {}

@Listener('q')
class Strict {
  @Handler(Paid, { type: ['pay.succeeded', 'com.example.Paid'] })
  onPaid(_payload: Paid): void {}
  @Handler(Refunded)
  onRefunded(_payload: Refunded): void {}
}

@Listener('q')
class Lenient extends Strict {
  @Handler(Object, { isDefault: true })
  onOther(_payload: object): void {}
}

/** The routes of a class, by name only, and how often one was made. */
function handlerOf(listenerClass: new () => object) {
  const [plan] = readListeners([listenerClass], new Problems());
  const made: string[] = [];
  const handler = listenerHandler(plan!.handler, ({ name }) => {
    made.push(name);
    return { name } as HandlerRoute;
  });
  return { made, nameFor: (rest: object) => handler.route(sampleMessage({}, rest)).name };
}

describe('listenerHandler', () => {
  it('makes each route once, however many types it has', () => {
    expect(handlerOf(Strict).made).to.deep.equal(['Strict.onPaid', 'Strict.onRefunded']);
  });

  for (const [what, message, name] of [
    ['the type property', { type: 'pay.succeeded' }, 'onPaid'],
    ['the name of the class', { type: 'Refunded' }, 'onRefunded'],
    ['Spring’s header', { headers: { __TypeId__: 'com.example.Paid' } }, 'onPaid'],
    ['the property before the header', { type: 'Refunded', headers: { __TypeId__: 'com.example.Paid' } }, 'onRefunded'],
    ['the header when the property is not known', { type: 'x', headers: { __TypeId__: 'Refunded' } }, 'onRefunded'],
  ] as const) {
    it(`chooses by ${what}`, () => {
      expect(handlerOf(Strict).nameFor(message)).to.equal(`Strict.${name}`);
    });
  }

  for (const [what, message] of [
    ['no type', {}],
    ['a type that nobody names', { type: 'Paid' }],
    ['a type that every object has', { type: 'constructor' }],
    ['a header that is no text', { headers: { __TypeId__: ['Refunded'] } }],
  ] as const) {
    it(`refuses ${what}`, () => {
      expect(() => handlerOf(Strict).nameFor(message))
        .to.throw(FatalMessageError, 'Known are: pay.succeeded, com.example.Paid, Refunded')
        .with.property('code', 'LEV_NO_HANDLER');
    });

    it(`gives ${what} to the default handler, if there is one`, () => {
      expect(handlerOf(Lenient).nameFor(message)).to.equal('Lenient.onOther');
    });
  }
});
