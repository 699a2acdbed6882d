import { ConfigurationError, channel } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { findClassRecord } from './class-record.js';
import { Context } from './context.js';
import { Handler } from './handler.js';
import { Header } from './header.js';
import { Headers } from './headers.js';
import { Idempotent } from './idempotent.js';
import { Listener } from './listener.js';
import { Message } from './message.js';
import { Payload } from './payload.js';
import { PublishTo } from './publish-to.js';
import { Scheduled } from './scheduled.js';
import { SendTo } from './send-to.js';
import { metadataOf } from './symbol-metadata.js';
import { Transaction } from './transaction.js';
import { UseInterceptors } from './use-interceptors.js';

type AnyDecorator = (...given: unknown[]) => void;

/** Applies a decorator as compilers do, wherever the types would not let it stand. */
const apply = (decorator: unknown, ...given: unknown[]) => (decorator as AnyDecorator)(...given);

class Paid {}
const SCHEMA = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
const first = { intercept: () => undefined } as never;
const second = { intercept: () => undefined } as never;

const METHOD_DECORATORS = {
  '@Listener': Listener('q'),
  '@Handler': Handler(),
  '@UseInterceptors': UseInterceptors(first),
  '@SendTo': SendTo('replies'),
  '@Idempotent': Idempotent(),
  '@Scheduled': Scheduled({ every: '1s' }),
};
const PARAMETER_DECORATORS = {
  '@Payload': Payload(),
  '@Header': Header('x-tenant'),
  '@Headers': Headers(),
  '@Message': Message(),
  '@Context': Context(),
  '@Transaction': Transaction(),
};

describe('decorators', () => {
  it('write down what they were given, of a class and of a method, in the order of the source', () => {
    @Listener('first')
    @Listener({ queue: 'second' })
    @UseInterceptors(first)
    @SendTo('replies')
    @Idempotent(false)
    @PublishTo('orders', 'paid', { type: 'paid' })
    class Orders {
      @Listener('third')
      @Listener('fourth')
      @UseInterceptors(first, second)
      @UseInterceptors(first)
      @SendTo('others')
      @Idempotent({ ttl: '1d' })
      @Scheduled({ every: '1s' })
      @Scheduled({ cron: '0 * * * *' }, { id: 'hourly' })
      on(): void {}
    }
    const record = findClassRecord(Orders.prototype)!;
    expect({ ...record, methods: [...record.methods.keys()] }).to.deep.equal({
      listeners: ['first', { queue: 'second' }],
      interceptors: [first],
      sendTo: ['replies'],
      idempotent: [false],
      publishTo: [{ exchange: 'orders', routingKey: 'paid', type: 'paid' }],
      methods: ['on'],
      misplaced: [],
    });
    expect(record.methods.get('on')).to.deep.equal({
      standard: false,
      listeners: ['third', 'fourth'],
      handlers: [],
      parameters: new Map(),
      interceptors: [first, second, first],
      sendTo: ['others'],
      idempotent: [{ ttl: '1d' }],
      schedules: [
        { times: { every: '1s' }, options: {} },
        { times: { cron: '0 * * * *' }, options: { id: 'hourly' } },
      ],
    });
  });

  it('write down what is said of each parameter, also twice of one', () => {
    class Orders {
      on(
        @Payload() @Message() _payload: Paid,
        @Payload(Paid) _typed: Paid,
        @Header('x-tenant', { required: false }) _tenant: string | undefined,
        @Headers() _headers: unknown,
        @Context() _context: unknown,
        @Transaction() _transaction: unknown,
      ): void {}
    }
    const { parameters, standard } = findClassRecord(Orders.prototype)!.methods.get('on')!;
    expect(standard).to.equal(false);
    expect([...parameters].sort(([one], [other]) => one - other)).to.deep.equal([
      [0, [{ kind: 'payload', typeGiven: false, type: undefined }, { kind: 'message' }]],
      [1, [{ kind: 'payload', typeGiven: true, type: Paid }]],
      [2, [{ kind: 'header', name: 'x-tenant', options: { required: false } }]],
      [3, [{ kind: 'headers' }]],
      [4, [{ kind: 'context' }]],
      [5, [{ kind: 'transaction' }]],
    ]);
  });

  it('tell the type of a handler from its options', () => {
    const declared = (...given: unknown[]) => {
      class Orders {
        on(): void {}
      }
      const descriptor = Object.getOwnPropertyDescriptor(Orders.prototype, 'on');
      apply((Handler as (...all: unknown[]) => unknown)(...given), Orders.prototype, 'on', descriptor);
      return findClassRecord(Orders.prototype)!.methods.get('on')!.handlers;
    };
    const options = { type: 'paid' };
    expect(declared()).to.deep.equal([{ typeGiven: false, type: undefined, options: undefined }]);
    expect(declared(options)).to.deep.equal([{ typeGiven: false, type: undefined, options }]);
    expect(declared(Paid)).to.deep.equal([{ typeGiven: true, type: Paid, options: undefined }]);
    expect(declared(Paid, options)).to.deep.equal([{ typeGiven: true, type: Paid, options }]);
    expect(declared([Paid], options)).to.deep.equal([{ typeGiven: true, type: [Paid], options }]);
    expect(declared([Paid])).to.deep.equal([{ typeGiven: true, type: [Paid], options: undefined }]);
    expect(declared(SCHEMA)).to.deep.equal([{ typeGiven: true, type: SCHEMA, options: undefined }]);
    // A circular import.
    expect(declared(undefined)).to.deep.equal([{ typeGiven: true, type: undefined, options: undefined }]);
  });

  it('take an address to publish to: an exchange and a key, or a channel', () => {
    const orders = channel<Paid>('orders', 'paid');
    const key = () => 'paid';
    @PublishTo(orders)
    class ByChannel {}
    @PublishTo('orders', key)
    class ByKey {}
    expect(findClassRecord(ByChannel.prototype)!.publishTo).to.deep.equal([orders]);
    expect(findClassRecord(ByKey.prototype)!.publishTo).to.deep.equal([{ exchange: 'orders', routingKey: key }]);
    for (const given of [[undefined], ['orders'], ['orders', 5], [5, 'paid'], [undefined, 'paid']]) {
      expect(() => (PublishTo as AnyDecorator)(...given)).to.throw(
        ConfigurationError,
        /@PublishTo takes an exchange and a routing key, or a channel; got .* comes of a circular import/,
      );
    }
    class Orders {
      on(): void {}
    }
    apply(PublishTo('orders', 'paid'), Orders.prototype, 'on');
    expect(findClassRecord(Orders.prototype)!.publishTo).to.deep.equal([]);
  });

  describe('in the wrong place', () => {
    const told = (place: (type: { readonly prototype: object }, on: () => void) => void) => {
      class Orders {
        static fixed(): void {}
        on(): void {}
      }
      place(Orders, Orders.prototype.on);
      const record = findClassRecord(Orders.prototype)!;
      const method = record.methods.get('on');
      expect([...(method?.listeners ?? []), ...(method?.schedules ?? []), ...(method?.parameters ?? [])]).to.deep.equal(
        [],
      );
      return record.misplaced;
    };

    for (const [name, decorator] of Object.entries(METHOD_DECORATORS)) {
      it(`are told where they can do nothing: ${name}`, () => {
        const none = { configurable: true, get: () => 1 };
        expect(told(({ prototype }) => apply(decorator, prototype, 'on', 1))).to.deep.equal([
          `${name} is on parameter 2 of on. It belongs on the method.`,
        ]);
        expect(told(({ prototype }) => apply(decorator, prototype, 'on', none))).to.deep.equal([
          `${name} is on on, which is no method. Make it a method: on(...) { ... }`,
        ]);
        expect(told(({ prototype }) => apply(decorator, prototype, 'on', undefined))).to.have.lengthOf(1);
        expect(told((type) => apply(decorator, type, 'fixed', { value: () => {} }))).to.deep.equal([
          `${name} is on the static method fixed. Listeners are methods of instances: remove static.`,
        ]);
      });
    }

    for (const [name, decorator] of Object.entries(PARAMETER_DECORATORS)) {
      it(`are told where there is no parameter of a method: ${name}`, () => {
        expect(told(({ prototype }) => apply(decorator, prototype, 'on', { value: () => {} }))).to.deep.equal([
          `${name} is on on itself. It belongs on a parameter of it.`,
        ]);
        expect(told((type) => apply(decorator, type, undefined, 0))).to.deep.equal([
          `${name} is on a parameter of the constructor. It belongs on a parameter of a listener method.`,
        ]);
        expect(told((type) => apply(decorator, type))).to.deep.equal([
          `${name} is on the class. It belongs on a parameter of a listener method.`,
        ]);
        expect(told((type) => apply(decorator, type, 'fixed', 0))).to.deep.equal([
          `${name} is on the static method fixed. Listeners are methods of instances: remove static.`,
        ]);
        expect(() => apply(decorator, () => {}, { kind: 'method', name: 'on' })).to.throw(
          ConfigurationError,
          new RegExp(`^[\\s\\S]*${name} was called as a standard decorator \\(on the method on\\)`),
        );
      });
    }
  });

  describe('of the standard', () => {
    it('write into the metadata of the class, where they are found by its prototype', () => {
      const metadata = {};
      class Orders {
        on(): void {}
      }
      apply(Listener('q'), Orders.prototype.on, { kind: 'method', name: 'on', metadata });
      apply(SendTo('replies'), Orders, { kind: 'class', name: 'Orders', metadata });
      expect(findClassRecord(Orders.prototype)).to.equal(undefined);
      Object.defineProperty(Orders, (Symbol as { readonly metadata?: symbol }).metadata!, { value: metadata });
      const record = findClassRecord(Orders.prototype)!;
      expect([record.sendTo, record.misplaced, record.methods.get('on')]).to.deep.include.members([['replies'], []]);
      expect(record.methods.get('on')).to.deep.include({ standard: true, listeners: ['q'] });
      class Derived extends Orders {}
      expect(findClassRecord(Derived.prototype)).to.equal(undefined);
    });

    it('are told by the name of the place where nothing can be called', () => {
      const metadata = {};
      const place = (context: object) => apply(Listener('q'), undefined, { metadata, ...context });
      place({ kind: 'method', name: 'fixed', static: true });
      place({ kind: 'method', name: '#own', private: true });
      place({ kind: 'getter', name: 'value' });
      class Orders {}
      Object.defineProperty(Orders, Symbol.for('Symbol.metadata'), { value: metadata });
      expect(findClassRecord(Orders.prototype)!.misplaced.map((text) => text.split(/[,.] /)[0])).to.deep.equal([
        '@Listener is on the static method fixed',
        '@Listener is on the private method #own',
        '@Listener is on value',
      ]);
    });

    it('find no metadata where there is none that is an object, and none of a base class', () => {
      class Orders {}
      expect(metadataOf(Orders.prototype)).to.equal(undefined);
      for (const [value, found] of [
        [null, undefined],
        [5, undefined],
        ['text', undefined],
      ] as const) {
        class Other {}
        Object.defineProperty(Other, Symbol.for('Symbol.metadata'), { value });
        expect(metadataOf(Other.prototype)).to.equal(found);
      }
      expect(metadataOf(Object.create(Orders.prototype))).to.equal(undefined);
      expect(metadataOf(Object.create(null, { constructor: { value: {} } }))).to.equal(undefined);
    });
  });
});
