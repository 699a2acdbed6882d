import { expect } from 'chai';
import { describe, it } from 'mocha';
import { turn } from '../../../../tools/scripts/fake-clock.mjs';
import { LeveretError } from '../errors/leveret-error.js';
import { ListenerContainer } from './listener-container.js';
import {
  aDefinition,
  aQueueDeclaration,
  ListenerHarness,
  type ListenerParts,
} from './listener-harness.support.test.js';
import { ScriptedTransport, SlowHandler } from './scripted-transport.support.test.js';

function listener(parts: ListenerParts = {}) {
  const slow = new SlowHandler();
  const given = { handle: slow.handle as NonNullable<ListenerParts['handle']>, ...parts };
  const { clock, logger, events, publisher, happened } = new ListenerHarness(given);
  const transport = new ScriptedTransport();
  const container = new ListenerContainer(aDefinition(given), { transport, publisher, clock, logger, events });
  return {
    slow,
    clock,
    logger,
    transport,
    container,
    happened,
    types: () => happened.map(({ type }) => type),
  };
}

/** What came of a promise so far. */
function watch<T>(promise: Promise<T>): { value?: T; error?: unknown; ended: boolean } {
  const state: { value?: T; error?: unknown; ended: boolean } = { ended: false };
  promise.then(
    (value) => Object.assign(state, { value, ended: true }),
    (error: unknown) => Object.assign(state, { error, ended: true }),
  );
  return state;
}

const three = { definition: { concurrency: 3 } };
const classic = { definition: { queueDeclaration: aQueueDeclaration() } };

describe('ListenerContainer', () => {
  describe('starting', () => {
    it('is running when every consumer is with the broker, and not before', async () => {
      const { container, transport, types } = listener(three);
      transport.answers = false;
      const started = watch(container.start());
      await turn();
      expect(transport.subscriptions).to.have.lengthOf(3);
      expect(container.state).to.equal('starting');
      for (const subscription of transport.subscriptions.slice(1)) subscription.consumeOk();
      await turn();
      expect([started.ended, container.inspect().attached]).to.deep.equal([false, 2]);
      transport.subscriptions[0]?.consumeOk();
      await turn();
      expect([started.ended, started.error]).to.deep.equal([true, undefined]);
      expect(container.state).to.equal('running');
      expect(types()).to.deep.equal(['consuming', 'consuming', 'consuming', 'listener-started']);
    });

    it('consumes from a stream when its store has said where, and not before', async () => {
      let answer: (offset: number) => void = () => {};
      const streamOffsets = {
        load: () =>
          new Promise<number>((resolve) => {
            answer = resolve;
          }),
        save: async () => {},
      };
      const queueDeclaration = aQueueDeclaration({ type: 'stream' });
      const { container, transport } = listener({ definition: { queueDeclaration, streamOffsets } });
      const started = watch(container.start());
      await turn();
      expect([started.ended, transport.subscriptions.length]).to.deep.equal([false, 0]);
      answer(41);
      await turn();
      expect(started.ended).to.equal(true);
      expect(transport.last.request.startAt?.()).to.deep.equal({ offset: 42 });
    });

    it('joins a start that is under way, and does nothing when it runs', async () => {
      const { container, transport } = listener();
      const first = container.start();
      expect(container.start()).to.equal(first);
      await first;
      await container.start();
      expect(transport.subscriptions).to.have.lengthOf(1);
    });

    it('fails with the first consumer that cannot begin, closes the others, and can be tried again [spring 65]', async () => {
      for (const how of ['fail', 'refuse'] as const) {
        const { container, transport, types, logger } = listener(three);
        transport.answers = false;
        const fault = new LeveretError('LEV_QUEUE_MISSING', 'no queue orders');
        const started = watch(container.start());
        await turn();
        transport.subscriptions[0]?.consumeOk();
        transport.subscriptions[1]?.[how](fault);
        await turn();
        expect(started.error).to.equal(fault);
        expect(container.state).to.equal('failed');
        expect(container.inspect()).to.deep.include({ attached: 0, lastError: fault });
        expect(transport.subscriptions.map(({ calls }) => calls)).to.deep.equal([['close'], ['close'], ['close']]);
        expect(types()).to.deep.equal(['consuming', 'listener-failed']);
        expect(logger.said).to.deep.equal(['error: listener failed']);
        transport.answers = true;
        await container.start();
        expect(container.state).to.equal('running');
        expect(container.inspect()).to.deep.include({ attached: 3, lastError: undefined });
      }
    });

    it('does not reject before the others are closed, or are given up', async () => {
      const { container, transport, clock } = listener(three);
      transport.answers = false;
      const started = watch(container.start());
      await turn();
      for (const subscription of transport.subscriptions) subscription.hangs = 'close';
      transport.last.fail(new Error('access refused'));
      await turn();
      expect([started.error, transport.last.calls]).to.deep.equal([undefined, ['close']]);
      await clock.advance(5000);
      expect(started.error).to.be.an('error').with.property('message', 'access refused');
    });

    it('fails when a consumer fails right after it was ready', async () => {
      const { container, transport } = listener();
      transport.answers = false;
      const fault = new Error('access refused');
      const started = watch(container.start());
      await turn();
      transport.last.consumeOk();
      transport.last.sink.failed(fault);
      await turn();
      expect([started.error, container.state]).to.deep.equal([fault, 'failed']);
      expect(transport.last.calls).to.deep.equal(['close']);
    });
  });

  describe('starting again after it failed', () => {
    it('makes no further attempt at what its old consumers held', async () => {
      let attempts = 0;
      const handle = async () => {
        attempts++;
        throw new Error('card declined');
      };
      const { container, transport, clock } = listener({ handle, retry: { maxAttempts: 3 } });
      await container.start();
      transport.last.deliver('a');
      await turn();
      transport.last.sink.failed(new Error('access refused'));
      await container.start();
      await clock.advance(60_000);
      expect([attempts, container.inspect().held]).to.deep.equal([1, 0]);
      expect(clock.waits).to.deep.equal([]);
    });

    it('fires the signal of a handler that is still at work', async () => {
      const { container, transport, slow } = listener();
      await container.start();
      transport.last.deliver('a');
      await turn();
      transport.last.sink.failed(new Error('access refused'));
      await container.start();
      expect(slow.signals[0]?.reason).to.have.property('code', 'LEV_CHANNEL_CLOSED');
    });
  });

  describe('running', () => {
    it('shows what it does', async () => {
      const { container, transport, slow } = listener({ definition: { concurrency: 2 } });
      await container.start();
      transport.subscriptions[0]?.deliver('a', 'b');
      transport.subscriptions[1]?.deliver('c');
      await turn();
      expect(slow.began).to.deep.equal(['a', 'c']);
      const snapshot = container.inspect();
      expect(snapshot).to.deep.include({
        id: 'Orders.onPaid',
        queue: 'orders',
        state: 'running',
        attached: 2,
        concurrency: 2,
        held: 3,
        lastError: undefined,
      });
      expect(snapshot.counts).to.include({ received: 2, handled: 0 });
      slow.end();
      await turn();
      expect(snapshot.counts.handled).to.equal(0);
      expect(container.inspect().counts.handled).to.equal(1);
    });

    it('shows how busy its consumers were, while they work and behind it', async () => {
      const { container, transport, slow, clock } = listener({ definition: { concurrency: 2 } });
      await container.start();
      transport.subscriptions[0]?.deliver('a');
      await clock.advance(2000);
      expect(container.inspect().load).to.include({ busy: 0.5, overMs: 2000 });
      await clock.advance(2000);
      slow.end();
      await turn();
      await clock.advance(4000);
      expect(container.inspect().load).to.include({ busy: 0.25, overMs: 8000 });
    });

    it('tells of interruptions, and of coming back [spring 62, 66]', async () => {
      const { container, transport, happened, logger } = listener();
      await container.start();
      transport.last.reconnect();
      expect(container.inspect()).to.include({ state: 'running', attached: 0 });
      expect(container.inspect().lastError?.message).to.equal('connection reset');
      transport.last.consumeOk();
      expect(container.inspect()).to.deep.include({ attached: 1, lastError: undefined });
      expect(happened.map(({ type }) => type)).to.deep.equal([
        'consuming',
        'listener-started',
        'interrupted',
        'consuming',
      ]);
      expect(happened.at(-1)).to.deep.include({ again: true, listenerId: 'Orders.onPaid', queue: 'orders' });
      const lines = () => logger.lines.map(({ level, text }) => `${level}: ${text}`);
      // Of the connection there is a line already.
      expect(lines()).to.deep.equal(['debug: consuming interrupted; it is being resumed', 'debug: consuming again']);
      transport.last.sink.interrupted('cancelled', undefined);
      transport.last.consumeOk();
      expect(lines().slice(2)).to.deep.equal([
        'warn: consuming interrupted; it is being resumed',
        'info: consuming again',
      ]);
      transport.last.sink.interrupted('cancelled', undefined);
      expect(logger.lines.at(-1)?.fields).to.deep.equal({
        listener: 'Orders.onPaid',
        queue: 'orders',
        cause: 'cancelled',
      });
    });

    it('fails when a consumer cannot come back, says so once, and can be started again [spring 67]', async () => {
      const { container, transport, types, logger } = listener(three);
      await container.start();
      transport.subscriptions[0]?.sink.failed(new Error('access refused'));
      transport.subscriptions[1]?.sink.failed(new Error('access refused'));
      expect(container.state).to.equal('failed');
      expect(types().filter((type) => type === 'listener-failed')).to.have.lengthOf(1);
      expect(logger.said).to.deep.equal(['error: listener failed']);
      await container.start();
      expect(container.inspect()).to.include({ state: 'running', attached: 3 });
      expect(transport.subscriptions.slice(0, 3).map(({ calls }) => calls)).to.deep.equal(Array(3).fill(['close']));
    });

    it('runs although the log cannot be written', async () => {
      const { container, transport, logger } = listener();
      for (const level of ['info', 'warn', 'error'] as const) {
        logger[level] = () => {
          throw new Error('log destination closed');
        };
      }
      await container.start();
      transport.last.reconnect();
      transport.last.consumeOk();
      transport.last.sink.failed(new Error('access refused'));
      expect(await container.stop()).to.deep.equal({ abandoned: 0 });
    });
  });

  describe('whose messages wait at the broker', () => {
    const redelivering = { policy: { redeliver: { delaysMs: [1000], jitter: 0, native: false } } } as ListenerParts;

    it('starts when what they wait in is declared, and fails where it cannot be', async () => {
      const { container, transport, logger } = listener(redelivering);
      const declared: ((error?: Error) => void)[] = [];
      transport.declare = () =>
        new Promise((resolve, reject) => declared.push((error) => (error === undefined ? resolve() : reject(error))));
      const started = watch(container.start());
      await turn();
      expect([started.ended, transport.subscriptions, declared.length]).to.deep.equal([false, [], 1]);
      while (declared.length > 0) {
        declared.shift()?.();
        await turn();
      }
      expect([started.ended, started.error, transport.subscriptions.length]).to.deep.equal([true, undefined, 1]);
      expect(container.inspect().redelivery).to.deep.include({ way: 'ladder', delaysMs: [1000] });
      expect(logger.said).to.deep.equal(['info: what fails waits in a queue for each delay']);
      await container.stop();
      await container.start();
      expect(
        logger.said.filter((line) => line.includes('waits in a queue')),
        'said once',
      ).to.have.lengthOf(1);

      const refused = listener(redelivering);
      refused.transport.declare = () => Promise.reject(new Error('ACCESS_REFUSED'));
      const failing = watch(refused.container.start());
      await turn();
      expect(failing.error).to.have.property('message', 'ACCESS_REFUSED');
      expect([refused.container.state, refused.transport.subscriptions]).to.deep.equal(['failed', []]);
    });

    it('looks how many wait, and tells that by the time of the look', async () => {
      const { container, transport, clock } = listener(redelivering);
      await container.start();
      expect(container.waitingQueues).to.deep.equal(['leveret.wait.1000', 'leveret.stranded']);
      const counted: string[] = [];
      Object.assign(transport, {
        countMessages: async (queue: string) => {
          counted.push(queue);
          await turn();
          return queue.includes('wait') ? 3 : 'missing';
        },
      });
      const looked = await container.lookAtWaiting();
      expect(counted).to.deep.equal(container.waitingQueues);
      expect(looked?.waiting).to.deep.equal([{ delayMs: 1000, messages: 3, untilAt: clock.now() + 1000 }]);
      expect(container.inspect().redelivery).to.deep.equal(looked);
    });

    it('brings back what waits once for all that ask at a time, says so, and again for who asks later', async () => {
      const { container, transport, clock, logger } = listener(redelivering);
      await container.start();
      let waiting = 1;
      let looks = 0;
      Object.assign(transport, {
        countMessages: async (queue: string) => {
          looks++;
          return queue === 'leveret.wait.1000' ? waiting : 'missing';
        },
      });
      const all = [container.release(), container.release()].map(watch);
      await turn();
      transport.last.deliverMessage({ text: 'a', routingKey: 'orders' });
      await clock.advance(1000);
      const report = { released: 1, complete: true };
      expect(all.map(({ value }) => value)).to.deep.equal([report, report]);
      expect(logger.lines.at(-1)).to.deep.equal({
        ...{ level: 'info', text: 'waiting messages are brought back' },
        fields: { listener: 'Orders.onPaid', queue: 'orders', ...report },
      });
      waiting = 0;
      const before = looks;
      expect(await container.release()).to.deep.equal({ released: 0, complete: true });
      expect(looks).to.be.greaterThan(before);
    });
  });

  describe('stopping', () => {
    it('cancels, waits for the running handlers, closes the channels [spring 69]', async () => {
      const { container, transport, slow, types } = listener(classic);
      await container.start();
      transport.last.deliver('a', 'b');
      await turn();
      const stopped = watch(container.stop());
      await turn();
      expect(container.state).to.equal('stopping');
      expect(transport.last.calls).to.deep.equal(['cancel']);
      expect(stopped.ended).to.equal(false);
      slow.end();
      await turn();
      expect(stopped.value).to.deep.equal({ abandoned: 0 });
      expect(container.inspect()).to.include({ state: 'stopped', attached: 0, held: 0 });
      expect(transport.last.calls).to.deep.equal(['cancel', 'close']);
      expect(transport.frames).to.deep.equal(['basic.nack 2 requeue', 'basic.ack 1']);
      expect(types().at(-1)).to.equal('listener-stopped');
    });

    it('closes its channels when the broker has cancelled its consumers, and not before', async () => {
      const { container, transport } = listener();
      await container.start();
      const { last } = transport;
      let answer: () => void = () => {};
      last.cancel = () =>
        new Promise((resolve) => {
          answer = resolve;
        });
      const stopped = watch(container.stop());
      await turn();
      expect([stopped.ended, last.calls]).to.deep.equal([false, []]);
      answer();
      await turn();
      expect([stopped.ended, last.calls]).to.deep.equal([true, ['close']]);
    });

    it('says at leisure that it has stopped with nothing at work', async () => {
      const { container, logger } = listener();
      await container.start();
      await container.stop();
      expect(logger.said.at(-1)).to.equal('info: listener stopped');
    });

    it('is stopped when its place in a stream is saved, or has had its time', async () => {
      for (const answers of [true, false]) {
        let saved: () => void = () => {};
        const saving = new Promise<void>((resolve) => {
          saved = resolve;
        });
        const streamOffsets = { load: async () => undefined, save: () => saving };
        const definition = { queueDeclaration: aQueueDeclaration({ type: 'stream' }), streamOffsets };
        const { container, transport, clock } = listener({ definition, handle: () => undefined });
        await container.start();
        transport.last.deliverMessage({ text: 'a', headers: { 'x-stream-offset': 7 } });
        await turn();
        const stopped = watch(container.stop());
        await clock.advance(1999);
        expect([stopped.ended, container.state]).to.deep.equal([false, 'stopping']);
        if (answers) saved();
        await clock.advance(answers ? 0 : 1);
        expect([stopped.ended, container.state]).to.deep.equal([true, 'stopped']);
      }
    });

    it('can be asked twice, at the same time and later, and before a start', async () => {
      const { container, transport } = listener();
      expect(await container.stop()).to.deep.equal({ abandoned: 0 });
      await container.start();
      const first = container.stop();
      expect(container.stop()).to.equal(first);
      await first;
      await container.stop();
      expect(transport.last.calls).to.deep.equal(['cancel', 'close']);
    });

    it('starts again after a stop, also one that is under way', async () => {
      const { container, transport, types } = listener();
      await container.start();
      await container.stop();
      await container.start();
      const stopped = container.stop();
      const started = container.start();
      await stopped;
      await started;
      expect(container.inspect()).to.include({ state: 'running', attached: 1 });
      expect(transport.subscriptions).to.have.lengthOf(3);
      expect(types().filter((type) => type === 'listener-started')).to.have.lengthOf(3);
    });

    it('fires the signals shortly before the time is up, and abandons what goes on [spring 70]', async () => {
      const { container, transport, slow, clock, happened, logger } = listener();
      await container.start();
      transport.last.deliver('a', 'b');
      await turn();
      const stopped = watch(container.stop());
      await clock.advance(19_999);
      expect(slow.signals[0]?.aborted).to.equal(false);
      await clock.advance(1);
      expect(slow.signals[0]?.aborted).to.equal(true);
      expect(transport.frames).to.deep.equal(['basic.nack 2 requeue']);
      await clock.advance(4999);
      expect(stopped.ended).to.equal(false);
      await clock.advance(1);
      expect(stopped.value).to.deep.equal({ abandoned: 1 });
      expect(logger.said.at(-1), 'somebody has to know').to.equal('warn: listener stopped');
      expect(happened.find(({ type }) => type === 'abandoned')).to.include({ queue: 'orders' });
      expect(happened.at(-1)).to.include({ type: 'listener-stopped', abandoned: 1 });
      expect(container.inspect().counts.abandoned).to.equal(1);
      slow.end();
      await turn();
      expect(transport.frames).to.deep.equal(['basic.nack 2 requeue']);
      expect(clock.waits).to.deep.equal([]);
    });

    it('takes the time it is given: a fifth of it is left after the signal', async () => {
      const { container, transport, slow, clock } = listener();
      await container.start();
      transport.last.deliver('a');
      await turn();
      const stopped = watch(container.stop({ timeoutMs: 1000 }));
      await clock.advance(799);
      expect(slow.signals[0]?.aborted).to.equal(false);
      await clock.advance(1);
      expect(slow.signals[0]?.aborted).to.equal(true);
      slow.end();
      await turn();
      expect(stopped.value).to.deep.equal({ abandoned: 0 });
      expect(transport.frames).to.deep.equal(['basic.ack 1']);
    });

    it('waits for nothing with no time at all', async () => {
      const { container, transport, clock } = listener();
      await container.start();
      transport.last.deliver('a');
      await turn();
      const stopped = watch(container.stop({ timeoutMs: 0 }));
      await clock.advance(0);
      await clock.advance(0);
      expect(stopped.value).to.deep.equal({ abandoned: 1 });
    });

    it('does not wait for ever for a broker that does not answer', async () => {
      const { container, transport, clock } = listener();
      await container.start();
      transport.last.hangs = 'cancel';
      const stopped = watch(container.stop());
      await clock.advance(5000);
      expect(stopped.value).to.deep.equal({ abandoned: 0 });
      await container.start();
      transport.last.hangs = 'close';
      const again = watch(container.stop());
      await clock.advance(5000);
      expect(again.value).to.deep.equal({ abandoned: 0 });
      expect(container.state).to.equal('stopped');
    });

    it('counts the time that cancelling takes', async () => {
      const { container, transport, slow, clock } = listener();
      await container.start();
      transport.last.hangs = 'cancel';
      transport.last.deliver('a');
      await turn();
      const stopped = watch(container.stop());
      await clock.advance(19_999);
      expect(slow.signals[0]?.aborted).to.equal(false);
      await clock.advance(5001);
      expect([slow.signals[0]?.aborted, stopped.value]).to.deep.equal([true, { abandoned: 1 }]);
    });

    it('ends although cancelling fails', async () => {
      const { container, transport } = listener();
      await container.start();
      transport.last.cancel = () => Promise.reject(new Error('channel error'));
      expect(await container.stop()).to.deep.equal({ abandoned: 0 });
      expect([container.state, transport.last.calls]).to.deep.equal(['stopped', ['close']]);
    });

    it('stops after a failure', async () => {
      const { container, transport } = listener();
      await container.start();
      transport.last.sink.failed(new Error('access refused'));
      await container.stop();
      expect([container.state, transport.last.calls]).to.deep.equal(['stopped', ['cancel', 'close']]);
    });

    it('takes a consumer that fails meanwhile for stopped, not failed', async () => {
      const { container, transport, slow, types } = listener();
      await container.start();
      transport.last.deliver('a');
      await turn();
      const stopped = container.stop();
      transport.last.sink.failed(new Error('access refused'));
      slow.end();
      await stopped;
      expect(container.state).to.equal('stopped');
      expect(types()).not.to.include('listener-failed');
    });
  });

  describe('when it is hurried', () => {
    it('no longer waits for the handlers: their signals fire, what they do is abandoned', async () => {
      const { container, transport, slow } = listener();
      await container.start();
      transport.last.deliver('a', 'b');
      await turn();
      const stopped = watch(container.stop());
      await turn();
      container.hurry();
      await turn();
      expect(slow.signals[0]?.aborted).to.equal(true);
      expect(stopped.value).to.deep.equal({ abandoned: 1 });
      expect(transport.frames).to.deep.equal(['basic.nack 2 requeue']);
    });

    it('does so while the broker has not yet answered the cancel', async () => {
      const { container, transport } = listener();
      await container.start();
      transport.last.deliver('a');
      await turn();
      transport.last.hangs = 'cancel';
      const stopped = watch(container.stop());
      await turn();
      container.hurry();
      await turn();
      expect(stopped.value).to.deep.equal({ abandoned: 1 });
    });

    it('does nothing to a listener that is not stopping', async () => {
      const { container, transport, slow } = listener();
      container.hurry();
      await container.start();
      transport.last.deliver('a', 'b');
      await turn();
      container.hurry();
      slow.end();
      await turn();
      slow.end();
      await turn();
      expect(slow.began).to.deep.equal(['a', 'b']);
      expect(transport.frames).to.deep.equal(['basic.ack 1', 'basic.ack 2']);
      expect(container.state).to.equal('running');
    });
  });

  describe('when a stop overtakes a start', () => {
    it('ends the start with an error, and leaves no consumer behind', async () => {
      const { container, transport } = listener(three);
      transport.answers = false;
      const started = watch(container.start());
      await turn();
      const stopped = watch(container.stop());
      await turn();
      expect(stopped.value).to.deep.equal({ abandoned: 0 });
      expect(started.error).to.be.instanceOf(LeveretError).with.property('code', 'LEV_INVALID_STATE');
      expect((started.error as Error).message).to.contain('was stopped while it was starting');
      expect(container.state).to.equal('stopped');
      expect(transport.subscriptions.map(({ calls }) => calls)).to.deep.equal(Array(3).fill(['cancel', 'close']));
    });

    it('ends it also when another start has begun meanwhile, which goes on', async () => {
      const loads: ((offset: number) => void)[] = [];
      const streamOffsets = {
        load: () => new Promise<number>((resolve) => loads.push(resolve)),
        save: async () => {},
      };
      const { container } = listener({
        definition: { queueDeclaration: aQueueDeclaration({ type: 'stream' }), streamOffsets },
      });
      const first = watch(container.start());
      await turn();
      await container.stop();
      const second = watch(container.start());
      await turn();
      expect(loads).to.have.lengthOf(2);
      loads[0]?.(7);
      await turn();
      expect(first.error).to.have.property('code', 'LEV_INVALID_STATE');
      expect([second.ended, container.state]).to.deep.equal([false, 'starting']);
      loads[1]?.(8);
      await turn();
      expect([second.ended, second.error, container.state]).to.deep.equal([true, undefined, 'running']);
    });

    it('does so in the same breath as well', async () => {
      const { container, transport } = listener();
      const started = watch(container.start());
      await container.stop();
      await turn();
      expect(started.error).to.have.property('code', 'LEV_INVALID_STATE');
      expect(container.state).to.equal('stopped');
      expect(transport.subscriptions.filter(({ calls }) => !calls.includes('close'))).to.deep.equal([]);
    });

    it('lets the next start have its way, and only that', async () => {
      const { container, transport } = listener();
      const first = watch(container.start());
      void container.stop();
      const second = watch(container.start());
      await turn();
      expect(first.error).to.have.property('code', 'LEV_INVALID_STATE');
      expect([second.ended, second.error]).to.deep.equal([true, undefined]);
      const open = transport.subscriptions.filter(({ calls }) => !calls.includes('close'));
      expect(open).to.have.lengthOf(1);
      expect(container.inspect()).to.include({ state: 'running', attached: 1 });
    });
  });

  it('remembers the attempts of stateful retry over a stop and a start', async () => {
    const attempts: number[] = [];
    const { container, transport, clock } = listener({
      retry: { stateless: false },
      handle: ({ attempt }) => {
        attempts.push(attempt);
        throw new Error('broken');
      },
    });
    await container.start();
    transport.last.deliverMessage({ messageId: 'm-1' });
    await turn();
    await container.stop();
    await container.start();
    transport.last.deliverMessage({ messageId: 'm-1', redelivered: true });
    await clock.advance(1000);
    expect(attempts).to.deep.equal([1, 2]);
  });
});
