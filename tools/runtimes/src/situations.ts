import assert from 'node:assert/strict';
import {
  AcknowledgeMessage,
  ConfigurationError,
  Leveret,
  PublishUnroutableError,
  RejectMessage,
  RequeueMessage,
  republish,
} from 'leveret';
import { z } from 'zod';
import { Paid, Refunded } from './payloads.ts';
import type { Way } from './way.ts';
import { until, type World } from './world.ts';

/** Something that must hold, whatever the way of declaring, the compiler and the runtime. */
export interface Situation {
  readonly title: string;
  /** `false` leaves it out where a way has nothing of the kind. */
  readonly needs?: (way: Way) => boolean;
  run(way: Way, world: World): Promise<void>;
}

const TWICE = { maxAttempts: 2, initialInterval: 5 } as const;
const ignored = () => {};

export const situations: readonly Situation[] = [
  {
    title: 'a handler that returned is acknowledged',
    async run(way, world) {
      const queue = world.name('returned');
      const seen: unknown[] = [];
      const running = await world.app({ listeners: [way.any({ queue }, (event) => void seen.push(event))] });
      await running.send(queue, { n: 1 });
      await running.settled(queue);
      assert.deepEqual(seen, [{ n: 1 }]);
      assert.equal(running.count('handled'), 1);
    },
  },
  {
    title: 'a promise is waited for before the ack',
    async run(way, world) {
      const queue = world.name('promise');
      let finish = ignored;
      let began = false;
      const call = () =>
        new Promise<void>((resolve) => {
          began = true;
          finish = resolve;
        });
      const running = await world.app({ listeners: [way.any({ queue }, call)] });
      await running.send(queue, {});
      await until('the call', () => began);
      assert.equal(running.count('handled'), 0);
      finish();
      await running.settled(queue);
      assert.equal(running.count('handled'), 1);
    },
  },
  {
    title: 'a body that cannot be read is rejected, never retried',
    async run(way, world) {
      const queue = world.name('unreadable');
      let calls = 0;
      const options = { queue, deadLetter: true, retry: TWICE };
      const running = await world.app({ listeners: [way.any(options, () => void calls++)] });
      await running.send(queue, Buffer.from('{broken'), { contentType: 'application/json' });
      await running.parked(`${queue}.dlq`);
      assert.equal(calls, 0);
    },
  },
  {
    title: 'a class is made an instance of, and validated by class-validator',
    async run(way, world) {
      const queue = world.name('class');
      const seen: Paid[] = [];
      const listener = way.payload(Paid, { queue, deadLetter: true }, (event) => void seen.push(event));
      const running = await world.app({ listeners: [listener] });
      await running.send(queue, { orderId: 7 });
      await running.send(queue, { orderId: -7 });
      await running.send(queue, { orderId: 'seven' });
      await running.parked(`${queue}.dlq`, 2);
      assert.equal(seen.length, 1);
      assert.ok(seen[0] instanceof Paid);
      assert.equal(seen[0].orderId, 7);
    },
  },
  {
    title: 'a schema makes the payload, and refuses what is invalid',
    async run(way, world) {
      const queue = world.name('schema');
      const seen: unknown[] = [];
      const schema = z.object({ id: z.coerce.number().int() });
      const listener = way.payload(schema, { queue, deadLetter: true }, (event) => void seen.push(event));
      const running = await world.app({ listeners: [listener] });
      await running.send(queue, { id: '7', more: true });
      await running.send(queue, { id: 'x' });
      await running.parked(`${queue}.dlq`);
      assert.deepEqual(seen, [{ id: 7 }]);
    },
  },
  {
    title: 'arrays, text, numbers and bytes are read as declared',
    async run(way, world) {
      const names = ['array', 'text', 'number', 'bytes'].map((each) => world.name(each)) as [
        string,
        string,
        string,
        string,
      ];
      const [array, text, number, bytes] = names;
      const seen: unknown[] = [];
      const note = (event: unknown) => void seen.push(event);
      const running = await world.app({
        listeners: [
          way.payload([Paid], { queue: array, id: array }, (event: Paid[]) =>
            note(event.map((each) => each instanceof Paid)),
          ),
          way.payload(String, { queue: text, id: text }, note),
          way.payload(Number, { queue: number, id: number }, note),
          way.payload(Buffer, { queue: bytes, id: bytes }, (event: Buffer) => note(event.toString('hex'))),
        ],
      });
      for (const [queue, payload] of [
        [array, [{ orderId: 1 }, { orderId: 2 }]],
        [text, 'héllo'],
        [number, 7],
        [bytes, Buffer.from([1, 255])],
      ] as const) {
        await running.send(queue, payload);
        await running.settled(queue);
      }
      assert.deepEqual(seen, [[true, true], 'héllo', 7, '01ff']);
    },
  },
  {
    title: 'the type of a parameter is enough where the compiler leaves it',
    needs: (way) => way.reflected !== undefined,
    async run(way, world) {
      const queue = world.name('reflected');
      const seen: unknown[] = [];
      const listener = way.reflected?.({ queue }, (event) => void seen.push(event instanceof Paid)) as object;
      const running = await world.app({ listeners: [listener] });
      await running.send(queue, { orderId: 7 });
      await running.settled(queue);
      assert.deepEqual(seen, [true]);
    },
  },
  {
    title: 'no body is read for a handler that takes nothing',
    async run(way, world) {
      const queue = world.name('nothing');
      let calls = 0;
      const running = await world.app({ listeners: [way.nothing({ queue }, () => void calls++)] });
      await running.send(queue, Buffer.from('{broken'), { contentType: 'application/json' });
      await running.settled(queue);
      assert.equal(calls, 1);
    },
  },
  {
    title: 'headers are taken, converted and defaulted',
    async run(way, world) {
      const queue = world.name('headers');
      const seen: unknown[] = [];
      const running = await world.app({
        listeners: [way.headers({ queue, deadLetter: true }, (_event, headers) => void seen.push({ ...headers }))],
      });
      await running.send(queue, {}, { headers: { 'x-tenant': 'north', 'x-version': 7, 'x-trace': 't' } });
      await running.send(queue, {}, { headers: { 'x-tenant': 'south' } });
      await running.settled(queue);
      assert.deepEqual(seen, [
        { tenant: 'north', version: 7, trace: 't' },
        { tenant: 'south', version: 1, trace: undefined },
      ]);
    },
  },
  {
    title: 'a message without a required header is rejected',
    async run(way, world) {
      const queue = world.name('header-missing');
      let calls = 0;
      const running = await world.app({
        listeners: [way.headers({ queue, deadLetter: true, retry: TWICE }, () => void calls++)],
      });
      await running.send(queue, {});
      await running.parked(`${queue}.dlq`);
      assert.equal(calls, 0);
    },
  },
  {
    title: 'what is invalid goes to the recoverer when that is asked for',
    async run(way, world) {
      const queue = world.name('invalid-recover');
      const parking = world.name('parking');
      const recoverer = republish('', parking);
      const running = await world.app({
        listeners: [way.payload(Paid, { queue, invalid: 'recover', recoverer }, ignored)],
        topology: { queues: [parking] },
      });
      await running.send(queue, { orderId: 'x' });
      await running.parked(parking);
      await running.settled(queue);
    },
  },
  {
    title: 'a failed message goes back to the queue without retry',
    async run(way, world) {
      const queue = world.name('requeued');
      const redelivered: boolean[] = [];
      const call = (_event: object, { redelivered: again }: { readonly redelivered: boolean }) => {
        redelivered.push(again);
        if (redelivered.length < 3) throw new Error('not yet');
      };
      const running = await world.app({ listeners: [way.any({ queue }, call)] });
      await running.send(queue, {});
      await running.settled(queue);
      assert.deepEqual(redelivered, [false, true, true]);
    },
  },
  {
    title: 'a failed message is rejected when that is asked for',
    async run(way, world) {
      const queue = world.name('not-requeued');
      const call = () => {
        throw new Error('no');
      };
      const options = { queue, deadLetter: true, defaultRequeueRejected: false };
      const running = await world.app({ listeners: [way.any(options, call)] });
      await running.send(queue, {});
      await running.parked(`${queue}.dlq`);
      assert.equal(running.count('failed'), 1);
    },
  },
  {
    title: 'a failed attempt is followed by another',
    async run(way, world) {
      const queue = world.name('retry');
      const attempts: number[] = [];
      const call = (_event: object, { attempt }: { readonly attempt: number }) => {
        attempts.push(attempt);
        if (attempt < 3) throw new Error('not yet');
      };
      const running = await world.app({
        listeners: [way.any({ queue, retry: { maxAttempts: 3, initialInterval: 5, multiplier: 2 } }, call)],
      });
      await running.send(queue, {});
      await running.settled(queue);
      assert.deepEqual(attempts, [1, 2, 3]);
      assert.equal(running.count('handled'), 1);
    },
  },
  {
    title: 'after the last attempt the message is rejected',
    async run(way, world) {
      const queue = world.name('exhausted');
      let calls = 0;
      const call = async () => {
        calls++;
        throw new Error('never');
      };
      const running = await world.app({
        listeners: [way.any({ queue, deadLetter: true, retry: TWICE }, call)],
      });
      await running.send(queue, {});
      await running.parked(`${queue}.dlq`);
      assert.equal(calls, 2);
    },
  },
  {
    title: 'republish parks the message, with the reason, and acknowledges it',
    async run(way, world) {
      const queue = world.name('republish');
      const parking = world.name('error');
      const call = () => {
        throw new TypeError('no such order');
      };
      const running = await world.app({
        listeners: [way.any({ queue, retry: TWICE, recoverer: republish('', parking) }, call)],
        topology: { queues: [parking] },
      });
      await running.send(queue, { id: 7 });
      const [message] = await running.parked(parking);
      await running.settled(queue);
      assert.match(JSON.stringify(message?.headers), /no such order/);
      assert.equal(message?.text, '{"id":7}');
    },
  },
  {
    title: 'a recoverer of the user gets the failure',
    async run(way, world) {
      const queue = world.name('recoverer');
      const failures: unknown[] = [];
      const recoverer = (failed: { readonly error: unknown; readonly attempts: number }) => {
        failures.push([(failed.error as Error).message, failed.attempts]);
        return 'ack' as const;
      };
      const call = () => {
        throw new Error('broken');
      };
      const running = await world.app({ listeners: [way.any({ queue, retry: TWICE, recoverer }, call)] });
      await running.send(queue, {});
      await running.settled(queue);
      assert.deepEqual(failures, [['broken', 2]]);
    },
  },
  {
    title: 'RejectMessage rejects at once, also as a cause',
    async run(way, world) {
      const queue = world.name('reject');
      let calls = 0;
      const call = (event: { deep?: boolean }) => {
        calls++;
        const signal = new RejectMessage('useless');
        throw event.deep === true ? new Error('wrapped', { cause: signal }) : signal;
      };
      const running = await world.app({
        listeners: [way.any({ queue, deadLetter: true, retry: TWICE }, call)],
      });
      await running.send(queue, {});
      await running.send(queue, { deep: true });
      await running.parked(`${queue}.dlq`, 2);
      assert.equal(calls, 2);
    },
  },
  {
    title: 'RequeueMessage gives the message back',
    async run(way, world) {
      const queue = world.name('requeue');
      let calls = 0;
      const call = () => {
        if (calls++ === 0) throw new RequeueMessage('later');
      };
      const running = await world.app({ listeners: [way.any({ queue, retry: TWICE }, call)] });
      await running.send(queue, {});
      await running.settled(queue);
      assert.equal(calls, 2);
      assert.equal(running.count('requeued'), 1);
    },
  },
  {
    title: 'AcknowledgeMessage acknowledges at once',
    async run(way, world) {
      const queue = world.name('acknowledge');
      let calls = 0;
      const call = () => {
        calls++;
        throw new AcknowledgeMessage('done before');
      };
      const running = await world.app({ listeners: [way.any({ queue, retry: TWICE }, call)] });
      await running.send(queue, {});
      await running.settled(queue);
      assert.equal(calls, 1);
    },
  },
  {
    title: 'a handler past its timeout hears of it, and has failed',
    async run(way, world) {
      const queue = world.name('timeout');
      let aborted = 0;
      const call = (_event: object, { signal, attempt }: { readonly signal: AbortSignal; readonly attempt: number }) =>
        attempt === 2
          ? undefined
          : new Promise((_resolve, reject) => {
              signal.addEventListener('abort', () => {
                aborted++;
                reject(signal.reason);
              });
            });
      const running = await world.app({ listeners: [way.any({ queue, timeout: 30, retry: TWICE }, call)] });
      await running.send(queue, {});
      await running.settled(queue);
      assert.equal(aborted, 1);
      assert.equal(running.count('failed'), 1);
    },
  },
  {
    title: 'in manual mode the handler settles: ack, reject, requeue',
    async run(way, world) {
      const queue = world.name('manual');
      const calls: string[] = [];
      const call = (
        event: { how: 'ack' | 'reject' | 'requeue' },
        context: { ack(): boolean; reject(): boolean; requeue(): boolean; readonly redelivered: boolean },
      ) => {
        calls.push(event.how);
        if (context.redelivered) context.ack();
        else context[event.how]();
      };
      const running = await world.app({
        listeners: [way.any({ queue, acknowledge: 'manual', deadLetter: true }, call)],
      });
      for (const how of ['ack', 'reject', 'requeue']) {
        await running.send(queue, { how });
        await running.settled(queue);
      }
      await running.parked(`${queue}.dlq`);
      assert.deepEqual(calls, ['ack', 'reject', 'requeue', 'requeue']);
    },
  },
  {
    title: 'with acknowledge none nothing is settled',
    async run(way, world) {
      const queue = world.name('none');
      let calls = 0;
      const call = () => {
        calls++;
        throw new Error('lost');
      };
      const running = await world.app({ listeners: [way.any({ queue, acknowledge: 'none' }, call)] });
      await running.send(queue, {});
      await until('the call', () => calls === 1);
      await running.settled(queue);
    },
  },
  {
    title: 'a message takes effect once, by its key',
    async run(way, world) {
      const queue = world.name('once');
      const keys: string[] = [];
      const running = await world.app({
        listeners: [way.once({ queue }, (event: { key: string }) => void keys.push(event.key))],
      });
      for (const key of ['a', 'a', 'b']) await running.send(queue, { key });
      await running.settled(queue);
      assert.deepEqual(keys, ['a', 'b']);
      assert.equal(running.count('duplicate'), 1);
    },
  },
  {
    title: 'a message takes effect once, by its id; a failed attempt frees it',
    async run(way, world) {
      const queue = world.name('once-by-id');
      let calls = 0;
      const call = () => {
        if (calls++ === 0) throw new Error('not yet');
      };
      const running = await world.app({ listeners: [way.onceById({ queue, retry: TWICE }, call)] });
      await running.send(queue, {}, { messageId: 'm1' });
      await running.send(queue, {}, { messageId: 'm1' });
      await running.settled(queue);
      assert.equal(calls, 2);
      assert.equal(running.count('duplicate'), 1);
    },
  },
  {
    title: 'a request gets its reply',
    async run(way, world) {
      const queue = world.name('request');
      const running = await world.app({
        listeners: [way.any({ queue }, (event: { n: number }) => ({ twice: 2 * event.n }))],
      });
      const reply = await running.app.publisher.request('', queue, { n: 21 }, { timeout: 3000 });
      assert.deepEqual(reply, { twice: 42 });
    },
  },
  {
    title: 'a returned value is sent where it is to go',
    async run(way, world) {
      const queue = world.name('sent');
      const answers = world.name('answers');
      const running = await world.app({
        listeners: [way.replying({ queue }, answers, (event: { n: number }) => ({ got: event.n }))],
        topology: { queues: [answers] },
      });
      await running.send(queue, { n: 1 });
      const [message] = await running.parked(answers);
      assert.equal(message?.text, '{"got":1}');
    },
  },
  {
    title: 'interceptors stand around the handler: global, outer, inner',
    async run(way, world) {
      const queue = world.name('around');
      const steps: string[] = [];
      const around = (name: string) => async (_context: unknown, next: () => Promise<unknown>) => {
        steps.push(`${name} in`);
        try {
          return await next();
        } finally {
          steps.push(`${name} out`);
        }
      };
      const listener = way.surrounded({ queue }, [around('outer'), around('inner')], () => void steps.push('call'));
      const running = await world.app({ listeners: [listener], interceptors: [around('global')] });
      await running.send(queue, {});
      await running.settled(queue);
      assert.deepEqual(steps, ['global in', 'outer in', 'inner in', 'call', 'inner out', 'outer out', 'global out']);
    },
  },
  {
    title: 'the type of a message chooses its handler',
    async run(way, world) {
      const queue = world.name('types');
      const seen: unknown[] = [];
      const listener = way.byType(
        { queue },
        {
          paid: (event) => void seen.push(['paid', event instanceof Paid, event.orderId]),
          refunded: (event) => void seen.push(['refunded', event instanceof Refunded, event.orderId]),
          other: () => void seen.push(['other']),
        },
      );
      const running = await world.app({ listeners: [listener] });
      await running.send(queue, { orderId: 1 }, { type: 'Paid' });
      await running.send(queue, { orderId: 2 }, { type: 'pay.refunded' });
      await running.send(queue, {}, { type: 'unknown' });
      await running.settled(queue);
      assert.deepEqual(seen, [['paid', true, 1], ['refunded', true, 2], ['other']]);
    },
  },
  {
    title: 'a class says where it is published',
    async run(way, world) {
      const queue = 'by-type';
      const seen: unknown[] = [];
      const listener = way.byType(
        { queue },
        { paid: ignored, refunded: (event) => void seen.push(event.orderId), other: ignored },
      );
      const running = await world.app({ listeners: [listener] });
      await running.app.publisher.publish(Object.assign(new Refunded(), { orderId: 9 }));
      await running.settled(queue);
      assert.deepEqual(seen, [9]);
    },
  },
  {
    title: 'a schedule is called at its beats',
    async run(way, world) {
      const beats: boolean[] = [];
      const beat = (signal: AbortSignal) => void beats.push(signal.aborted);
      const running = await world.app({ schedules: [way.scheduled({ every: 20 }, { id: 'beats' }, beat)] });
      await until('three beats', () => beats.length >= 3);
      assert.ok(beats.every((aborted) => !aborted));
      assert.deepEqual(running.app.schedules.ids, ['beats']);
    },
  },
  {
    title: 'a schedule never overlaps itself, and begins at once when asked',
    async run(way, world) {
      let atWork = 0;
      let most = 0;
      let runs = 0;
      const beat = async () => {
        runs++;
        atWork++;
        most = Math.max(most, atWork);
        await new Promise((resolve) => setTimeout(resolve, 30));
        atWork--;
      };
      const schedules = [way.scheduled({ every: 10 }, { id: 'slow', immediate: true }, beat)];
      await world.app({ schedules });
      await until('two runs', () => runs >= 2);
      assert.equal(most, 1);
    },
  },
  {
    title: 'a schedule by a cron pattern, and one that throws, go on',
    async run(way, world) {
      let runs = 0;
      const beat = () => {
        runs++;
        throw new Error('not now');
      };
      const schedules = [way.scheduled({ cron: '* * * * * *' }, { id: 'cron' }, beat)];
      const running = await world.app({ schedules });
      await until('a run', () => runs >= 1);
      await until('its failure', () => running.count('schedule-failed') >= 1);
    },
  },
  {
    title: 'an instance with its dependency is used as it is',
    async run(way, world) {
      const queue = world.name('instance');
      const seen: object[] = [];
      const listener = way.withDependency({ queue }, { called: (event) => void seen.push(event) });
      const running = await world.app({ listeners: [listener] });
      await running.send(queue, { n: 1 });
      await running.settled(queue);
      assert.deepEqual(seen, [{ n: 1 }]);
    },
  },
  {
    title: 'listeners stand side by side, inherited ones too',
    async run(way, world) {
      const [first, second] = [world.name('first'), world.name('second')];
      const seen: string[] = [];
      const call = (_event: object, { queue }: { readonly queue: string }) => void seen.push(queue);
      const running = await world.app({
        listeners: way.two({ queue: first, id: first }, { queue: second, id: second }, call),
      });
      for (const queue of [first, second]) {
        await running.send(queue, {});
        await running.settled(queue);
      }
      assert.deepEqual(seen, [first, second]);
      assert.deepEqual([...running.app.listeners.ids].sort(), [first, second].sort());
    },
  },
  {
    title: 'consumers work at the same time',
    async run(way, world) {
      const queue = world.name('concurrency');
      let atWork = 0;
      let finish = ignored;
      const both = new Promise<void>((resolve) => {
        finish = resolve;
      });
      const call = () => {
        if (++atWork === 2) finish();
        return both;
      };
      const running = await world.app({ listeners: [way.any({ queue, concurrency: 2, prefetch: 1 }, call)] });
      await running.send(queue, {});
      await running.send(queue, {});
      await running.settled(queue);
      assert.equal(atWork, 2);
    },
  },
  {
    title: 'a listener is stopped and started by hand',
    async run(way, world) {
      const queue = world.name('by-hand');
      let calls = 0;
      const options = { queue, id: queue, autoStart: false };
      const running = await world.app({ listeners: [way.any(options, () => void calls++)] });
      await running.send(queue, {});
      assert.equal(calls, 0);
      await running.app.listeners.get(queue).start();
      await running.settled(queue);
      await running.app.listeners.get(queue).stop();
      await running.send(queue, {});
      await running.parked(queue);
      assert.equal(calls, 1);
    },
  },
  {
    title: 'connections that are cut come back, and nothing is lost',
    async run(way, world) {
      const queue = world.name('cut');
      const seen = new Set<number>();
      const running = await world.app({
        listeners: [way.any({ queue }, (event: { n: number }) => void seen.add(event.n))],
        publisher: { retry: { maxAttempts: 10, initialInterval: 20 } },
      });
      await running.send(queue, { n: 1 });
      world.broker.faults.cutConnections();
      for (const n of [2, 3, 4]) await running.send(queue, { n });
      await until('all of them', () => seen.size === 4);
      assert.ok(running.count('disconnected') > 0);
    },
  },
  {
    title: 'a message that reaches no queue is told of',
    async run(_way, world) {
      const running = await world.app({});
      await assert.rejects(running.send(world.name('nowhere'), {}), PublishUnroutableError);
    },
  },
  {
    title: 'closing waits for what is at work',
    async run(way, world) {
      const queue = world.name('closing');
      let began = false;
      let done = false;
      const call = async () => {
        began = true;
        await new Promise((resolve) => setTimeout(resolve, 50));
        done = true;
      };
      const running = await world.app({ listeners: [way.any({ queue }, call)] });
      await running.send(queue, {});
      await until('the call', () => began);
      await running.app.close();
      assert.equal(done, true);
      assert.equal(world.broker.queue(queue)?.ready, 0);
    },
  },
  {
    title: 'every fault of a configuration is told at once',
    async run(way, world) {
      const listeners = [
        way.any({ queue: world.name('faulty'), id: 'one', prefetch: -1 }, ignored),
        way.any({ queue: world.name('faulty'), id: 'two', nonsense: true } as never, ignored),
      ];
      const start = Leveret.start({ listeners, logger: 'silent', connection: { urls: world.broker.url } });
      await assert.rejects(start, (error: unknown) => {
        assert.ok(error instanceof ConfigurationError);
        assert.equal(error.problems.length, 2);
        return true;
      });
    },
  },
];
