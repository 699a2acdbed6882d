import { expect } from 'chai';
import { describe, it } from 'mocha';
import type { ContainerPort, ServiceToken } from './container-port.js';
import { mapPort, PortResolver } from './port-resolver.js';
import { sampleContext } from './sample-context.js';

class Orders {}
class Clock {
  readonly zone: string;
  constructor(zone: string) {
    this.zone = zone;
  }
}

function setUp(port: Partial<ContainerPort> = {}) {
  const asked: ServiceToken[] = [];
  const warned: unknown[] = [];
  const logger = {
    debug() {},
    info() {},
    warn: (fields: unknown, text: string) => warned.push([fields, text]),
    error() {},
  };
  const resolver = new PortResolver(
    {
      resolve: (token) => {
        asked.push(token);
        return token === 'nothing' ? undefined : token === 'null' ? null : { of: token };
      },
      ...port,
    },
    logger,
  );
  return { asked, resolver, warned };
}

async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => 'resolved', String);
}

describe('PortResolver', () => {
  it('asks the container once for each class and token, until it is released', async () => {
    const { asked, resolver } = setUp();
    const [one, two] = await Promise.all([resolver.single(Orders), resolver.single(Orders)]);
    expect(one).to.equal(two);
    expect(await resolver.source(Orders)).to.deep.equal({ kind: 'shared', instance: one });
    expect(resolver.source(Orders)).to.equal(resolver.source(Orders));
    expect(await resolver.token('store')).to.deep.equal({ instance: { of: 'store' } });
    expect(asked).to.deep.equal([Orders, 'store']);
    await resolver.release();
    expect(await resolver.single(Orders)).to.not.equal(one);
    expect([asked.length, resolver.attemptEnded, resolver.framework]).to.deep.equal([3, undefined, undefined]);
  });

  it('has no token that the container answers nothing for, and no class without an instance', async () => {
    const { resolver } = setUp();
    expect([await resolver.token('nothing'), await resolver.token('null')]).to.deep.equal([undefined, undefined]);
    const { resolver: empty } = setUp({ resolve: () => 7 });
    expect(await rejection(empty.single(Orders))).to.match(
      /resolve\(Orders\) of the container answered 7, which is no instance/,
    );
  });

  it('leaves the container alone, but for what is replaced', async () => {
    const { asked, resolver } = setUp({ createScope: () => ({ resolve: () => new Orders() }) });
    const mine = new Orders();
    resolver.provide();
    await resolver.replace(Orders, mine);
    expect([await resolver.single(Orders), await resolver.source(Orders), asked]).to.deep.equal([
      ...[mine, { kind: 'shared', instance: mine }, []],
    ]);
  });

  it('makes listeners in a scope of each attempt, and once at start, to see that it can', async () => {
    const steps: string[] = [];
    const { resolver } = setUp({
      createScope: () => ({
        resolve: () => {
          steps.push('made');
          return new Orders();
        },
        dispose: () => void steps.push('disposed'),
      }),
    });
    const source = await resolver.source(Orders);
    await resolver.release();
    expect([source.kind, steps]).to.deep.equal(['per-attempt', ['made', 'disposed']]);
    const context = sampleContext();
    const make = (source as unknown as { make(context: unknown): unknown }).make;
    expect(make(context)).to.be.instanceOf(Orders);
    resolver.attemptEnded?.(context);
    await resolver.release();
    expect(steps).to.deep.equal(['made', 'disposed', 'made', 'disposed']);
  });

  it('refuses at start what a scope has not, now or later, and lets go of the scope', async () => {
    for (const answer of [undefined, Promise.resolve(null)]) {
      const steps: string[] = [];
      const { resolver } = setUp({
        createScope: () => ({ resolve: () => answer, dispose: () => void steps.push('disposed') }),
      });
      expect(await rejection(resolver.source(Orders))).to.match(
        /resolve\(Orders\) of the container answered (undefined|null)/,
      );
      await resolver.release();
      expect(steps).to.deep.equal(['disposed']);
    }
  });

  it('logs a scope that would not be disposed', async () => {
    const failure = new Error('busy');
    const { resolver, warned } = setUp({
      createScope: () => ({
        resolve: async () => new Orders(),
        dispose: () => {
          throw failure;
        },
      }),
    });
    await resolver.source(Orders);
    await resolver.release();
    expect(warned).to.deep.equal([[{ err: failure }, 'the scope of an attempt would not be disposed']]);
  });
});

describe('a Map as a container', () => {
  it('answers what it holds, and makes what needs nothing', () => {
    const held = new Clock('UTC');
    const port = mapPort(
      new Map<unknown, unknown>([
        [Clock, held],
        ['zone', undefined],
      ]),
    );
    expect([port.resolve(Clock), port.resolve('zone'), port.resolve('other')]).to.deep.equal([
      held,
      undefined,
      undefined,
    ]);
    expect(port.resolve(Orders)).to.be.instanceOf(Orders);
    expect(() => mapPort(new Map()).resolve(Clock)).to.throw(/Put one in: \[Clock, new Clock\(\.\.\.\)\]/);
  });
});
