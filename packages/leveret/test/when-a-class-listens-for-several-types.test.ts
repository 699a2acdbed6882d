import { expect } from 'chai';
import { IsInt, IsString } from 'class-validator';
import { Handler, Listener } from 'leveret';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { onEachBroker } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';

class PaySucceeded {
  @IsInt()
  orderId!: number;
}

class PayFailed {
  @IsString()
  reason!: string;
}

onEachBroker('when a class listens for several types', (broker) => {
  it('chooses the handler by the type property, or by Spring’s header', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('types'));
    const seen: unknown[] = [];
    @Listener({ queue })
    class PayListener {
      @Handler(PaySucceeded, { type: ['pay.succeeded', 'com.example.PaySucceeded'] })
      succeeded(event: PaySucceeded): void {
        seen.push(['succeeded', event instanceof PaySucceeded, event.orderId]);
      }

      @Handler(PayFailed)
      failed(event: PayFailed): void {
        seen.push(['failed', event instanceof PayFailed, event.reason]);
      }
    }
    await using _running = await startApp(broker.url, { listeners: [PayListener] });
    await raw.send(queue, { orderId: 1 }, { type: 'pay.succeeded' });
    await raw.send(queue, { reason: 'no funds' }, { type: 'PayFailed' });
    await raw.send(queue, { orderId: 2 }, { headers: { __TypeId__: 'com.example.PaySucceeded' } });
    await eventually('three', () => seen.length === 3);
    expect(seen).to.deep.equal([
      ['succeeded', true, 1],
      ['failed', true, 'no funds'],
      ['succeeded', true, 2],
    ]);
  });

  it('rejects a type that nobody handles, and goes on (Spring stops the container) [spring 18]', async () => {
    const raw = await broker.raw();
    const dead = await raw.declareDeadLetters(unique('types'));
    const queue = await raw.declare(unique('types'), dead.arguments);
    const seen: number[] = [];
    @Listener({ queue, retry: true })
    class PayListener {
      @Handler(PaySucceeded)
      succeeded(event: PaySucceeded): void {
        seen.push(event.orderId);
      }
    }
    await using running = await startApp(broker.url, { listeners: [PayListener] });
    await raw.send(queue, { orderId: 1 }, { type: 'constructor' });
    await raw.send(queue, { orderId: 2 }, { type: 'PaySucceeded' });
    await eventually('the second', () => seen.length === 1);
    expect((await raw.arrived(dead.queue)).text).to.equal('{"orderId":1}');
    expect(seen).to.deep.equal([2]);
    expect(running.count('listener-failed')).to.equal(0);
  });

  it('gives what has no handler of its own to the default handler', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('types'));
    const seen: unknown[] = [];
    @Listener({ queue })
    class PayListener {
      @Handler(PaySucceeded)
      succeeded(event: PaySucceeded): void {
        seen.push(event.orderId);
      }

      @Handler(Object, { isDefault: true })
      other(event: object): void {
        seen.push(event);
      }
    }
    await using _running = await startApp(broker.url, { listeners: [PayListener] });
    await raw.send(queue, { anything: true }, { type: 'unheard.of' });
    await raw.send(queue, { orderId: 2 }, { type: 'PaySucceeded' });
    await eventually('both', () => seen.length === 2);
    expect(seen).to.deep.equal([{ anything: true }, 2]);
  });
});
