import { expect } from 'chai';
import { it } from 'mocha';
import { eventually } from './support/eventually.js';
import { orderListener } from './support/order.js';
import { onEachBroker, onRabbitMQ } from './support/private-broker.js';
import { startApp } from './support/start-app.js';
import { unique } from './support/unique.js';
import { WorkerProcess } from './support/worker-process.js';

const MANY = 400;

onEachBroker('when acks leave together', (broker) => {
  for (const type of ['classic', 'quorum']) {
    it(`settles each message of a ${type} queue in its own way, once`, async () => {
      const raw = await broker.raw();
      const name = unique('acks');
      const dead = await raw.declareDeadLetters(name);
      const queue = await raw.declare(name, {
        durable: true,
        ...dead.arguments,
        arguments: { 'x-queue-type': type },
      });
      for (let id = 0; id < MANY; id++) await raw.send(queue, { id });
      const handled: number[] = [];
      const options = { queue, declare: false, prefetch: 100, messagesPerAck: 30, concurrency: 2 } as const;
      const listener = orderListener({ ...options, defaultRequeueRejected: false }, (order, context) => {
        if (order.id % 7 === 3) throw new Error('never');
        if (order.id % 11 === 5 && !context.redelivered) throw Object.assign(new Error('again'), { again: true });
        handled.push(order.id);
        return order.id % 5 === 0 ? new Promise((resolve) => setTimeout(resolve, 1)) : undefined;
      });
      const running = await startApp(broker.url, { listeners: [listener] });
      const refused = (id: number) => id % 7 === 3 || id % 11 === 5;
      const expected = Array.from({ length: MANY }, (_, id) => id).filter((id) => !refused(id));
      try {
        await eventually('all handled', () => handled.length === expected.length);
        await eventually('all dead letters', async () => (await raw.ready(dead.queue)) === MANY - expected.length);
        expect(running.count('interrupted')).to.equal(0);
      } finally {
        await running.app.close();
      }
      expect([...handled].sort((a, b) => a - b)).to.deep.equal(expected);
      // Nothing was left unsettled, and nothing was settled that was refused.
      expect(await raw.ready(queue)).to.equal(0);
      const parked = (await raw.takeAll(dead.queue)).map(({ text }) => (JSON.parse(text) as { id: number }).id);
      expect([...parked].sort((a, b) => a - b)).to.deep.equal(
        Array.from({ length: MANY }, (_, id) => id).filter(refused),
      );
    });
  }

  it('leaves open what a handler of manual mode has not settled, whatever it settles behind that', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('manual'));
    for (let id = 0; id < 20; id++) await raw.send(queue, { id });
    let seen = 0;
    const listener = orderListener({ queue, declare: false, acknowledge: 'manual' }, ({ id }, context) => {
      seen++;
      if (id % 4 !== 1) context.ack();
    });
    const running = await startApp(broker.url, { listeners: [listener] });
    await eventually('all seen', () => seen === 20);
    await running.app.close();
    const left = (await raw.takeAll(queue)).map(({ text }) => (JSON.parse(text) as { id: number }).id);
    expect(left).to.deep.equal([1, 5, 9, 13, 17]);
  });

  for (const messagesPerAck of [1, 10]) {
    it(`repeats less than ${messagesPerAck + 1} handled messages when the process is killed with messagesPerAck ${messagesPerAck}`, async () => {
      const raw = await broker.raw();
      const queue = await raw.declare(unique('killed'));
      const listener = { queue, declare: false, messagesPerAck };
      await using worker = await WorkerProcess.start({ url: broker.url, listener, handlerMs: 0, diesAt: 45 });
      for (let id = 0; id < 50; id++) await raw.send(queue, { id });
      await worker.ended();
      await eventually('the broker to have them back', async () => ((await raw.ready(queue)) ?? 0) >= 5);
      const left = (await raw.takeAll(queue)).map(({ text }) => (JSON.parse(text) as { id: number }).id);
      expect(left.at(-1)).to.equal(49);
      expect(left[0]).to.be.within(45 - messagesPerAck + 1, 45);
    });
  }
});

onRabbitMQ('when acks of a stream leave together', (broker) => {
  it('gets on beyond its prefetch, and reads each message once', async () => {
    const raw = await broker.raw();
    const queue = await raw.declare(unique('stream'), { arguments: { 'x-queue-type': 'stream' } });
    for (let id = 0; id < MANY; id++) await raw.send(queue, { id });
    const handled: number[] = [];
    const listener = orderListener(
      { queue, declare: false, prefetch: 20, consumerArguments: { 'x-stream-offset': 'first' } },
      ({ id }) => handled.push(id),
    );
    await using _running = await startApp(broker.url, { listeners: [listener] });
    await eventually('all handled', () => handled.length >= MANY);
    expect(handled).to.deep.equal(Array.from({ length: MANY }, (_, id) => id));
  });
});
