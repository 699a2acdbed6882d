import 'reflect-metadata';
import { type DeliveryContext, type MessageHeaders, type Message as MessageType, Problems } from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import * as v from 'valibot';
import { z } from 'zod';
import { Context } from '../decorators/context.js';
import { Handler } from '../decorators/handler.js';
import { Header } from '../decorators/header.js';
import { Headers } from '../decorators/headers.js';
import { Listener } from '../decorators/listener.js';
import { Message } from '../decorators/message.js';
import { Payload } from '../decorators/payload.js';
import { Transaction } from '../decorators/transaction.js';
import { readListeners } from './read-listeners.js';

class Base {
  id!: number;
}
class Paid extends Base {}
class Refunded {
  id!: number;
}
interface Shape {
  readonly id: number;
}
type Either = Paid | Refunded;
type Alias = Paid;
enum Kind {
  Paid = 'paid',
}
enum Code {
  Paid = 1,
}
class Envelope<T> {
  body!: T;
}

function faultsOf(...classes: unknown[]): readonly string[] {
  const problems = new Problems();
  readListeners(classes, problems);
  return problems.list;
}

/** A listener whose only parameter has a decorator and a reflected type that the compiler would not let stand together. */
function taking(decorator: unknown, type: unknown): unknown {
  class Orders {
    on(_given: unknown): void {}
  }
  const { prototype } = Orders;
  (decorator as ParameterDecorator)(prototype, 'on', 0);
  Listener('q')(prototype, 'on', Object.getOwnPropertyDescriptor(prototype, 'on') as PropertyDescriptor);
  Reflect.defineMetadata('design:paramtypes', [type], prototype, 'on');
  return Orders;
}

describe('contradictedType', () => {
  const wrong: readonly [what: string, decorator: unknown, type: unknown, fault: RegExp][] = [
    ['another class', Payload(Paid), Refunded, /declared as Paid, but its parameter as Refunded/],
    ['a subclass of it', Payload(Base), Paid, /declared as Base, but its parameter as Paid/],
    ['an array of it', Payload(Paid), Array, /declared as Paid, but its parameter as an array/],
    [
      'one where an array is declared',
      Payload([Paid]),
      Paid,
      /declared as an array of Paid, but its parameter as Paid/,
    ],
    ['a number for text', Payload(String), Number, /declared as String, but its parameter as Number/],
    ['text for a class', Payload(Paid), String, /declared as Paid, but its parameter as String/],
    ['a class for text', Payload(String), Paid, /declared as String, but its parameter as Paid/],
    ['text for bytes', Payload(Buffer), String, /declared as Buffer, but its parameter as String/],
    ['text for an array of texts', Payload([String]), String, /declared as an array of String, but/],
    ['a date for a class', Payload(Paid), Date, /declared as Paid, but its parameter as Date/],
    ['one where an array of a schema is declared', Payload([z.string()]), Paid, /an array of the zod schema, but/],
    ['a header of a class', Header('x-tenant'), Paid, /@Header\("x-tenant"\) is on a parameter of the class Paid/],
    ['a header of dates', Header('at'), Date, /@Header\("at"\) is on a parameter of the class Date/],
    ['headers as text', Headers(), String, /@Headers\(\) is on a parameter declared as String/],
    ['headers as a Map', Headers(), Map, /@Headers\(\) is on a parameter declared as Map/],
    ['a message as text', Message(), String, /@Message\(\) is on a parameter declared as String/],
    ['a message as a payload class', Message(), Paid, /@Message\(\) is on a parameter declared as Paid/],
    ['a context as a number', Context(), Number, /@Context\(\) is on a parameter declared as Number/],
    ['a context as a signal', Context(), AbortSignal, /@Context\(\) is on a parameter declared as AbortSignal/],
  ];
  for (const [what, decorator, type, fault] of wrong) {
    it(`refuses ${what}`, () => {
      const faults = faultsOf(taking(decorator, type));
      expect(faults).to.have.length(1);
      expect(faults[0])
        .to.match(/^listener Orders\.on: parameter 1: /)
        .and.match(fault);
    });
  }

  it('tells all faults of a method at once', () => {
    class Orders {
      @Listener('q')
      on(@Payload() _payload: Paid, @Message() _message: MessageType, @Context() _context: DeliveryContext): void {}
    }
    Payload(Refunded)(Orders.prototype, 'on', 0);
    Reflect.defineMetadata('design:paramtypes', [Paid, String, Number], Orders.prototype, 'on');
    expect(faultsOf(Orders)).to.have.length.at.least(3);
  });

  it('compares with what @Handler and the option payload say', () => {
    const on = () => {
      @Listener('q')
      class Orders {
        on(_payload: unknown): void {}
      }
      return Orders;
    };
    const ByHandler = on();
    Handler(Paid)(ByHandler.prototype, 'on', Object.getOwnPropertyDescriptor(ByHandler.prototype, 'on') as never);
    Reflect.defineMetadata('design:paramtypes', [Refunded], ByHandler.prototype, 'on');
    expect(faultsOf(ByHandler).join()).to.match(
      /parameter 1: the payload is declared as Paid, but its parameter as Ref/,
    );

    class ByOption {
      on(_payload: unknown): void {}
    }
    const { prototype } = ByOption;
    Listener({ queue: 'q', payload: Paid })(prototype, 'on', Object.getOwnPropertyDescriptor(prototype, 'on') as never);
    Reflect.defineMetadata('design:paramtypes', [Refunded], prototype, 'on');
    expect(faultsOf(ByOption).join()).to.match(
      /parameter 1: the payload is declared as Paid, but its parameter as Ref/,
    );
  });

  it('raises no false alarm about payloads', () => {
    class Orders {
      @Listener('q') itself(@Payload(Paid) _payload: Paid): void {}
      @Listener('q') base(@Payload(Paid) _payload: Base): void {}
      @Listener('q') shape(@Payload(Paid) _payload: Shape): void {}
      @Listener('q') alias(@Payload(Paid) _payload: Alias): void {}
      @Listener('q') either(@Payload(Paid) _payload: Either): void {}
      @Listener('q') orNothing(@Payload(Paid) _payload: Paid | undefined): void {}
      @Listener('q') orNull(@Payload(Paid) _payload: Paid | null): void {}
      @Listener('q') optional(@Payload(Paid) _payload?: Paid): void {}
      @Listener('q') partial(@Payload(Paid) _payload: Partial<Paid>): void {}
      @Listener('q') both(@Payload(Paid) _payload: Paid & Shape): void {}
      @Listener('q') anything(@Payload(Paid) _payload: unknown): void {}
      @Listener('q') array(@Payload([Paid]) _payload: Paid[]): void {}
      @Listener('q') frozen(@Payload([Paid]) _payload: readonly Base[]): void {}
      @Listener('q') iterable(@Payload([Paid]) _payload: Iterable<Paid>): void {}
      @Listener('q') tuple(@Payload([String]) _payload: [...string[]]): void {}
      @Listener('q') text(@Payload(String) _payload: string): void {}
      @Listener('q') constants(@Payload(String) _payload: 'paid' | 'refunded' | string): void {}
      @Listener('q') kind(@Payload(String) _payload: Kind | string): void {}
      @Listener('q') code(@Payload(Number) _payload: Code | number): void {}
      @Listener('q') bytes(@Payload(Buffer) _payload: Buffer): void {}
      @Listener('q') plainBytes(@Payload(Buffer) _payload: Uint8Array): void {}
      @Listener('q') asSent(@Payload(Object) _payload: Shape): void {}
      @Listener('q') asClaimed(@Payload(Object) _payload: Paid): void {}
      @Listener('q') envelope(@Payload(Envelope) _payload: Envelope<unknown>): void {}
      @Listener('q') date(@Payload(z.coerce.date()) _payload: Date): void {}
      @Listener('q') list(@Payload(v.array(v.string())) _payload: string[]): void {}
      @Listener('q') output(@Payload([z.object({ id: z.number() })]) _payload: { id: number }[]): void {}
      @Listener({ queue: 'q', payload: z.string() }) option(_payload: string): void {}
    }
    expect(faultsOf(Orders)).to.deep.equal([]);
  });

  it('raises no false alarm about what else a method takes', () => {
    class Orders {
      @Listener('q')
      on(
        @Message() _message: MessageType,
        @Context() _context: DeliveryContext,
        @Context() _part: Pick<DeliveryContext, 'signal'>,
        @Headers() _headers: MessageHeaders,
        @Headers() _record: Record<string, unknown>,
        @Header('a') _text: string,
        @Header('b', { required: false }) _optional: string | undefined,
        @Header('c') _count: number,
        @Header('d') _flag: boolean,
        @Header('e') _list: readonly string[],
        @Header('f') _bytes: Buffer,
        @Header('g') _table: Shape,
        @Header('h') _kind: Kind,
        @Header('i') _long: bigint,
        @Transaction() _transaction: Envelope<unknown>,
      ): void {}
    }
    expect(faultsOf(Orders)).to.deep.equal([]);
  });

  it('raises no alarm where a build emits no metadata, or not yet', () => {
    expect(faultsOf(taking(Payload(Paid), undefined))).to.deep.equal([]);
    expect(faultsOf(taking(Message(), undefined))).to.deep.equal([]);
    expect(faultsOf(taking(Payload(Paid), Function))).to.deep.equal([]);
    expect(faultsOf(taking(Payload(String), { Paid: 'paid' }))).to.deep.equal([]);
    expect(faultsOf(taking(Payload(Paid), () => Paid))).to.deep.equal([]);
  });
});
