import { type DeliveryContext, type LogFields, silentLogger } from '@leveret/core';
import { expect } from 'chai';
import { getMetadataStorage, IsInt } from 'class-validator';
import { describe, it } from 'mocha';
import { Leveret } from '../application/leveret.js';
import { Context } from '../decorators/context.js';
import { Header } from '../decorators/header.js';
import { Listener } from '../decorators/listener.js';
import { Payload } from '../decorators/payload.js';
import { Scheduled } from '../decorators/scheduled.js';
import { listener } from '../functions/listener.js';
import type { HandlerFramework, HandlerInvocation } from '../handler/handler-framework.js';
import { declarationsOf } from '../reading/declarations-of.js';
import { FakeTransport, until } from '../test-support/fake-transport.js';
import { mapPort } from './port-resolver.js';

// Makes the global that it keeps its rules in, which is no leak of a test.
getMetadataStorage();

class Paid {
  @IsInt() orderId!: number;
}

class PayListener {
  readonly got: unknown[] = [];

  @Listener('pay')
  onPaid(
    @Payload(Paid) event: Paid,
    @Header('x-tenant', { required: false }) tenant: string | undefined,
    @Context() _context: DeliveryContext,
  ): void {
    this.got.push([event, tenant]);
  }

  @Listener('many')
  onMany(@Payload([Paid]) events: Paid[]): void {
    this.got.push(events);
  }
}

type Method = (...args: readonly unknown[]) => unknown;

class Recording implements HandlerFramework {
  readonly calls: HandlerInvocation[] = [];
  readonly #made: boolean;

  constructor(made = false) {
    this.#made = made;
  }

  invoke(call: HandlerInvocation): unknown {
    this.calls.push(call);
    return (call.instance as Record<string | symbol, Method>)[call.key]?.(...call.args);
  }

  makesPayload(): boolean {
    return this.#made;
  }
}

async function run(
  framework: HandlerFramework | undefined,
  listeners: readonly object[],
  queue: string,
  body: unknown,
) {
  const instance = new PayListener();
  const transport = new FakeTransport();
  const warnings: LogFields[] = [];
  const logger = { ...silentLogger, warn: (fields: LogFields) => warnings.push(fields) };
  const container = { ...mapPort(new Map([[PayListener, instance]])), framework };
  await using _app = await Leveret.start({ transport, logger, listeners, container });
  const tag = transport.deliver(queue, body);
  await until('settled', () => transport.settled.some((each) => each.endsWith(` ${tag}`)));
  return { instance, settled: transport.settled, warnings };
}

describe('when a container belongs to a framework', () => {
  it('calls methods through it, and says what they take', async () => {
    const framework = new Recording();
    const { instance, settled } = await run(framework, [PayListener], 'pay', { orderId: 7 });
    expect(settled[0]).to.match(/^ack /);
    const [call] = framework.calls;
    expect(call?.instance).to.equal(instance);
    expect(call?.key).to.equal('onPaid');
    expect(call?.parameters).to.deep.equal([
      { kind: 'payload', type: Paid },
      { kind: 'header', name: 'x-tenant' },
      { kind: 'context' },
    ]);
    expect(call?.args[0]).to.be.instanceOf(Paid);
    expect(call?.args[2]).to.equal(call?.context);
  });

  it('checks payloads before it, unless the framework makes them', async () => {
    const strict = await run(new Recording(), [PayListener], 'pay', { orderId: 'seven' });
    expect(strict.settled[0]).to.match(/^reject /);
    const left = await run(new Recording(true), [PayListener], 'pay', { orderId: 'seven' });
    expect(left.settled[0]).to.match(/^ack /);
    expect(left.instance.got).to.deep.equal([[{ orderId: 'seven' }, undefined]]);
  });

  it('makes the elements of an array itself: no framework knows their class', async () => {
    const { settled } = await run(new Recording(true), [PayListener], 'many', [{ orderId: 'seven' }]);
    expect(settled[0]).to.match(/^reject /);
  });

  it('leaves functions alone', async () => {
    const framework = new Recording();
    const got: unknown[] = [];
    const plain = listener({ queue: 'plain', payload: Object }, (event) => {
      got.push(event);
    });
    await run(framework, [plain], 'plain', { a: 1 });
    expect(got).to.deep.equal([{ a: 1 }]);
    expect(framework.calls).to.deep.equal([]);
  });

  it('warns of decorators of others only where there is no framework', async () => {
    Reflect.defineMetadata('__guards__', ['guard'], PayListener);
    try {
      const kinds = async (framework: HandlerFramework | undefined) =>
        (await run(framework, [PayListener], 'pay', { orderId: 1 })).warnings.map(({ kind }) => kind);
      expect(await kinds(undefined)).to.include('foreign-decorator');
      expect(await kinds(new Recording())).to.not.include('foreign-decorator');
    } finally {
      Reflect.deleteMetadata('__guards__', PayListener);
    }
  });

  it('can be looked for among what a container has', () => {
    class Plain {}
    class Sub extends PayListener {
      @Scheduled({ every: '1s' }) look(): void {}
    }
    expect(declarationsOf(Plain)).to.equal(undefined);
    expect(declarationsOf(Sub)).to.deep.equal({
      isListener: true,
      isSchedule: true,
      methods: ['onPaid', 'onMany', 'look'],
    });
  });
});
