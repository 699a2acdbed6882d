import 'reflect-metadata';
import { type BindingDeclaration, Problems } from '@leveret/core';
import { expect } from 'chai';
import { IsInt } from 'class-validator';
import { describe, it } from 'mocha';
import { z } from 'zod';
import { Handler } from '../decorators/handler.js';
import { Listener } from '../decorators/listener.js';
import { Message } from '../decorators/message.js';
import { Payload } from '../decorators/payload.js';
import { type ListenerUse, listenerWarnings } from './listener-warnings.js';
import { readListeners } from './read-listeners.js';

class Paid {
  @IsInt() id!: number;
}
class Refunded {
  @IsInt() id!: number;
}
class Bare {
  id!: number;
}

/** Warnings of classes whose listeners are as they say, but for what a test says otherwise. */
function warningsOf(classes: unknown[], more: Partial<ListenerUse> = {}, bindings: Record<string, string> = {}) {
  const problems = new Problems();
  const plans = readListeners(classes, problems);
  expect(problems.list).to.deep.equal([]);
  return listenerWarnings(
    plans.map((plan) => ({
      plan,
      queue: String(plan.options.queue),
      bindings: bindings[plan.id] === undefined ? [] : [binding(bindings[plan.id] as string)],
      validation: {},
      ...more,
    })),
  );
}

function binding(routingKey: string): BindingDeclaration {
  return { source: 'pay', destination: 'q', destinationType: 'queue', routingKey, arguments: {} };
}

describe('listenerWarnings', () => {
  it('tells of listeners that share a queue and take different payloads', () => {
    class Orders {
      @Listener('q') onPaid(_paid: Paid): void {}
      @Listener('q') onRefunded(_refunded: Refunded): void {}
      @Listener('other') onOther(_paid: Paid): void {}
    }
    const [warning, ...others] = warningsOf([Orders]);
    expect(others).to.deep.equal([]);
    expect(warning?.kind).to.equal('queue-of-several-payloads');
    expect(warning?.text).to.match(
      /Orders\.onPaid and Orders\.onRefunded share the queue q.*Orders\.onPaid takes Paid, Orders\.onRefunded takes Refunded.*@Handler for each type/,
    );
  });

  it('tells of class listeners that share a queue and take different types', () => {
    @Listener('q')
    class OnPaid {
      @Handler(Paid) on(_paid: Paid): void {}
    }
    @Listener('q')
    class OnRefunded {
      @Handler(Refunded) on(_refunded: Refunded): void {}
    }
    expect(warningsOf([OnPaid, OnRefunded]).map(({ kind }) => kind)).to.deep.equal(['queue-of-several-payloads']);
  });

  it('tells nothing of listeners that share a queue and take the same, or whatever comes', () => {
    const schema = z.object({ id: z.number() });
    class Orders {
      @Listener('q') one(_paid: Paid): void {}
      @Listener('q') two(_paid: Paid): void {}
      @Listener('q') raw(@Message() _message: Message): void {}
      @Listener('q') any(@Payload(Object) _payload: unknown): void {}
      @Listener('s') schema(@Payload(schema) _payload: unknown): void {}
      @Listener('s') sameSchema(@Payload(schema) _payload: unknown): void {}
    }
    expect(warningsOf([Orders])).to.deep.equal([]);
  });

  it('tells of two schemas on one queue', () => {
    class Orders {
      @Listener('q') one(@Payload(z.object({ a: z.string() })) _payload: unknown): void {}
      @Listener('q') two(@Payload(z.object({ b: z.string() })) _payload: unknown): void {}
    }
    expect(warningsOf([Orders]).map(({ kind }) => kind)).to.deep.equal(['queue-of-several-payloads']);
  });

  it('tells of listeners that bind their queue differently', () => {
    class Orders {
      @Listener('q') one(_paid: Paid): void {}
      @Listener('q') two(_paid: Paid): void {}
    }
    const [warning] = warningsOf([Orders], {}, { 'Orders.one': 'paid', 'Orders.two': 'refunded' });
    expect(warning?.kind).to.equal('queue-of-several-bindings');
    expect(warning?.text).to.contain('(pay/paid / pay/refunded)');
    expect(warningsOf([Orders], {}, { 'Orders.one': 'paid', 'Orders.two': 'paid' })).to.deep.equal([]);
    expect(warningsOf([Orders], {}, { 'Orders.one': 'paid' })).to.deep.equal([]);
  });

  it('tells of a class without rules when whitelist is on', () => {
    class Orders {
      @Listener('q') on(_bare: Bare): void {}
      @Listener('r') each(@Payload([Bare]) _bare: Bare[]): void {}
      @Listener('s') paid(_paid: Paid): void {}
      @Listener('t') text(_text: string): void {}
    }
    const [warning, ...others] = warningsOf([Orders], { validation: { whitelist: true } });
    expect(others).to.deep.equal([]);
    expect(warning?.text).to.match(/^whitelist is on, but class-validator knows no rule of Bare: /);
    expect(warningsOf([Orders])).to.deep.equal([]);
    expect(warningsOf([Orders], { validation: false })).to.deep.equal([]);
  });

  it('tells of decorators that leveret does not look at', () => {
    const guarded = (name: string, key: string) => (target: object, method?: string, descriptor?: PropertyDescriptor) =>
      Reflect.defineMetadata(key, [name], method === undefined ? target : (descriptor?.value as object));
    @guarded('guard', '__guards__')
    class Orders {
      @Listener('q')
      @guarded('filter', '__exceptionFilters__')
      on(_paid: Paid): void {}
    }
    const [warning, ...others] = warningsOf([Orders]);
    expect(others).to.deep.equal([]);
    expect(warning?.text).to.contain('@UseGuards on Orders, @UseFilters on Orders.on');
  });
});
