import { expect } from 'chai';
import { describe, it } from 'mocha';
import { FakeClock, turn } from '../../../../tools/scripts/fake-clock.mjs';
import type { IdempotencyStore } from '../idempotency/idempotency-store.js';
import { MemoryIdempotencyStore } from '../idempotency/memory-store.js';
import type { FailedDelivery } from '../recoverer/recoverer.js';
import { ListenerContainer } from './listener-container.js';
import {
  aDefinition,
  aQueueDeclaration,
  ListenerHarness,
  type ListenerParts,
} from './listener-harness.support.test.js';
import { ScriptedTransport, SlowHandler } from './scripted-transport.support.test.js';
import { SuspectTurns } from './suspect-turns.js';

/** Processes one after the other, or side by side, that share a store. Nobody closes one that has ended. */
function processes(parts: ListenerParts = {}, version = '3.10.8') {
  const clock = new FakeClock();
  const store = { inner: new MemoryIdempotencyStore({ now: () => clock.monotonic() }), isDown: false };
  const ask = <T>(question: () => Promise<T>) =>
    store.isDown ? Promise.reject(new Error('ECONNREFUSED')) : question();
  const lasting: IdempotencyStore = {
    claim: (key, options) => ask(() => store.inner.claim(key, options)),
    complete: (claim, options) => ask(() => store.inner.complete(claim, options)),
    release: (claim) => ask(() => store.inner.release(claim)),
    renew: (claim, options) => ask(() => store.inner.renew(claim, options)),
  };
  const parked: FailedDelivery[] = [];
  const start = async () => {
    const slow = new SlowHandler();
    const given: ListenerParts = {
      handle: slow.handle as NonNullable<ListenerParts['handle']>,
      ...parts,
      definition: {
        queueDeclaration: aQueueDeclaration(),
        ...parts.definition,
        crashLoop: { after: 3, withinMs: 3_600_000, store: lasting, ...parts.definition?.crashLoop },
      },
      recover: (failure) => void parked.push(failure),
    };
    const { logger, events, publisher, happened } = new ListenerHarness(given);
    const transport = new ScriptedTransport();
    transport.broker = { product: 'RabbitMQ', version, frameMax: 131_072 };
    const deps = { transport, publisher, clock, logger, events, suspectTurns: new SuspectTurns() };
    const container = new ListenerContainer(aDefinition(given), deps);
    await container.start();
    const types = (type: string) => happened.filter((event) => event.type === type);
    return { slow, transport, container, logger, types };
  };
  return { clock, store, parked, start };
}

async function rest() {
  for (let turns = 0; turns < 30; turns++) await turn();
}

const poison = { text: 'poison', messageId: 'p', redelivered: true };

describe('a message that ends the process', () => {
  it('is run, run again, run alone, and then parked', async () => {
    const { start, parked } = processes();
    const first = await start();
    first.transport.last.deliverMessage({ ...poison, redelivered: false });
    await rest();
    expect(first.slow.began).to.deep.equal(['poison']);
    for (let crash = 2; crash <= 3; crash++) {
      const next = await start();
      next.transport.last.deliverMessage(poison);
      await rest();
      expect(next.slow.began).to.deep.equal(['poison']);
    }
    const last = await start();
    last.transport.last.deliverMessage(poison);
    await rest();
    expect(last.slow.began).to.deep.equal([]);
    expect(parked.map(({ reason, attempts }) => [reason, attempts])).to.deep.equal([['crash-loop', 0]]);
    expect(parked[0]?.error).to.have.property('code', 'LEV_CRASH_LOOP');
    expect(String(parked[0]?.error)).to.contain('3 times');
    expect(last.transport.frames).to.deep.equal(['basic.ack 1']);
    expect(last.types('crash-loop')).to.have.length(1);
    expect(last.logger.said.filter((line) => line.startsWith('error'))).to.have.length(1);
  });

  it('goes to a quarantine of its own, when there is one', async () => {
    const quarantined: string[] = [];
    const quarantine = { recover: ({ reason }: FailedDelivery) => void quarantined.push(reason) };
    const { start, parked } = processes({ definition: { crashLoop: { after: 2, withinMs: 1e6, quarantine } } });
    for (let n = 0; n < 2; n++) {
      const { transport } = await start();
      transport.last.deliverMessage(poison);
      await rest();
    }
    expect(quarantined).to.deep.equal(['crash-loop']);
    expect(parked).to.deep.equal([]);
  });

  it('is told by its content when it has no id', async () => {
    const { start, parked } = processes({ definition: { crashLoop: { after: 2, withinMs: 1e6 } } });
    for (let n = 0; n < 2; n++) {
      const { transport } = await start();
      transport.last.deliverMessage({ text: 'poison', redelivered: true, messageId: undefined });
      transport.last.deliverMessage({ text: 'other', redelivered: true, messageId: undefined });
      await rest();
    }
    expect(parked).to.have.length(1);
  });

  it('is forgotten when its last start was long ago', async () => {
    const { start, clock, parked } = processes();
    for (let n = 0; n < 6; n++) {
      const { transport, slow } = await start();
      transport.last.deliverMessage(poison);
      await rest();
      expect(slow.began).to.deep.equal(['poison']);
      await clock.advance(3_600_001);
    }
    expect(parked).to.deep.equal([]);
  });
});

describe('a message that does not', () => {
  it('is asked about only when it comes again, and leaves no record', async () => {
    const { start, store } = processes();
    const { transport, slow } = await start();
    transport.last.deliver('fresh');
    await rest();
    expect(store.inner.size).to.equal(0);
    slow.end();
    await rest();
    transport.last.deliverMessage({ text: 'again', messageId: 'i', redelivered: true });
    await rest();
    expect(slow.began).to.deep.equal(['fresh', 'again']);
    expect(store.inner.size).to.equal(1);
    slow.end();
    await rest();
    expect(store.inner.size).to.equal(0);
    expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2']);
  });

  it('leaves none when it fails, nor when a shutdown cannot wait for it', async () => {
    const { start, store, clock } = processes();
    const { transport, container } = await start();
    transport.last.deliverMessage({ text: 'slow', messageId: 's', redelivered: true });
    await rest();
    expect(store.inner.size).to.equal(1);
    const stopped = container.stop({ timeoutMs: 1000 });
    await clock.advance(1000);
    expect(await stopped).to.deep.equal({ abandoned: 1 });
    expect(store.inner.size).to.equal(0);
  });

  it('is not suspect where it came back by being given back, which RabbitMQ 4.3 does not count', async () => {
    const { start, store } = processes(
      { definition: { queueDeclaration: aQueueDeclaration({ type: 'quorum' }) } },
      '4.3.6',
    );
    const { transport } = await start();
    transport.last.deliverMessage({ text: 'given back', redelivered: true });
    await rest();
    expect(store.inner.size).to.equal(0);
    transport.last.deliverMessage({ text: 'counted', redelivered: true, headers: { 'x-delivery-count': 1 } });
    await rest();
  });
});

describe('while a message may end the process', () => {
  it('takes one at a time from the start on, until one comes for the first time', async () => {
    const { start } = processes();
    const { transport, slow } = await start();
    expect(transport.last.request.prefetch).to.equal(1);
    transport.last.deliverMessage({ text: 'again', redelivered: true });
    await rest();
    slow.end();
    await rest();
    expect(transport.last.calls).to.deep.equal([]);
    transport.last.deliver('fresh');
    await rest();
    expect(transport.last.calls).to.deep.equal(['pause', 'resume 50']);
  });

  it('handles everything else that is here first, and fetches nothing while it runs alone', async () => {
    const { start } = processes();
    const before = await start();
    before.transport.last.deliverMessage(poison);
    await rest();
    const { transport, slow, container } = await start();
    transport.last.deliver('a');
    await rest();
    transport.last.deliverMessage(poison);
    transport.last.deliver('b');
    await rest();
    expect(slow.began).to.deep.equal(['a']);
    slow.end();
    await rest();
    slow.end();
    await rest();
    expect(slow.began).to.deep.equal(['a', 'b', 'poison']);
    expect(transport.last.calls.at(-1)).to.equal('pause');
    expect(container.inspect()).to.include({ held: 1 });
    slow.end();
    await rest();
    expect(transport.last.calls.at(-1)).to.equal('resume 1');
    transport.last.deliver('c');
    await rest();
    expect(transport.last.calls.at(-1)).to.equal('resume 50');
    expect(transport.frames.at(-1)).to.equal('basic.ack 2');
  });

  it('waits for the other consumers, which take nothing more', async () => {
    const { start } = processes({ definition: { concurrency: 2 } });
    const before = await start();
    before.transport.last.deliverMessage(poison);
    await rest();
    const { transport, slow } = await start();
    const [one, other] = transport.subscriptions;
    one?.deliver('slow');
    await rest();
    other?.deliverMessage(poison);
    await rest();
    expect(slow.began).to.deep.equal(['slow']);
    expect(one?.calls.at(-1)).to.equal('pause');
    slow.end();
    await rest();
    expect(slow.began).to.deep.equal(['slow', 'poison']);
    slow.end();
    await rest();
    expect([one?.calls.at(-1), other?.calls.at(-1)]).to.deep.equal(['resume 1', 'resume 1']);
  });

  it('has others give back what waits there, where that is free, also behind one that was let in before', async () => {
    const { start } = processes({ definition: { concurrency: 2, queueDeclaration: aQueueDeclaration() } });
    const before = await start();
    before.transport.last.deliverMessage(poison);
    await rest();
    const { transport, slow } = await start();
    const [one, other] = transport.subscriptions;
    one?.deliverMessage({ text: 'again', messageId: 'a', redelivered: true });
    await rest();
    one?.deliver('waits');
    await rest();
    other?.deliverMessage(poison);
    await rest();
    expect([slow.began, one?.channel.frames]).to.deep.equal([['again'], ['basic.nack 2 requeue']]);
    slow.end();
    await rest();
    expect(slow.began).to.deep.equal(['again', 'poison']);
  });

  it('runs one suspect after the other, over all listeners of the process', async () => {
    const turns = new SuspectTurns();
    const [one, other] = [{}, {}];
    expect([turns.take(one), turns.take(other), turns.take(one)]).to.deep.equal([true, false, true]);
    let woken = false;
    void turns.left().then(() => {
      woken = true;
    });
    turns.leave(other);
    await rest();
    expect(woken).to.equal(false);
    turns.leave(one);
    await rest();
    expect([woken, turns.take(other)]).to.deep.equal([true, true]);
  });

  it('goes on when a suspect that waited to be alone is taken away', async () => {
    const { start } = processes({ definition: { concurrency: 2 } });
    const before = await start();
    before.transport.last.deliverMessage(poison);
    await rest();
    const { transport, slow } = await start();
    const [one, other] = transport.subscriptions;
    one?.deliver('slow');
    await rest();
    other?.deliverMessage(poison);
    await rest();
    other?.reconnect();
    await rest();
    slow.end();
    await rest();
    expect(one?.calls.at(-1)).to.equal('resume 1');
    one?.deliver('next');
    await rest();
    expect(slow.began).to.deep.equal(['slow', 'next']);
  });
});

describe('when the store is down', () => {
  it('guesses nothing: what comes again is held, what comes first is handled, and it says so', async () => {
    const { start, store, clock } = processes();
    const { transport, slow, types, logger } = await start();
    store.isDown = true;
    transport.last.deliverMessage(poison);
    await clock.advance(3000);
    expect(slow.began).to.deep.equal([]);
    expect(types('crash-loop-unknown').length).to.be.at.least(2);
    expect(logger.said.filter((line) => line.startsWith('error: nobody knows')).length).to.be.at.least(1);
    store.isDown = false;
    await clock.advance(30_000);
    expect(slow.began).to.deep.equal(['poison']);
  });

  it('lets go of what it holds at a stop', async () => {
    const { start, store } = processes();
    const { transport, container } = await start();
    store.isDown = true;
    transport.last.deliverMessage(poison);
    await rest();
    expect(await container.stop()).to.deep.equal({ abandoned: 0 });
    expect(transport.frames).to.deep.equal(['basic.nack 1 requeue']);
  });
});

describe('without a store', () => {
  it('lets run alone what a quorum queue has counted twice', async () => {
    const { start, parked } = processes({
      definition: {
        queueDeclaration: aQueueDeclaration({ type: 'quorum' }),
        crashLoop: { after: 3, withinMs: 1, store: undefined },
      },
    });
    const { transport, slow } = await start();
    transport.last.deliver('fresh');
    await rest();
    transport.last.deliverMessage({ ...poison, headers: { 'x-delivery-count': 5 } });
    transport.last.deliver('b');
    await rest();
    slow.end();
    await rest();
    slow.end();
    await rest();
    expect(slow.began).to.deep.equal(['fresh', 'b', 'poison']);
    expect(transport.last.calls.at(-1)).to.equal('pause');
    expect(parked).to.deep.equal([]);
  });
});
