import {
  contentTypeConverter,
  type DeliveryContext,
  FatalMessageError,
  type InterceptorFunction,
  LeveretError,
  Problems,
} from '@leveret/core';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { Context } from '../decorators/context.js';
import { Header } from '../decorators/header.js';
import { Headers } from '../decorators/headers.js';
import { Listener } from '../decorators/listener.js';
import { Message } from '../decorators/message.js';
import { Payload } from '../decorators/payload.js';
import { SendTo } from '../decorators/send-to.js';
import type { RoutePlan } from '../reading/listener-plan.js';
import { readListeners } from '../reading/read-listeners.js';
import { contextOf, sampleMessage } from '../test-support/sample-delivery.js';
import type { InstanceSource } from './instance-source.js';
import { methodRoute } from './method-route.js';

class Paid {
  id!: number;
}

class Orders {
  readonly prefix: string;
  readonly seen: unknown[] = [];

  constructor(prefix = 'order') {
    this.prefix = prefix;
  }

  @Listener('q')
  @SendTo('replies/paid')
  on(
    @Header('x-tenant') tenant: string,
    payload: Paid,
    @Headers() headers: object,
    @Message() message: Message,
    @Context() context: DeliveryContext,
  ): string {
    this.seen.push(tenant, payload, headers, message, context);
    return `${this.prefix} ${payload.id}`;
  }
}

class Fast {
  @Listener('q')
  on(@Payload() payload: Paid): number {
    return payload.id;
  }
}

function planOf(listenerClass: new () => object): RoutePlan {
  const [plan] = readListeners([listenerClass], new Problems());
  if (plan?.handler.kind !== 'single') throw new Error('expected a method listener');
  return plan.handler.route;
}

function routeOf(
  listenerClass: new () => object,
  source: InstanceSource,
  interceptors: readonly InterceptorFunction[] = [],
) {
  return methodRoute(planOf(listenerClass), {
    source,
    interceptors,
    converter: contentTypeConverter(),
    validation: {},
    hints: {},
  });
}

describe('methodRoute', () => {
  it('calls the method on its instance with what its parameters ask for', () => {
    const orders = new Orders();
    const route = routeOf(Orders, { kind: 'shared', instance: orders });
    const message = sampleMessage({ id: 3 }, { headers: { 'x-tenant': 'north' } });
    const payload = route.convert(message);
    const context = contextOf(message, payload);
    expect(route.invoke(context)).to.equal('order 3');
    expect(orders.seen).to.deep.equal(['north', payload, message.headers, message, context]);
    expect(route.name).to.equal('Orders.on');
  });

  it('says where the value goes, and how it is written', () => {
    const { reply } = routeOf(Orders, { kind: 'shared', instance: new Orders() });
    expect(reply.sendTo).to.deep.equal({ exchange: 'replies', routingKey: 'paid' });
    expect(reply.encode({ a: 1 }).body.toString()).to.equal('{"a":1}');
    expect(routeOf(Fast, { kind: 'shared', instance: new Fast() }).reply.sendTo).to.equal(undefined);
  });

  it('refuses a message without a required header before any interceptor runs', () => {
    const route = routeOf(Orders, { kind: 'shared', instance: new Orders() });
    expect(() => route.convert(sampleMessage({ id: 3 }))).to.throw(FatalMessageError, 'x-tenant');
  });

  it('asks a per-attempt source for each attempt, and waits for it', async () => {
    let made = 0;
    const source: InstanceSource = { kind: 'per-attempt', make: async () => new Orders(`made ${++made}`) };
    const route = routeOf(Orders, source);
    const message = sampleMessage({ id: 3 }, { headers: { 'x-tenant': 'north' } });
    const context = contextOf(message, route.convert(message));
    expect([await route.invoke(context), await route.invoke(context)]).to.deep.equal(['made 1 3', 'made 2 3']);
  });

  it('puts the interceptors around, the first outermost', async () => {
    const steps: string[] = [];
    const around =
      (name: string): InterceptorFunction =>
      async (_context, next) => {
        steps.push(`${name} in`);
        const value = await next();
        steps.push(`${name} out`);
        return (value as number) + 1;
      };
    const route = routeOf(Fast, { kind: 'shared', instance: new Fast() }, [around('outer'), around('inner')]);
    expect(await route.invoke(contextOf(sampleMessage({}), { id: 1 }))).to.equal(3);
    expect(steps).to.deep.equal(['outer in', 'inner in', 'inner out', 'outer out']);
  });

  it('refuses a second next()', async () => {
    const twice: InterceptorFunction = async (_context, next) => {
      await next();
      return next();
    };
    const route = routeOf(Fast, { kind: 'shared', instance: new Fast() }, [twice]);
    const error = await Promise.resolve(route.invoke(contextOf(sampleMessage({}), { id: 1 }))).catch(
      (reason: unknown) => reason,
    );
    expect(LeveretError.is(error) && error.code).to.equal('LEV_NEXT_CALLED_TWICE');
  });
});
