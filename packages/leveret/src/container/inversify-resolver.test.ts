import type { DeliveryContext } from '@leveret/core';
import { expect } from 'chai';
import * as inversify from 'inversify';
import { type BindingScope, Container, inject, injectable, preDestroy } from 'inversify';
import { describe, it } from 'mocha';
import type { InstanceSource } from '../handler/instance-source.js';
import { contextOf, sampleMessage } from '../test-support/sample-delivery.js';
import { InversifyResolver } from './inversify-resolver.js';
import { DELIVERY_CONTEXT } from './tokens.js';

@injectable()
class Service {}

@injectable()
class Listening {
  constructor(@inject(Service) readonly service: Service) {}
}

@injectable('Request')
class PerRequest {
  constructor(
    @inject(Service) readonly service: Service,
    @inject(DELIVERY_CONTEXT) readonly context: DeliveryContext,
  ) {}
}

@injectable('Transient')
class PerAttempt {}

function withService(scope: BindingScope = 'Singleton'): Container {
  const container = new Container();
  const binding = container.bind(Service).toSelf();
  if (scope === 'Singleton') binding.inSingletonScope();
  return container;
}

const context = contextOf(sampleMessage({ id: 1 }), undefined);

async function made<T extends object>(source: InstanceSource<T>, attempt: DeliveryContext = context): Promise<T> {
  return source.kind === 'shared' ? source.instance : source.make(attempt);
}

async function rejection(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => {
      throw new Error('expected a rejection');
    },
    (error: Error) => error,
  );
}

describe('InversifyResolver', () => {
  it('makes a class that is not bound once, and binds it, so that all get the same', async () => {
    const container = withService();
    const source = await new InversifyResolver(container, inversify).source(Listening);
    expect(source.kind).to.equal('shared');
    const listening = await made(source);
    expect(listening.service).to.equal(container.get(Service));
    expect(container.get(Listening)).to.equal(listening);
  });

  it('makes everything it is asked for in a container with autobind', async () => {
    const resolver = new InversifyResolver(new Container({ autobind: true, defaultScope: 'Singleton' }), inversify);
    const source = await resolver.source(Listening);
    expect(source.kind).to.equal('shared');
    expect((await made(source)).service).to.be.instanceOf(Service);
  });

  it('makes a transient class anew for each attempt', async () => {
    const container = withService();
    container.bind(Listening).toSelf().inTransientScope();
    const source = await new InversifyResolver(container, inversify).source(Listening);
    expect(source.kind).to.equal('per-attempt');
    const [one, two] = [await made(source), await made(source)];
    expect(one).to.not.equal(two);
    expect(one.service).to.equal(two.service);
  });

  it('obeys the scope that an unbound class asks for itself', async () => {
    const source = await new InversifyResolver(new Container(), inversify).source(PerAttempt);
    expect(source.kind).to.equal('per-attempt');
  });

  it('makes a class in request scope for each attempt, with the context of the attempt', async () => {
    const container = withService();
    const source = await new InversifyResolver(container, inversify).source(PerRequest);
    expect(source.kind).to.equal('per-attempt');
    const contexts = [1, 2].map((id) => contextOf(sampleMessage({ id }), { id }));
    const [one, two] = [await made(source, contexts[0]), await made(source, contexts[1])];
    expect([one.context, two.context]).to.deep.equal(contexts);
    expect(one.service).to.equal(container.get(Service));
    expect(container.isBound(DELIVERY_CONTEXT)).to.equal(false);
  });

  it('makes a class in request scope whose parts take time, each with its own context', async () => {
    const container = new Container();
    container
      .bind(Service)
      .toDynamicValue(async () => new Service())
      .inRequestScope();
    const source = await new InversifyResolver(container, inversify).source(PerRequest);
    const contexts = [1, 2].map((id) => contextOf(sampleMessage({ id }), { id }));
    const both = await Promise.all(contexts.map((each) => made(source, each)));
    expect(both.map((each) => each.context)).to.deep.equal(contexts);
  });

  it('makes a singleton whose parts take time', async () => {
    const container = new Container();
    container.bind(Service).toDynamicValue(async () => new Service());
    container.bind(Listening).toSelf().inSingletonScope();
    expect((await made(await new InversifyResolver(container, inversify).source(Listening))).service).to.be.instanceOf(
      Service,
    );
  });

  it('takes the same instance for an alias', async () => {
    const container = withService();
    container.bind(Listening).toSelf().inSingletonScope();
    abstract class Port {}
    container.bind(Port).toService(Listening);
    const source = await new InversifyResolver(container, inversify).source(Port as new () => Port);
    expect(await made(source)).to.equal(container.get(Listening));
  });

  it('rejects with what inversify says', async () => {
    const error = await rejection(new InversifyResolver(new Container(), inversify).source(Listening));
    expect(error.message).to.match(/No bindings found for service: "Service"/);
  });

  it('rejects at once what cannot be made for an attempt, also when that takes time', async () => {
    const container = new Container();
    container
      .bind(Service)
      .toDynamicValue(() => Promise.reject(new Error('no service today')))
      .inRequestScope();
    const error = await rejection(new InversifyResolver(container, inversify).source(PerRequest));
    expect(error.message).to.match(/no service today/);
  });

  it('provides values that are injected, unless the container has its own', () => {
    const container = new Container();
    const resolver = new InversifyResolver(container, inversify);
    resolver.provide('port', 1);
    resolver.provide('port', 2);
    expect(container.get('port')).to.equal(1);
  });

  it('takes back its own bindings, and no others', async () => {
    const container = withService();
    const resolver = new InversifyResolver(container, inversify);
    await resolver.source(Listening);
    resolver.provide('port', 1);
    await resolver.release();
    expect([Listening, 'port', Service].map((each) => container.isBound(each))).to.deep.equal([false, false, true]);
    await resolver.release();
  });

  it('lets go of the others when a service fails at it, or never ends', async () => {
    const released: string[] = [];
    @injectable()
    class Failing {
      @preDestroy() destroy(): void {
        throw new Error('the pool is gone');
      }
    }
    @injectable()
    class Hanging {
      @preDestroy() destroy(): Promise<void> {
        return hanging;
      }
    }
    @injectable()
    class Fine {
      @preDestroy() destroy(): void {
        released.push('fine');
      }
    }
    let end: () => void = () => {};
    const hanging = new Promise<void>((resolve) => {
      end = resolve;
    });
    const resolver = new InversifyResolver(new Container(), inversify);
    for (const each of [Failing, Hanging, Fine]) await resolver.source(each);
    const release = resolver.release().then(
      () => undefined,
      (error: unknown) => error,
    );
    await new Promise((resolve) => setImmediate(resolve));
    expect(released).to.deep.equal(['fine']);
    end();
    expect(await release)
      .to.be.an('error')
      .with.property('message')
      .that.contains('the pool is gone');
  });
});
