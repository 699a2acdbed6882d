import { type Message as MessageType, Problems } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { Context } from '../decorators/context.js';
import { Handler } from '../decorators/handler.js';
import { Header } from '../decorators/header.js';
import { Headers } from '../decorators/headers.js';
import { Listener } from '../decorators/listener.js';
import type { ListenerOptions } from '../decorators/listener-options.js';
import { Message } from '../decorators/message.js';
import { Payload } from '../decorators/payload.js';
import { SendTo } from '../decorators/send-to.js';
import { UseInterceptors } from '../decorators/use-interceptors.js';
import { targetOf } from '../payload/payload-target.js';
import { readListeners } from './read-listeners.js';

class Paid {
  id!: number;
}

class Refunded {
  id!: number;
}

interface Shape {
  readonly id: number;
}

/** The faults of these classes, each in one line. */
function faultsOf(...classes: unknown[]): readonly string[] {
  const problems = new Problems();
  readListeners(classes, problems);
  return problems.list;
}

/** The one fault that these classes have. */
function faultOf(...classes: unknown[]): string {
  const faults = faultsOf(...classes);
  expect(faults, faults.join('\n')).to.have.length(1);
  return faults[0]!;
}

/** The plans of classes without a fault. */
function plansOf(...classes: unknown[]) {
  const problems = new Problems();
  const plans = readListeners(classes, problems);
  expect(problems.list).to.deep.equal([]);
  return plans;
}

/** The plan of the only method of the only listener. */
function routeOf(home: unknown) {
  const [plan] = plansOf(home);
  expect(plan!.handler.kind).to.equal('single');
  return plan!.handler.kind === 'single' ? plan!.handler.route : undefined!;
}

describe('readListeners', () => {
  describe('naming listeners', () => {
    /** A class without a name, as an expression has that is passed on at once. */
    const anonymous = (options: ListenerOptions) => {
      const made = [
        class {
          handle(): void {}
        },
      ][0] as new () => { handle(): void };
      Listener(options)(made.prototype, 'handle', Object.getOwnPropertyDescriptor(made.prototype, 'handle') ?? {});
      return made;
    };

    it('refuses a class without a name, unless its listener has an id', () => {
      expect(faultOf(anonymous({ queue: 'q' }))).to.match(/^listener \.handle: the class has no name/);
      expect(plansOf(anonymous({ queue: 'q', id: 'orders' }))[0]?.id).to.equal('orders');
    });

    it('takes the class and the method, and counts further listeners of one method', () => {
      class Orders {
        @Listener('one')
        @Listener('two')
        @Listener({ queue: 'three', id: 'third' })
        on(_payload: Paid): void {}
      }
      const plans = plansOf(Orders);
      expect(plans.map(({ id, options }) => [id, options.queue])).to.deep.equal([
        ['Orders.on', 'one'],
        ['Orders.on#2', 'two'],
        ['third', 'three'],
      ]);
    });

    it('refuses two listeners with one id, and names both', () => {
      class Orders {
        @Listener({ queue: 'one', id: 'same' })
        on(_payload: Paid): void {}
        @Listener({ queue: 'two', id: 'same' })
        also(_payload: Paid): void {}
      }
      expect(faultOf(Orders)).to.match(/^listener Orders\.also: the id "same" is taken by listener Orders\.on/);
    });

    it('refuses an id that is no name', () => {
      class Orders {
        @Listener({ queue: 'one', id: '' })
        on(_payload: Paid): void {}
      }
      expect(faultOf(Orders)).to.equal('listener Orders.on: id must be a name; got ""');
    });
  });

  describe('reading parameters', () => {
    it('takes one bare parameter for the payload, of the class that TypeScript reflects', () => {
      class Orders {
        @Listener('q')
        on(_payload: Paid): void {}
      }
      const { parameters, target } = routeOf(Orders);
      expect(parameters).to.deep.equal([{ kind: 'payload' }]);
      expect(target).to.deep.equal(targetOf(Paid));
    });

    it('reads every decorator, in the order of the parameters', () => {
      class Orders {
        @Listener('q')
        on(
          @Header('x-count') _count: number,
          _payload: Paid,
          @Headers() _headers: object,
          @Message() _message: Message,
          @Context() _context: object,
          @Header('x-tenant', { default: 'none' }) _tenant: string | undefined,
        ): void {}
      }
      expect(routeOf(Orders).parameters).to.deep.equal([
        { kind: 'header', name: 'x-count', required: true, default: undefined, as: 'number' },
        { kind: 'payload' },
        { kind: 'headers' },
        { kind: 'message' },
        { kind: 'context' },
        { kind: 'header', name: 'x-tenant', required: false, default: 'none', as: undefined },
      ]);
    });

    it('allows a method that takes no payload, and leaves the body alone', () => {
      class Orders {
        @Listener('q')
        on(@Message() _message: Message): void {}
      }
      expect(routeOf(Orders).target).to.equal(undefined);
    });

    it('takes what @Payload gives over what is reflected', () => {
      class Orders {
        @Listener('one')
        list(@Payload([Paid]) _payload: Paid[]): void {}
        @Listener('two')
        any(@Payload(Object) _payload: Shape): void {}
      }
      const targets = plansOf(Orders).map(({ handler }) => handler.kind === 'single' && handler.route.target);
      expect(targets).to.deep.equal([targetOf(Paid, true), targetOf(Object)]);
    });

    it('sees parameters with default values, which a function’s length does not count', () => {
      class Orders {
        @Listener('q')
        on(_payload: Paid, @Header('x', { required: false }) _x = 'none'): void {}
      }
      expect(routeOf(Orders).parameters.map(({ kind }) => kind)).to.deep.equal(['payload', 'header']);
    });

    const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
      [
        'two parameters without a decorator',
        () => {
          class Orders {
            @Listener('q')
            on(_one: Paid, _two: Paid): void {}
          }
          return Orders;
        },
        /^listener Orders\.on: parameters 1 and 2 have no decorator; only one can be the payload/,
      ],
      [
        'a bare parameter beside @Payload',
        () => {
          class Orders {
            @Listener('q')
            on(@Payload() _one: Paid, _two: Paid): void {}
          }
          return Orders;
        },
        /parameter 2 has no decorator beside @Payload/,
      ],
      [
        'two payloads',
        () => {
          class Orders {
            @Listener('q')
            on(@Payload() _one: Paid, @Payload() _two: Paid): void {}
          }
          return Orders;
        },
        /parameters 1 and 2 both have @Payload/,
      ],
      [
        'two decorators on one parameter',
        () => {
          class Orders {
            @Listener('q')
            on(@Payload(Paid) @Message() _one: unknown): void {}
          }
          return Orders;
        },
        /parameter 1 has @Payload and @Message; a parameter takes one value/,
      ],
      [
        'an interface',
        () => {
          class Orders {
            @Listener('q')
            on(_payload: Shape): void {}
          }
          return Orders;
        },
        /the payload \(parameter 1\) reflects as Object: .*an interface, a union.*@Payload\(Object\)/,
      ],
      [
        'a union',
        () => {
          class Orders {
            @Listener('q')
            on(_payload: Paid | Refunded): void {}
          }
          return Orders;
        },
        /reflects as Object/,
      ],
      [
        'an array without its element',
        () => {
          class Orders {
            @Listener('q')
            on(_payload: Paid[]): void {}
          }
          return Orders;
        },
        /reflects as Array.*@Payload\(\[PaySucceeded\]\)/,
      ],
      [
        'a promise',
        () => {
          class Orders {
            @Listener('q')
            on(_payload: Promise<Paid>): void {}
          }
          return Orders;
        },
        /is declared as Promise, which cannot be read from a body/,
      ],
      [
        '@Payload(undefined), which a circular import leaves',
        () => {
          class Orders {
            @Listener('q')
            on(@Payload(undefined) _payload: Paid): void {}
          }
          return Orders;
        },
        /@Payload was given undefined.*circular import/,
      ],
      [
        'an array of two classes',
        () => {
          class Orders {
            @Listener('q')
            on(@Payload([Paid, Refunded] as never) _payload: Paid[]): void {}
          }
          return Orders;
        },
        /one class or schema in the array.*got 2/,
      ],
      [
        'a payload that is no class',
        () => {
          class Orders {
            @Listener('q')
            on(@Payload('Paid' as never) _payload: Paid): void {}
          }
          return Orders;
        },
        /@Payload takes a class or a schema \(Standard Schema version 1: zod 4, valibot, arktype\), or one of them in an array; got "Paid"/,
      ],
      [
        'Array given as the class',
        () => {
          class Orders {
            @Listener('q')
            on(@Payload(Array as never) _payload: Paid[]): void {}
          }
          return Orders;
        },
        /@Payload was given Array/,
      ],
      [
        'Map given as the class',
        () => {
          class Orders {
            @Listener('q')
            on(@Payload(Map) _payload: Map<string, string>): void {}
          }
          return Orders;
        },
        /@Payload was given Map, which cannot be read from a body/,
      ],
      [
        'a header without a name',
        () => {
          class Orders {
            @Listener('q')
            on(@Header('') _tenant: string): void {}
          }
          return Orders;
        },
        /@Header takes the name of a header; got ""/,
      ],
      [
        'an unknown option of a header',
        () => {
          class Orders {
            @Listener('q')
            on(@Header('x', { requird: false } as never) _tenant: string): void {}
          }
          return Orders;
        },
        /unknown option "requird" of @Header\("x"\)\. Did you mean "required"\?/,
      ],
      [
        'a header that is required and has a default',
        () => {
          class Orders {
            @Listener('q')
            on(@Header('x', { required: true, default: 1 }) _tenant: number): void {}
          }
          return Orders;
        },
        /is required and has a default/,
      ],
      [
        'a header whose required is no boolean',
        () => {
          class Orders {
            @Listener('q')
            on(@Header('x', { required: 'yes' as unknown as boolean }) _tenant: number): void {}
          }
          return Orders;
        },
        /required of @Header\("x"\) must be true or false; got "yes"/,
      ],
    ];
    it('takes the payload of a listener from its option', () => {
      const schema = z.object({ id: z.number() });
      class Orders {
        @Listener({ queue: 'one', payload: Paid })
        @Listener({ queue: 'two', payload: [schema] as never })
        @Listener({ queue: 'three' })
        on(_payload: Paid): void {}
        @Listener({ queue: 'four', payload: schema })
        other(@Message() _message: MessageType, @Payload() _payload: { id: number }): void {}
      }
      const faults = faultsOf(Orders);
      expect(faults).to.have.length(1);
      expect(faults[0]).to.match(/^listener Orders\.on#2: parameter 1: .*an array of the zod schema/);
      class Four {
        @Listener({ queue: 'one', payload: Paid })
        @Listener({ queue: 'two', payload: schema })
        on(_payload: { id: number }): void {}
      }
      const targets = plansOf(Four).map(({ handler }) => handler.kind === 'single' && handler.route.target);
      expect(targets).to.deep.equal([targetOf(Paid), targetOf(schema)]);
    });

    it('refuses a payload option on a class, whose handlers say what they take', () => {
      @Listener({ queue: 'q', payload: Paid })
      class Orders {
        @Handler(Paid) on(_payload: Paid): void {}
      }
      expect(faultOf(Orders)).to.match(/^listener Orders: payload is an option of methods/);
    });

    it('needs a type for the handler of a schema, which has no name', () => {
      const schema = z.object({ id: z.number() });
      @Listener('q')
      class Nameless {
        @Handler(schema) on(_payload: { id: number }): void {}
      }
      expect(faultOf(Nameless)).to.match(/@Handler on: it is not known which type of message it takes/);
      @Listener('q')
      class Orders {
        @Handler(schema, { type: 'paid' }) on(_payload: { id: number }): void {}
      }
      const [plan] = plansOf(Orders);
      expect(plan!.handler.kind === 'by-type' && plan!.handler.routes.get('paid')?.target).to.deep.equal(
        targetOf(schema),
      );
    });

    it('refuses @Payload and payload that contradict each other', () => {
      class Orders {
        @Listener({ queue: 'q', payload: Paid })
        on(@Payload([Paid]) _payload: unknown): void {}
      }
      expect(faultOf(Orders)).to.match(/payload of @Listener says Paid, but @Payload says \[Paid\]/);
    });

    for (const [what, make, fault] of refused) {
      it(`refuses ${what}`, () => {
        expect(faultOf(make())).to.match(fault);
      });
    }

    // What TypeScript 7 emits for a class that was imported by `import type`.
    it('refuses what reflects as Function, and says why', () => {
      class Orders {
        @Listener('q')
        on(_payload: Paid): void {}
      }
      Reflect.defineMetadata('design:paramtypes', [Function], Orders.prototype, 'on');
      expect(faultOf(Orders)).to.match(/reflects as Function.*not with `import type`.*@Payload\(PaySucceeded\)/);
    });

    it('refuses a payload without reflection, and says which builds emit none', () => {
      class Orders {
        @Listener('q')
        on(_payload: Paid): void {}
      }
      Reflect.deleteMetadata('design:paramtypes', Orders.prototype, 'on');
      expect(faultOf(Orders)).to.match(/emits no decorator metadata.*Give it: @Payload\(PaySucceeded\)/);
    });

    it('refuses a class that is not defined yet', () => {
      class Orders {
        @Listener('q')
        on(_payload: Paid): void {}
      }
      Reflect.defineMetadata('design:paramtypes', [undefined], Orders.prototype, 'on');
      expect(faultOf(Orders)).to.match(/not defined yet when the class is \(a circular import\?\)/);
    });
  });

  describe('reading options', () => {
    it('refuses an unknown option, and asks for what was probably meant', () => {
      class Orders {
        @Listener({ queue: 'q', prefech: 1 } as never)
        on(_payload: Paid): void {}
      }
      expect(faultOf(Orders)).to.match(
        /^listener Orders\.on: unknown option "prefech" of @Listener\. Did you mean "prefetch"\?/,
      );
    });

    it('refuses what is neither a name nor options', () => {
      class Orders {
        @Listener(5 as never)
        on(_payload: Paid): void {}
      }
      expect(faultOf(Orders)).to.equal('listener Orders.on: @Listener takes the name of a queue, or options; got 5');
    });

    it('keeps the order in which interceptors stand, over several decorators', () => {
      const [one, two, three] = [() => 1, () => 2, () => 3] as const;
      class Orders {
        @Listener('q')
        @UseInterceptors(one, two)
        @UseInterceptors(three)
        on(_payload: Paid): void {}
      }
      expect(routeOf(Orders).interceptors).to.deep.equal([one, two, three]);
    });

    it('reads @SendTo of the method before that of the class', () => {
      @SendTo('class/key')
      class Orders {
        @Listener('one')
        @SendTo('replies')
        one(_payload: Paid): void {}
        @Listener('two')
        two(_payload: Paid): void {}
      }
      const addresses = plansOf(Orders).map(({ handler }) => handler.kind === 'single' && handler.route.sendTo);
      expect(addresses).to.deep.equal([
        { exchange: '', routingKey: 'replies' },
        { exchange: 'class', routingKey: 'key' },
      ]);
    });

    for (const [address, fault] of [
      ['/', /@SendTo\("\/"\) names neither an exchange nor a queue/],
      ['', /names neither an exchange nor a queue/],
      [7, /@SendTo takes an address such as 'exchange\/routingKey'; got 7/],
    ] as const) {
      it(`refuses @SendTo(${JSON.stringify(address)})`, () => {
        class Orders {
          @Listener('q')
          @SendTo(address as never)
          on(_payload: Paid): void {}
        }
        expect(faultOf(Orders)).to.match(fault);
      });
    }

    it('refuses two @SendTo on one method', () => {
      class Orders {
        @Listener('q')
        @SendTo('one')
        @SendTo('two')
        on(_payload: Paid): void {}
      }
      expect(faultOf(Orders)).to.match(/@SendTo stands 2 times; a reply goes to one address/);
    });
  });

  describe('reading classes', () => {
    it('reports the faults of all classes, not only of the first', () => {
      class One {
        @Listener('q')
        on(_payload: Shape): void {}
      }
      class Two {
        @Listener({ queue: 'q', wrong: 1 } as never)
        on(_payload: Shape): void {}
      }
      const places = faultsOf(One, Two, undefined).map((fault) => fault.split(' ', 2).join(' '));
      expect(places).to.deep.equal(['listener One.on:', 'listener Two.on:', 'listener Two.on:', 'listeners holds']);
    });

    it('refuses what is no class', () => {
      expect(faultOf(undefined)).to.match(
        /listeners holds undefined; expected a class \(undefined comes of a circular import\)/,
      );
      expect(faultOf({})).to.equal(
        'listeners holds an object; expected a class, an instance of one, or what listener(...) makes',
      );
      expect(faultOf(() => {})).to.match(/expected a class/);
      const problems = new Problems();
      readListeners('Orders', problems);
      expect(problems.list).to.deep.equal(['listeners must be an array of classes; got "Orders"']);
    });

    it('refuses a class without a listener', () => {
      class Nothing {}
      expect(faultOf(Nothing)).to.equal('class Nothing: has no @Listener, neither on the class nor on a method');
    });

    it('refuses a class that is given twice', () => {
      class Orders {
        @Listener('q')
        on(_payload: Paid): void {}
      }
      expect(faultOf(Orders, Orders)).to.equal('listeners holds function Orders more than once');
    });

    it('refuses a static method', () => {
      class Orders {
        @Listener('q')
        static on(@Payload() _payload: Paid): void {}
        off(): void {}
      }
      expect(faultsOf(Orders)).to.deep.equal([
        'class Orders: @Payload is on the static method on. Listeners are methods of instances: remove static.',
        'class Orders: @Listener is on the static method on. Listeners are methods of instances: remove static.',
      ]);
    });

    it('refuses a property and a parameter of the constructor', () => {
      class Orders {
        constructor(@(Payload() as ParameterDecorator) _payload: Paid) {}
        @(Listener('q') as unknown as PropertyDecorator)
        on = () => {};
      }
      expect(faultsOf(Orders)).to.deep.equal([
        'class Orders: @Listener is on on, which is no method. Make it a method: on(...) { ... }',
        'class Orders: @Payload is on a parameter of the constructor. It belongs on a parameter of a listener method.',
      ]);
    });

    it('refuses a method whose decorators lead nowhere for want of @Listener', () => {
      class Orders {
        @Listener('q')
        on(_payload: Paid): void {}
        forgotten(@Payload() _payload: Paid): void {}
      }
      expect(faultOf(Orders)).to.equal(
        'class Orders: forgotten has decorators of leveret but no @Listener, so nothing calls it',
      );
    });

    it('says at once that standard decorators will not do', () => {
      const context = { kind: 'method', name: 'on' };
      expect(() => Listener('q')({} as never, context as never)).to.throw(/experimentalDecorators/);
    });
  });

  describe('reading class listeners', () => {
    it('maps types to handlers: given names, else the name of the class', () => {
      @Listener('q')
      class Orders {
        @Handler(Paid, { type: ['pay.succeeded', 'com.example.Paid'] })
        onPaid(_payload: Paid): void {}
        @Handler()
        onRefunded(_payload: Refunded): void {}
        @Handler({ isDefault: true })
        onOther(@Message() _message: Message): void {}
      }
      const [plan] = plansOf(Orders);
      const handler = plan!.handler;
      expect(plan!.id).to.equal('Orders');
      if (handler.kind !== 'by-type') throw new Error('expected a map of types');
      expect([...handler.routes].map(([type, route]) => [type, route.name])).to.deep.equal([
        ['pay.succeeded', 'Orders.onPaid'],
        ['com.example.Paid', 'Orders.onPaid'],
        ['Refunded', 'Orders.onRefunded'],
      ]);
      expect(handler.defaultRoute?.name).to.equal('Orders.onOther');
    });

    it('takes the payload’s class from @Handler, also without reflection', () => {
      @Listener('q')
      class Orders {
        @Handler(Paid)
        on(@Payload() _payload: Shape): void {}
      }
      const [plan] = plansOf(Orders);
      expect(plan!.handler.kind === 'by-type' && plan!.handler.routes.get('Paid')?.target).to.deep.equal(
        targetOf(Paid),
      );
    });

    it('gives the class several queues, whose faults in handlers are told once', () => {
      @Listener('one')
      @Listener('two')
      class Orders {
        @Handler(Paid)
        on(_one: Paid, _two: Paid): void {}
      }
      expect(faultOf(Orders)).to.match(/^listener Orders, @Handler on: parameters 1 and 2 have no decorator/);
    });

    const refused: readonly (readonly [string, () => unknown, RegExp])[] = [
      [
        'a class listener without @Handler',
        () => {
          @Listener('q')
          class Orders {
            on(_payload: Paid): void {}
          }
          return Orders;
        },
        /^listener Orders: the class has @Listener but no method with @Handler/,
      ],
      [
        '@Handler in a class without @Listener',
        () => {
          class Orders {
            @Handler(Paid)
            on(_payload: Paid): void {}
          }
          return Orders;
        },
        /^class Orders: a method has @Handler, but the class has no @Listener/,
      ],
      [
        '@Handler beside a method listener',
        () => {
          class Orders {
            @Handler(Paid)
            on(_payload: Paid): void {}
            @Listener('q')
            other(_payload: Paid): void {}
          }
          return Orders;
        },
        /^class Orders: on has @Handler, but the class has no @Listener/,
      ],
      [
        'two handlers of one type',
        () => {
          @Listener('q')
          class Orders {
            @Handler(Paid)
            one(_payload: Paid): void {}
            @Handler(Paid)
            two(_payload: Paid): void {}
          }
          return Orders;
        },
        /^listener Orders, @Handler two: Orders\.one takes messages of type "Paid" already/,
      ],
      [
        'two default handlers',
        () => {
          @Listener('q')
          class Orders {
            @Handler(Paid, { isDefault: true })
            one(_payload: Paid): void {}
            @Handler(Refunded, { isDefault: true })
            two(_payload: Refunded): void {}
          }
          return Orders;
        },
        /@Handler two: Orders\.one is the default handler already/,
      ],
      [
        'a handler of no known type',
        () => {
          @Listener('q')
          class Orders {
            @Handler()
            on(@Message() _message: Message): void {}
          }
          return Orders;
        },
        /it is not known which type of message it takes/,
      ],
      [
        'a type that disagrees with the payload’s',
        () => {
          @Listener('q')
          class Orders {
            @Handler(Paid)
            on(@Payload(Refunded) _payload: Refunded): void {}
          }
          return Orders;
        },
        /@Handler says Paid, but @Payload says Refunded/,
      ],
      [
        'an unknown option',
        () => {
          @Listener('q')
          class Orders {
            @Handler(Paid, { default: true } as never)
            on(_payload: Paid): void {}
          }
          return Orders;
        },
        /unknown option "default" of @Handler/,
      ],
      [
        'a name that is no text, and a flag that is none',
        () => {
          @Listener('q')
          class Orders {
            @Handler(Paid, { type: [''] })
            on(_payload: Paid): void {}
          }
          return Orders;
        },
        /type of @Handler must be a name or an array of names; got ""/,
      ],
      [
        'an isDefault that is no boolean',
        () => {
          @Listener('q')
          class Orders {
            @Handler(Paid, { isDefault: 1 as never })
            on(_payload: Paid): void {}
          }
          return Orders;
        },
        /isDefault of @Handler must be true or false; got 1/,
      ],
      [
        'two @Handler on one method',
        () => {
          @Listener('q')
          class Orders {
            @Handler(Paid)
            @Handler(Refunded)
            on(@Payload(Paid) _payload: Paid): void {}
          }
          return Orders;
        },
        /@Handler stands 2 times/,
      ],
    ];
    for (const [what, make, fault] of refused) {
      it(`refuses ${what}`, () => {
        expect(faultOf(make())).to.match(fault);
      });
    }
  });

  describe('inheriting', () => {
    const outer = () => undefined;
    const inner = () => undefined;

    @UseInterceptors(outer)
    class Base {
      @Listener('base')
      on(@Payload() _payload: Paid, @Header('x-tenant') _tenant: string): void {}
    }

    it('takes over the listeners of a base class, under the name of the subclass', () => {
      class Sub extends Base {}
      const [plan] = plansOf(Sub);
      expect([plan!.id, plan!.options.queue, plan!.home.class]).to.deep.equal(['Sub.on', 'base', Sub]);
    });

    it('keeps listener and parameters of a method that is overridden without decorators', () => {
      class Sub extends Base {
        override on(_payload: Paid, _tenant: string): void {}
      }
      expect(routeOf(Sub).parameters.map(({ kind }) => kind)).to.deep.equal(['payload', 'header']);
    });

    it('replaces what an override declares itself', () => {
      class Sub extends Base {
        @Listener('sub')
        override on(@Payload(Refunded) _payload: Refunded): void {}
      }
      const plans = plansOf(Sub);
      expect(plans.map(({ options }) => options.queue)).to.deep.equal(['sub']);
      expect(routeOf(Sub).target).to.deep.equal(targetOf(Refunded));
    });

    it('adds interceptors: of the base class, of the class, of the method', () => {
      const ofMethod = () => undefined;
      @UseInterceptors(inner)
      class Sub extends Base {
        @UseInterceptors(ofMethod)
        override on(_payload: Paid, _tenant: string): void {}
      }
      expect(routeOf(Sub).interceptors).to.deep.equal([outer, inner, ofMethod]);
    });

    it('leaves the base class as it was', () => {
      class Sub extends Base {
        @Listener('sub')
        override on(_payload: Paid): void {}
      }
      plansOf(Sub);
      expect(plansOf(Base).map(({ options }) => options.queue)).to.deep.equal(['base']);
    });
  });
});
