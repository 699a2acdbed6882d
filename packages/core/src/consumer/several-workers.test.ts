import { expect } from 'chai';
import * as fc from 'fast-check';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { DeliveryContext } from '../delivery/delivery-context.js';
import { claimKey } from '../idempotency/claim-key.js';
import { MemoryIdempotencyStore } from '../idempotency/memory-store.js';
import type { RecordingChannel } from '../transport/delivery.support.test.js';
import { ListenerContainer } from './listener-container.js';
import {
  aDefinition,
  aQueueDeclaration,
  ListenerHarness,
  type ListenerParts,
} from './listener-harness.support.test.js';
import { ScriptedTransport } from './scripted-transport.support.test.js';
import { SuspectTurns } from './suspect-turns.js';

/** Handlers that work until each is told to end. */
class Handlers {
  readonly began: string[] = [];
  readonly aborted: string[] = [];
  most = 0;
  readonly #open = new Map<string, { readonly end: () => void; readonly fail: (error: Error) => void }[]>();
  #running = 0;

  readonly handle = ({ payload, signal }: DeliveryContext): Promise<void> => {
    const name = String(payload);
    this.began.push(name);
    signal.addEventListener('abort', () => this.aborted.push(name));
    this.most = Math.max(this.most, ++this.#running);
    return new Promise<void>((end, fail) => {
      this.#open.set(name, [...(this.#open.get(name) ?? []), { end, fail }]);
    }).finally(() => this.#running--);
  };

  get atWork(): readonly string[] {
    return [...this.#open].flatMap(([name, calls]) => calls.map(() => name));
  }

  /** Lets the first call of it end, or fail. */
  async end(name: string, error?: Error): Promise<void> {
    const [first, ...others] = this.#open.get(name) ?? [];
    if (first === undefined) throw new Error(`${name} is not at work`);
    if (others.length === 0) this.#open.delete(name);
    else this.#open.set(name, others);
    if (error === undefined) first.end();
    else first.fail(error);
    await rest();
  }
}

async function rest(): Promise<void> {
  for (let turns = 0; turns < 20; turns++) await turn();
}

/** A listener whose three handlers share a consumer, its broker played by the test. */
async function sharing(parts: ListenerParts = {}, version = '3.10.8') {
  const handlers = new Handlers();
  const given: ListenerParts = {
    handle: handlers.handle as NonNullable<ListenerParts['handle']>,
    ...parts,
    definition: {
      queueDeclaration: aQueueDeclaration(),
      concurrency: 3,
      prefetch: 2,
      sharedChannel: true,
      ...parts.definition,
    },
  };
  const { clock, logger, events, publisher, happened } = new ListenerHarness(given);
  const transport = new ScriptedTransport();
  transport.broker = { product: 'RabbitMQ', version, frameMax: 131_072 };
  const deps = { transport, publisher, clock, logger, events, suspectTurns: new SuspectTurns() };
  const container = new ListenerContainer(aDefinition(given), deps);
  await container.start();
  const types = (type: string) => happened.filter((event) => event.type === type);
  return { handlers, clock, transport, container, types, subscription: transport.last, frames: () => transport.frames };
}

describe('several handlers that share a consumer', () => {
  it('are one consumer at the broker, which may hold as much as all of them', async () => {
    const { transport, container } = await sharing();
    expect(transport.subscriptions.map(({ request }) => request.prefetch)).to.deep.equal([6]);
    expect(container.inspect()).to.include({ attached: 3, wanted: 3, consumers: 1, concurrency: 3 });
    expect((await sharing({ definition: { prefetch: 0 } })).subscription.request.prefetch).to.equal(0);
    expect((await sharing({ definition: { prefetch: 60_000 } })).subscription.request.prefetch).to.equal(65_535);
  });

  it('begin in the order of the queue, side by side, and none waits behind a slow one', async () => {
    const { handlers, subscription, container, frames } = await sharing();
    subscription.deliver('a', 'b', 'c', 'd', 'e');
    await rest();
    expect(handlers.began).to.deep.equal(['a', 'b', 'c']);
    expect(container.inspect()).to.include({ held: 5, atWork: 3 });
    await handlers.end('b');
    await handlers.end('d');
    expect(handlers.began).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    expect(frames()).to.deep.equal(['basic.ack 2', 'basic.ack 4']);
    await handlers.end('a');
    expect(frames().at(-1)).to.equal('basic.ack 1');
    expect(handlers.most).to.equal(3);
  });

  it('settle each what it has, and hold none of the others while one waits for its next attempt', async () => {
    const { handlers, subscription, clock, frames } = await sharing({ retry: { maxAttempts: 2 } });
    subscription.deliver('a', 'b', 'c', 'd');
    await rest();
    await handlers.end('a', new Error('once'));
    await handlers.end('b');
    await handlers.end('d', new Error('once'));
    expect(handlers.atWork).to.deep.equal(['c']);
    await clock.advance(1000);
    expect(handlers.atWork).to.have.members(['a', 'c', 'd']);
    await handlers.end('d', new Error('twice'));
    await handlers.end('a');
    expect(frames()).to.deep.equal(['basic.ack 2', 'basic.reject 4', 'basic.ack 1']);
  });

  it('lose all that is on their channel when it goes, and take it again on the next', async () => {
    const { handlers, subscription, frames, container } = await sharing();
    const gone: RecordingChannel = subscription.channel;
    subscription.deliver('a', 'b', 'c', 'd');
    await rest();
    subscription.reconnect();
    expect(handlers.aborted).to.deep.equal(['a', 'b', 'c']);
    expect(container.inspect()).to.include({ held: 3, attached: 0 });
    for (const name of ['a', 'b', 'c']) await handlers.end(name);
    expect(gone.frames).to.deep.equal([]);
    expect(handlers.began).to.deep.equal(['a', 'b', 'c']);
    subscription.consumeOk();
    subscription.deliver('a');
    await rest();
    await handlers.end('a');
    expect(frames()).to.deep.equal(['basic.ack 1']);
  });

  it('handle no message beside its redelivery, and others meanwhile', async () => {
    const { handlers, subscription, frames } = await sharing();
    const deliver = (messageId: string, redelivered: boolean) =>
      subscription.deliverMessage({ text: messageId, messageId, redelivered });
    for (const id of ['a', 'b', 'c']) deliver(id, false);
    await rest();
    subscription.reconnect();
    subscription.consumeOk();
    // `b` and `c` run on although their signals have fired.
    await handlers.end('a');
    for (const id of ['b', 'c', 'a']) deliver(id, true);
    deliver('d', false);
    await rest();
    expect(handlers.atWork).to.have.members(['b', 'c', 'a']);
    await handlers.end('a');
    expect(handlers.atWork).to.have.members(['b', 'c', 'd']);
    await handlers.end('c');
    expect(handlers.atWork).to.have.members(['b', 'c', 'd']);
    await handlers.end('b');
    await handlers.end('b');
    expect(frames()).to.deep.equal(['basic.ack 3', 'basic.ack 1']);
  });

  it('give back at a stop what waits, also for the end of its own handler, and end what they have begun', async () => {
    const { handlers, subscription, frames, container } = await sharing();
    subscription.deliverMessage({ text: 'a', messageId: 'a' });
    await rest();
    subscription.reconnect();
    subscription.consumeOk();
    subscription.deliverMessage({ text: 'a', messageId: 'a', redelivered: true });
    subscription.deliver('b', 'c', 'd');
    await rest();
    const stopped = container.stop({ timeoutMs: 5000 });
    await rest();
    expect(frames()).to.have.members(['basic.nack 1 requeue', 'basic.nack 4 requeue']);
    for (const name of ['a', 'b', 'c']) await handlers.end(name);
    expect(await stopped).to.deep.equal({ abandoned: 0 });
    expect(frames()).to.include.members(['basic.ack 2', 'basic.ack 3']);
  });

  it('run at a stop what would cost a delivery to give back, but no message beside itself', async () => {
    const { handlers, subscription, frames, container } = await sharing({
      definition: { queueDeclaration: undefined },
    });
    subscription.deliverMessage({ text: 'a', messageId: 'a' });
    await rest();
    subscription.reconnect();
    subscription.consumeOk();
    subscription.deliverMessage({ text: 'a', messageId: 'a', redelivered: true });
    subscription.deliver('b', 'c', 'd');
    await rest();
    const stopped = container.stop({ timeoutMs: 5000 });
    await rest();
    expect(handlers.atWork).to.deep.equal(['a', 'b', 'c']);
    for (const name of ['a', 'a', 'b', 'c', 'd']) await handlers.end(name);
    expect(await stopped).to.deep.equal({ abandoned: 0 });
    expect(frames()).to.have.members(['basic.ack 1', 'basic.ack 2', 'basic.ack 3', 'basic.ack 4']);
  });

  it('say at a stop how many of them had to be left behind', async () => {
    const { subscription, container, clock, types } = await sharing();
    subscription.deliver('a', 'b', 'c', 'd');
    await rest();
    const stopped = container.stop({ timeoutMs: 5000 });
    await clock.advance(5000);
    expect(await stopped).to.deep.equal({ abandoned: 3 });
    expect(types('abandoned')).to.have.length(3);
  });

  it('share the rate of the listener', async () => {
    const { handlers, subscription, clock } = await sharing({ definition: { maxRate: { messages: 2, perMs: 1000 } } });
    subscription.deliver('a', 'b', 'c', 'd');
    await rest();
    expect(handlers.began).to.deep.equal(['a', 'b']);
    await clock.advance(1000);
    expect(handlers.began).to.deep.equal(['a', 'b', 'c']);
    await handlers.end('b');
    expect(handlers.began).to.deep.equal(['a', 'b', 'c', 'd']);
  });

  it('take one each when deliveries wait too long for their turn, as soon as one of them is free', async () => {
    const { handlers, subscription, clock, frames } = await sharing({ definition: { consumerTimeoutMs: 4000 } });
    subscription.deliver('a', 'b', 'c', 'd', 'e');
    await rest();
    await clock.advance(3000);
    expect(subscription.calls).to.deep.equal(['pause']);
    expect(frames()).to.deep.equal(['basic.nack 4 requeue', 'basic.nack 5 requeue']);
    await handlers.end('b');
    expect(subscription.calls).to.deep.equal(['pause', 'resume 1']);
    await handlers.end('a');
    await handlers.end('c');
    expect(subscription.calls.at(-1)).to.equal('resume 3');
  });

  it('hear all of it when the broker takes back what took too long', async () => {
    const { handlers, subscription, types, container } = await sharing();
    subscription.deliver('a', 'b', 'c', 'd');
    await rest();
    subscription.reconnect('delivery-timeout');
    expect(handlers.aborted).to.deep.equal(['a', 'b', 'c']);
    expect(types('taken-back')).to.have.length(4);
    expect(container.inspect().held).to.equal(3);
  });

  describe('with a kill switch', () => {
    const killSwitch = { activeAt: 2, tripAt: 0.5, withinMs: 60_000, pauseMs: 10_000, when: () => true };

    it('try one message alone, and come back one, two, and then all of them', async () => {
      const { handlers, subscription, clock, container, types } = await sharing({
        definition: { killSwitch },
        retry: { maxAttempts: 1 },
        recover: () => 'ack',
      });
      subscription.deliver('a', 'b', 'c', 'd');
      await rest();
      await handlers.end('a', new Error('down'));
      await handlers.end('b', new Error('down'));
      expect(container.state).to.equal('paused');
      expect(handlers.began).to.deep.equal(['a', 'b', 'c', 'd']);
      for (const name of ['c', 'd']) await handlers.end(name, new Error('down'));
      expect(container.inspect()).to.include({ held: 0, attached: 0, wanted: 0 });
      await clock.advance(10_000);
      expect(subscription.calls.at(-1)).to.equal('resume 1');
      subscription.deliver('probe', 'next');
      await rest();
      expect(handlers.atWork).to.deep.equal(['probe']);
      await handlers.end('probe');
      expect(types('listener-probed')).to.have.length(1);
      expect(container.inspect()).to.include({ state: 'running', wanted: 1, attached: 0 });
      subscription.deliver('e', 'f');
      await rest();
      expect(handlers.atWork).to.have.length(1);
      await clock.advance(1000);
      expect(subscription.calls.at(-1)).to.equal('resume 2');
      expect(handlers.atWork).to.have.length(2);
      await clock.advance(1000);
      expect(subscription.calls.at(-1)).to.equal('resume 3');
      await clock.advance(1000);
      expect(subscription.calls.at(-1)).to.equal('resume 6');
    });
  });

  describe('with a message that may end the process', () => {
    const suspect = { text: 'poison', messageId: 'p', redelivered: true };
    /** Started this often before. */
    const crashLoop = async (starts: number) => {
      const store = new MemoryIdempotencyStore({});
      for (let start = 1; start <= starts; start++) {
        await store.claim(claimKey(`Orders.onPaid/started#${start}`, 'p'), { leaseMs: 1e6 });
      }
      return { after: 4, withinMs: 1e6, store };
    };

    it('run it beside others the first time', async () => {
      const { handlers, subscription } = await sharing({ definition: { crashLoop: await crashLoop(0) } });
      subscription.deliver('a', 'b');
      subscription.deliverMessage(suspect);
      await rest();
      expect(handlers.atWork).to.deep.equal(['a', 'b', 'poison']);
    });

    it('run it alone from the second time on, behind what is at work, and let the rest go on', async () => {
      const definition = { crashLoop: await crashLoop(1) };
      const { handlers, subscription } = await sharing({ definition });
      subscription.deliver('a', 'b');
      subscription.deliverMessage(suspect);
      await rest();
      expect(handlers.atWork).to.deep.equal(['a', 'b']);
      // It was on its way when its consumer was cancelled.
      subscription.deliver('c');
      await rest();
      await handlers.end('a');
      await handlers.end('b');
      await handlers.end('c');
      expect(handlers.atWork).to.deep.equal(['poison']);
      subscription.deliver('d');
      await rest();
      expect(handlers.atWork).to.deep.equal(['poison']);
      await handlers.end('poison');
      expect(handlers.atWork).to.deep.equal(['d']);
      // One for each, as long as what comes may be another.
      expect(subscription.calls.at(-1)).to.equal('resume 3');
      subscription.deliver('e');
      expect(subscription.calls.at(-1)).to.equal('resume 6');
    });
  });

  it('settle whatever happens each delivery at most once, where it came, and never more than three at a time', async () => {
    const steps = fc.array(
      fc.oneof(
        { weight: 5, arbitrary: fc.constant('deliver' as const) },
        { weight: 4, arbitrary: fc.constant('end' as const) },
        { weight: 2, arbitrary: fc.constant('fail' as const) },
        { weight: 1, arbitrary: fc.constant('reconnect' as const) },
        { weight: 1, arbitrary: fc.constant('pause' as const) },
        { weight: 1, arbitrary: fc.constant('resume' as const) },
        { weight: 2, arbitrary: fc.constant('time' as const) },
      ),
      { minLength: 5, maxLength: 40 },
    );
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 1000 }), async (what, seed) => {
        const { handlers, subscription, clock, container } = await sharing({ retry: { maxAttempts: 2 } });
        const channels = new Set([subscription.channel]);
        let [count, pick] = [0, seed];
        const anyAtWork = () => {
          pick = (pick * 16_807) % 2_147_483_647;
          return handlers.atWork[pick % Math.max(1, handlers.atWork.length)];
        };
        for (const step of what) {
          const name = anyAtWork();
          if (step === 'deliver' && subscription.calls.at(-1) !== 'pause') subscription.deliver(`m${++count}`);
          else if (step === 'end' && name !== undefined) await handlers.end(name);
          else if (step === 'fail' && name !== undefined) await handlers.end(name, new Error('failed'));
          else if (step === 'reconnect') {
            subscription.reconnect();
            channels.add(subscription.channel);
            subscription.consumeOk();
          } else if (step === 'pause') void container.pause();
          else if (step === 'resume') container.resume();
          else if (step === 'time') await clock.advance(1000);
          await rest();
        }
        container.resume();
        for (let name = anyAtWork(); container.inspect().held > 0; name = anyAtWork()) {
          if (name === undefined) await clock.advance(2000);
          else await handlers.end(name);
        }
        expect(handlers.most).to.be.at.most(3);
        for (const channel of channels) {
          const tags = channel.frames.map((frame) => Number(frame.split(' ')[1]));
          expect(new Set(tags).size).to.equal(tags.length);
        }
        const last = subscription.channel.frames.length;
        const { counts } = container.inspect();
        expect(last).to.be.at.most(count);
        expect(counts.received).to.be.at.most(count);
      }),
      { numRuns: 60, endOnFailure: true },
    );
  });
});
