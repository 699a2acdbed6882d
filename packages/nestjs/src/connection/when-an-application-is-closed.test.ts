import { Broker } from '@leveret/broker';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { expect } from 'chai';
import { Leveret, Listener, Payload, Publisher, silentLogger } from 'leveret';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { LeveretConnection, LeveretHealthIndicator, LeveretModule, type LeveretModuleOptions } from '../index.js';

async function until(what: string, holds: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('when a Nest application is closed', () => {
  let broker: Broker;

  beforeEach(async () => {
    broker = await Broker.start();
  });
  afterEach(() => broker.close());

  async function create(providers: (new (...args: never[]) => object)[], options: LeveretModuleOptions = {}) {
    @Module({
      imports: [LeveretModule.forRoot({ connection: { urls: broker.url }, logger: silentLogger, ...options })],
      providers,
    })
    class AppModule {}
    return NestFactory.createApplicationContext(AppModule, { logger: false });
  }

  it('takes nothing more, finishes what runs, lets it publish, and only then closes', async () => {
    const events: string[] = [];
    const [open, gate] = latch();
    @Injectable()
    class Orders {
      constructor(readonly publisher: Publisher) {}
      @Listener({ queue: 'orders', prefetch: 3, concurrency: 1 }) async on(@Payload() event: string): Promise<void> {
        events.push(`begin ${event}`);
        await gate;
        await this.publisher.publish('', 'done', event, { mandatory: false });
        events.push(`end ${event}`);
      }
      beforeApplicationShutdown(): void {
        events.push('before');
      }
      onApplicationShutdown(): void {
        events.push('shutdown');
      }
    }
    const app = await create([Orders], { topology: { queues: ['done'] } });
    const publisher = app.get(Publisher);
    for (const each of ['1', '2', '3', '4']) await publisher.publish('', 'orders', each);
    await until('the first is at work', () => events.length > 0);
    const closed = app.close();
    await until('consumers are gone', () => broker.queue('orders')?.consumers === 0);
    expect(events).to.not.include('shutdown');
    open();
    await closed;
    expect(events.filter((each) => each.startsWith('begin'))).to.deep.equal(['begin 1']);
    expect(events.indexOf('end 1')).to.be.lessThan(events.indexOf('shutdown'));
    expect(broker.queue('done')?.messages).to.have.lengthOf(1);
    // None is lost, and none of what was prefetched has been begun.
    expect(broker.queue('orders')?.messages).to.have.lengthOf(3);
    await until('connections are gone', () => broker.connections.length === 0);
  });

  it('waits no longer than it is told, and its message comes again', async () => {
    let begun = 0;
    @Injectable()
    class Orders {
      @Listener('orders') on(): Promise<void> {
        begun++;
        return new Promise(() => {});
      }
    }
    const app = await create([Orders], { shutdownTimeout: '100ms' });
    await app.get(Publisher).publish('', 'orders', {});
    await until('it is at work', () => begun === 1);
    const since = performance.now();
    await app.close();
    expect(performance.now() - since).to.be.lessThan(5000);
    await until('it is given back', () => broker.queue('orders')?.messages.length === 1);
  });

  it('can be closed when it was never started, and when its start failed', async () => {
    const idle = await create([], { startOnBootstrap: false });
    expect(idle.get(Leveret).state).to.equal('new');
    await idle.close();
    expect(idle.get(Leveret).state).to.equal('closed');
    const unreachable: LeveretModuleOptions = {
      connection: { urls: 'amqp://127.0.0.1:1', startTimeout: '50ms' },
      startOnBootstrap: false,
    };
    const failing = await create([], unreachable);
    const error = await failing
      .get(LeveretConnection)
      .start()
      .catch((failed: Error) => failed);
    expect(error).to.have.property('code', 'LEV_CONNECTION_FAILED');
    await failing.close();
  });

  it('says how it is', async () => {
    @Injectable()
    class Orders {
      @Listener('orders') on(): void {}
    }
    const app = await create([Orders]);
    const indicator = app.get(LeveretHealthIndicator);
    expect(indicator.isHealthy('rabbitmq')).to.deep.equal({
      rabbitmq: { status: 'up', state: 'up', connections: [], listeners: [] },
    });
    await app.get(Leveret).pause();
    expect(indicator.isHealthy().leveret).to.include({ status: 'up', state: 'degraded' });
    expect(indicator.isHealthy('leveret', { degraded: 'down' }).leveret.status).to.equal('down');
    expect(() => indicator.isHealthy('leveret', { connection: 'audit' })).to.throw();
    await app.close();
    expect(indicator.isHealthy().leveret.status).to.equal('down');
  });

  it('closes once when signals of leveret come as well', async () => {
    const app = await create([], { shutdownHooks: ['SIGUSR2'] });
    app.enableShutdownHooks(['SIGHUP']);
    process.emit('SIGUSR2', 'SIGUSR2');
    await app.close();
    expect(app.get(Leveret).state).to.equal('closed');
    expect(process.listenerCount('SIGUSR2')).to.equal(0);
  });
});

function latch(): [() => void, Promise<void>] {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return [() => open(), opened];
}
